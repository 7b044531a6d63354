"""Fixtures with an API client and a service, with or without a Stripe that answers."""

from collections.abc import Iterator

import pytest

from tests.api.program import Program, calling, calling_with_stripe
from tests.real_parts import Sqlite


@pytest.fixture(scope="module")
def program(sqlite: Sqlite) -> Iterator[Program]:
    """A client of a service on SQLite that may hold gifts of earlier tests; Stripe is down."""
    with calling(sqlite.fresh_url()) as program:
        yield program


@pytest.fixture
def first_program(database_url: str) -> Iterator[Program]:
    """A client of a service with an empty database, SQLite or PostgreSQL; Stripe is down."""
    with calling(database_url) as program:
        yield program


@pytest.fixture
def card_program(database_url: str) -> Iterator[tuple[Program, str]]:
    """A client of a service with an empty database, and the URL of its sandbox."""
    with calling_with_stripe(database_url) as program_and_stripe:
        yield program_and_stripe
