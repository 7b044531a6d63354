"""Databases that all examples of a law share, and a Hypothesis profile for `make prove`."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from donate.storage.database import Database
from tests.real_parts import Postgres, Sqlite

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
# The variable PROVE scales the number of examples, as it does in scripts/prove.
RUNS = max(2, round(300 * float(os.environ.get("PROVE", "1"))))

settings.register_profile("prove", max_examples=RUNS, deadline=None, suppress_health_check=SLOW)


@pytest.fixture(scope="module")
def on_sqlite(sqlite: Sqlite) -> Iterator[Database]:
    database = Database(sqlite.fresh_url())
    yield database
    database.close()


@pytest.fixture(scope="module")
def on_postgresql(postgres: Postgres) -> Iterator[Database]:
    database = Database(postgres.fresh_url())
    yield database
    database.close()
