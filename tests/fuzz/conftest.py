"""How much is tried: no seed of its own and no stored examples, so that another run tries others."""

from hypothesis import HealthCheck, settings

# What fails prints how to repeat it.
settings.register_profile(
    "fuzz",
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
settings.load_profile("fuzz")
