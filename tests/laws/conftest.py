"""A Hypothesis profile with many examples, for `make prove`."""

import os

from hypothesis import HealthCheck, settings

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
# The variable PROVE scales the number of examples, as it does in scripts/prove.
RUNS = max(2, round(300 * float(os.environ.get("PROVE", "1"))))

settings.register_profile("prove", max_examples=RUNS, deadline=None, suppress_health_check=SLOW)
