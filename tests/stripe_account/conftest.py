"""An account at a real sandbox, and the settings of an operator who has just begun."""

import io
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import stripe

from tests.real_parts import SECRET_KEY
from tests.sandbox.running import RunningSandbox, run_sandbox
from tests.stripe_account.operating import SITE


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningSandbox]:
    """An account that nobody set up for us, and settings as they are before the first webhook."""
    with run_sandbox() as sandbox:
        monkeypatch.setenv("STRIPE_API_BASE", sandbox.url)
        monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "")
        monkeypatch.setenv("PUBLIC_URL", SITE)
        yield sandbox


@pytest.fixture
def account(sandbox: RunningSandbox) -> Iterator[stripe.StripeClient]:
    http: Any = stripe.HTTPXClient(allow_sync_methods=True, timeout=5)
    yield stripe.StripeClient(SECRET_KEY, base_addresses={"api": sandbox.url}, http_client=http)
    http.close()


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda text: monkeypatch.setattr(sys, "stdin", io.StringIO(text))
