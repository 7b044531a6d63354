"""Checkout sessions of the sandbox, and the client that requests them."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from donate.clock import Clock, FixedClock
from donate.gifts.links.gift_links import GiftLinks
from donate.gifts.models import Gift
from donate.storage.database import Database
from donate.stripe_gateway.client import StripeClient
from donate.stripe_gateway.requests.checkout import Checkouts
from donate.trust.secret_cipher import SecretCipher
from tests.links import LINK_KEY
from tests.real_parts import SECRET_KEY
from tests.sandbox.running import RunningSandbox
from tests.stripe_gateway.gifts_and_events import facts_now

PUBLIC_URL = "https://give.example.org"

SESSIONS = "/v1/checkout/sessions"


def client_of(sandbox: RunningSandbox, **more: Any) -> StripeClient:
    return StripeClient(SECRET_KEY, sandbox.url, (urlsplit(sandbox.url).netloc,), **more)


def checkouts_of(
    database: Database,
    client: StripeClient,
    clock: Clock | None = None,
    *,
    keys: tuple[str, ...] = (LINK_KEY,),
) -> Checkouts:
    return Checkouts(
        *(database, client, clock or FixedClock(datetime.now(UTC)), GiftLinks(PUBLIC_URL, keys)),
        cipher=SecretCipher(keys),
    )


def session_requests(sandbox: RunningSandbox) -> list[dict[str, Any]]:
    """Return the logged requests that create checkout sessions, in order."""
    log: list[dict[str, Any]] = sandbox.control("GET", "/_sandbox/requests")
    return [one for one in log if (one["method"], one["path"]) == ("POST", SESSIONS)]


def sessions(sandbox: RunningSandbox) -> dict[str, int]:
    counts: dict[str, int] = sandbox.control("GET", "/_sandbox/state")["counts"]["sessions"]
    return counts


def kinds(database: Database, gift: Gift) -> list[str]:
    return [kind for kind, _ in facts_now(database, gift)]
