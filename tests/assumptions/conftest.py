"""One sandbox for all checks of this folder."""

from collections.abc import Iterator

import pytest

from tests.sandbox.running import RunningSandbox, run_sandbox


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[RunningSandbox]:
    with run_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox: RunningSandbox) -> RunningSandbox:
    """The shared sandbox, emptied so that its lists are short."""
    shared_sandbox.control("DELETE", "/_sandbox/state")
    return shared_sandbox
