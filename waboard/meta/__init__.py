"""Meta's Graph API, as far as onboarding needs it, and the table of its versions."""
