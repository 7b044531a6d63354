"""HTTP clients of a service with test regions, whose Stripe does not answer."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from donate.demo.start import EXAMPLE_CHARITY
from donate.storage.database import Database
from tests.donors.visitor import REGIONS, Visitor, visiting
from tests.real_parts import Sqlite


@pytest.fixture(scope="module")
def _service(sqlite: Sqlite) -> Iterator[Visitor]:
    url = sqlite.fresh_url()
    database = Database(url)
    with visiting(database, url, regions_file=REGIONS) as visitor:
        yield visitor
    database.close()


@pytest.fixture
def visitor(_service: Visitor) -> Visitor:
    """A client of a service on SQLite, whose database may hold gifts of earlier tests."""
    return replace(_service, before=frozenset(gift.id for gift in _service.gifts()))


@pytest.fixture
def first_visitor(database: Database, database_url: str) -> Iterator[Visitor]:
    """A client of a service with an empty database, once on SQLite and once on PostgreSQL."""
    with visiting(database, database_url, regions_file=REGIONS) as visitor:
        yield visitor


@pytest.fixture(scope="module")
def _kitchen(sqlite: Sqlite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    url = sqlite.fresh_url()
    database = Database(url)
    emails = {"letters_folder": tmp_path_factory.mktemp("letters"), "mail_from": "give@example.org"}
    with visiting(database, url, regions_file=EXAMPLE_CHARITY, **emails) as visitor:
        yield visitor
    database.close()


@pytest.fixture
def kitchen(_kitchen: Visitor) -> Visitor:
    """A client of a service with the demo's charity: funds, monthly gifts, and e-mails."""
    return replace(_kitchen, before=frozenset(gift.id for gift in _kitchen.gifts()))
