"""The staff pages on an empty database."""

from collections.abc import Iterator

import pytest

from donate.storage.database import Database
from tests.finance.room import Room, open_room
from tests.real_parts import Sqlite


@pytest.fixture
def room(sqlite: Sqlite) -> Iterator[Room]:
    """The staff pages on SQLite, for rules that do not depend on the database."""
    url = sqlite.fresh_url()
    database = Database(url)
    yield open_room(database)
    database.close()
    sqlite.drop(url)


@pytest.fixture
def room_on_each(database: Database) -> Room:
    """The staff pages on SQLite and on PostgreSQL."""
    return open_room(database)
