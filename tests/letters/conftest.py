"""Starts a local mail server, and sends e-mails through it."""

from collections.abc import Iterator

import pytest

from donate.storage.database import Database
from tests.letters.mailer import LocalMailServer, Mailer, open_mailer, run_mail_server, smtp_to
from tests.real_parts import Sqlite


@pytest.fixture
def mail_server() -> Iterator[LocalMailServer]:
    with run_mail_server() as mail_server:
        yield mail_server


@pytest.fixture
def mailer(database: Database, mail_server: LocalMailServer) -> Mailer:
    """Return a `Mailer`, which sends e-mails; the test runs on SQLite and on PostgreSQL."""
    return open_mailer(database, smtp_to(mail_server))


@pytest.fixture
def sqlite_mailer(sqlite: Sqlite, mail_server: LocalMailServer) -> Iterator[Mailer]:
    """Return a `Mailer`, which sends e-mails, on SQLite only."""
    database = Database(sqlite.fresh_url())
    yield open_mailer(database, smtp_to(mail_server))
    database.close()
