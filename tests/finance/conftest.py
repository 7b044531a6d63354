"""Opens the staff pages on an empty database."""

from collections.abc import Iterator

import pytest

from donate.storage.database import Database
from tests.finance.finance_site import FinanceSite, open_site
from tests.finance.oidc_provider import OidcProvider, running_provider
from tests.finance.provider_desk import Desk, desk_on
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


@pytest.fixture
def provider() -> Iterator[OidcProvider]:
    """Serve an identity provider on a real port."""
    with running_provider() as provider:
        yield provider


@pytest.fixture
def desk(sqlite: Sqlite, provider: OidcProvider) -> Iterator[Desk]:
    """Return the staff pages on SQLite, where staff sign in at the identity provider `provider`."""
    url = sqlite.fresh_url()
    database = Database(url)
    yield desk_on(database, provider)
    database.close()
    sqlite.drop(url)
