"""What an operator does, and what Stripe was asked."""

from typing import Any

import stripe

from donate.cli import main
from donate.stripe_gateway.event_types import EVENT_TYPES
from tests.sandbox.running import RunningSandbox

SITE = "https://give.example.org"
URL = f"{SITE}/webhooks/stripe"
VERSION = "2026-10-28.endive"


def setup(*arguments: str) -> int:
    return main(["stripe", "setup", *arguments])


def new_endpoint(account: stripe.StripeClient, **more: Any) -> str:
    asked: Any = {"url": URL, "enabled_events": list(EVENT_TYPES), "api_version": VERSION} | more
    return account.v1.webhook_endpoints.create(asked).id


def writes(sandbox: RunningSandbox) -> list[str]:
    asked = sandbox.control("GET", "/_sandbox/requests")
    return [f"{one['method']} {one['path']}" for one in asked if one["method"] != "GET"]
