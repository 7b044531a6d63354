"""A crowd that tries to open gifts, on each database."""

import pytest

from donate.storage.database import Database
from tests.breaker.attempts import Crowd
from tests.real_parts import Sqlite


@pytest.fixture
def crowd(database: Database) -> Crowd:
    return Crowd(database)


@pytest.fixture
def crowd_on_sqlite(sqlite: Sqlite) -> Crowd:
    return Crowd(Database(sqlite.fresh_url()))
