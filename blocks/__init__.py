"""Configuration and secrets as Prefect blocks: fields and get_client(), no logic."""
