"""The pure rules of onboarding: no Prefect, no HTTP, no database, no clock of its own."""
