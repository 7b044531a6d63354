"""A sandbox that all tests of this folder share."""

from collections.abc import Iterator

import pytest

from tests.sandbox.running import RunningSandbox, run_sandbox


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[RunningSandbox]:
    with run_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox: RunningSandbox) -> RunningSandbox:
    """The shared sandbox, reset before each test so that its lists stay short."""
    shared_sandbox.control("DELETE", "/_sandbox/state")
    return shared_sandbox
