"""Programs that call the service, with and without Stripe."""

from collections.abc import Iterator

import pytest

from tests.api.program import Program, calling, calling_with_stripe
from tests.real_parts import Sqlite


@pytest.fixture(scope="module")
def program(sqlite: Sqlite) -> Iterator[Program]:
    """A program at a service that may hold earlier gifts, on SQLite, with Stripe down."""
    with calling(sqlite.fresh_url()) as program:
        yield program


@pytest.fixture
def first_program(database_url: str) -> Iterator[Program]:
    """An API client of a new service, on each kind of database, while Stripe is down."""
    with calling(database_url) as program:
        yield program


@pytest.fixture
def card_program(database_url: str) -> Iterator[tuple[Program, str]]:
    """A program at a new service with the sandbox as its Stripe, and the sandbox's address."""
    with calling_with_stripe(database_url) as program_and_stripe:
        yield program_and_stripe
