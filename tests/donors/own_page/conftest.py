"""A site with the pages under /my-gifts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.donors.own_page.site import OwnPageSite, own_page_site
from tests.real_parts import Sqlite


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Iterator[OwnPageSite]:
    """A site with an empty database, once on SQLite and once on PostgreSQL."""
    with own_page_site(database_url, tmp_path) as site:
        yield site


@pytest.fixture
def sqlite_site(sqlite: Sqlite, tmp_path: Path) -> Iterator[OwnPageSite]:
    """A site with an empty database on SQLite."""
    with own_page_site(sqlite.fresh_url(), tmp_path) as site:
        yield site
