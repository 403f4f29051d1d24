"""Rules are tested against a hundred arbitrary cases each, however busy the machine is."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "waboard",
    max_examples=100,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("waboard")
