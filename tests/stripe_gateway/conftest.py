"""Fixtures of the gateway's tests: a sandbox over HTTP, and a service without webhooks."""

from collections.abc import Iterator

import pytest

from donate.storage.database import Database
from tests.sandbox.running import RunningSandbox, run_sandbox
from tests.stripe_gateway.without_webhooks import Away, going_away


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    """A sandbox for one test; it delivers no webhooks until the test sets an address."""
    with run_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def away(database: Database, sandbox: RunningSandbox) -> Iterator[Away]:
    """A service and a sandbox whose clocks are two months behind, without webhooks."""
    with going_away(database, sandbox, days_ago=62) as away:
        yield away
