"""Opens the staff pages on an empty database."""

from collections.abc import Iterator

import pytest

from donate.storage.database import Database
from tests.finance.finance_site import FinanceSite, open_site
from tests.real_parts import Sqlite


@pytest.fixture
def site(sqlite: Sqlite) -> Iterator[FinanceSite]:
    """Return the staff pages on SQLite, for rules that do not depend on the kind of database."""
    url = sqlite.fresh_url()
    database = Database(url)
    yield open_site(database)
    database.close()
    sqlite.drop(url)


@pytest.fixture
def site_on_each(database: Database) -> FinanceSite:
    """Return the staff pages; the test runs on SQLite and on PostgreSQL."""
    return open_site(database)
