"""Fixtures of the tests of `donate stripe setup`: a sandbox whose account is not set up."""

import io
import sys
from collections.abc import Callable, Iterator

import pytest
import stripe

from tests.sandbox.running import RunningSandbox
from tests.stripe_account.operating import an_account


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[RunningSandbox, stripe.StripeClient]]:
    with an_account(monkeypatch) as both:
        yield both


@pytest.fixture
def sandbox(both: tuple[RunningSandbox, stripe.StripeClient]) -> RunningSandbox:
    """A sandbox whose account has no webhook endpoint yet."""
    return both[0]


@pytest.fixture
def account(both: tuple[RunningSandbox, stripe.StripeClient]) -> stripe.StripeClient:
    return both[1]


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda text: monkeypatch.setattr(sys, "stdin", io.StringIO(text))
