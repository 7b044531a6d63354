"""How long the laws are tried: briefly in the tests, at length in the long proof."""

from hypothesis import HealthCheck, settings

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]

settings.register_profile("prove", max_examples=300, deadline=None, suppress_health_check=SLOW)
