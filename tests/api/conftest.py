"""Programs that call the service, with and without a Stripe behind it."""

from collections.abc import Iterator

import pytest

from tests.api.program import Program, calling, calling_with_stripe
from tests.real_parts import Sqlite


@pytest.fixture(scope="module")
def program(sqlite: Sqlite) -> Iterator[Program]:
    """A program at a service that others have called before; on SQLite, with Stripe down."""
    with calling(sqlite.fresh_url()) as program:
        yield program


@pytest.fixture
def first_program(database_url: str) -> Iterator[Program]:
    """A program at a service of its own, once on each kind of database; Stripe is down."""
    with calling(database_url) as program:
        yield program


@pytest.fixture
def card_program(database_url: str) -> Iterator[tuple[Program, str]]:
    """As `first_program`, with a pretend Stripe; gives its address too."""
    with calling_with_stripe(database_url) as found:
        yield found
