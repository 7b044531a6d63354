"""Helpers that run `donate stripe setup`, and read the requests that the sandbox got."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import stripe

from donate.cli import main
from donate.stripe_gateway.events.types import WEBHOOK_EVENT_TYPES
from tests.real_parts import SECRET_KEY
from tests.sandbox.running import RunningSandbox, run_sandbox

SITE = "https://give.example.org"
URL = f"{SITE}/webhooks/stripe"
VERSION = "2026-10-28.endive"


@contextmanager
def an_account(
    monkeypatch: pytest.MonkeyPatch, **more: Any
) -> Iterator[tuple[RunningSandbox, stripe.StripeClient]]:
    """Run a sandbox, and set the environment of an operator who has no signing secret yet."""
    with run_sandbox(**more) as sandbox:
        monkeypatch.setenv("STRIPE_API_BASE", sandbox.url)
        monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "")
        monkeypatch.setenv("PUBLIC_URL", SITE)
        http: Any = stripe.HTTPXClient(allow_sync_methods=True, timeout=5)
        base: Any = {"api": sandbox.url}
        yield sandbox, stripe.StripeClient(SECRET_KEY, base_addresses=base, http_client=http)
        http.close()


def setup(*arguments: str) -> int:
    return main(["stripe", "setup", *arguments])


def new_endpoint(account: stripe.StripeClient, **more: Any) -> str:
    params: Any = {
        "url": URL,
        "enabled_events": list(WEBHOOK_EVENT_TYPES),
        "api_version": VERSION,
    } | more
    return account.v1.webhook_endpoints.create(params).id


def writes(sandbox: RunningSandbox) -> list[str]:
    requests = sandbox.control("GET", "/_sandbox/requests")
    return [f"{one['method']} {one['path']}" for one in requests if one["method"] != "GET"]
