"""What the gateway's tests stand on: a sandbox over HTTP, and the service on a real port."""

from collections.abc import Iterator

import pytest

from tests.sandbox.running import RunningSandbox, run_sandbox


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    """A pretend Stripe of this test's own, which delivers nothing until it is told where to."""
    with run_sandbox() as sandbox:
        yield sandbox
