"""A mail server, and sending of e-mails through it."""

from collections.abc import Iterator

import pytest

from donate.storage.database import Database
from tests.letters.post import Desk, PostOffice, a_post_office, open_desk, smtp_to
from tests.real_parts import Sqlite


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with a_post_office() as office:
        yield office


@pytest.fixture
def desk(database: Database, office: PostOffice) -> Desk:
    """E-mail sending on SQLite and on PostgreSQL."""
    return open_desk(database, smtp_to(office))


@pytest.fixture
def sqlite_desk(sqlite: Sqlite, office: PostOffice) -> Iterator[Desk]:
    """E-mail sending on SQLite, for rules that do not depend on the database."""
    database = Database(sqlite.fresh_url())
    yield open_desk(database, smtp_to(office))
    database.close()
