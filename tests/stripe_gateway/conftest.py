"""What the gateway's tests stand on: a sandbox over HTTP, and the service on a real port."""

from collections.abc import Iterator

import pytest

from donate.storage.database import Database
from tests.sandbox.running import RunningSandbox, run_sandbox
from tests.stripe_gateway.away import Away, going_away


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    """A pretend Stripe of this test's own, which delivers nothing until it is told where to."""
    with run_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def away(database: Database, sandbox: RunningSandbox) -> Iterator[Away]:
    """Two months ago, with a Stripe whose webhooks nobody hears."""
    with going_away(database, sandbox, days_ago=62) as away:
        yield away
