"""The webhook endpoint. It verifies an event, stores it on disk, and only then answers 2xx."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from stripe import SignatureVerificationError, WebhookSignature

from donate.clock import Clock
from donate.errors import DatabaseBusy
from donate.stripe_gateway.webhooks.inbox import Arrival, Inbox
from donate.web.limits.body_limits import WEBHOOK_PATH
from donate.web.logs_and_metrics import WEBHOOKS

# Maximum difference between a signature's time and now, the same as Stripe's default. The SDK
# limits only times in the past. We also limit times in the future.
TOLERANCE_S: Final = 300
_MAX_HEADER_LENGTH: Final = 4_096
_SECONDS: Final = re.compile(r"[0-9]{1,12}")
RETRY_AFTER_S: Final = 10


class WebhookEndpoint:
    """The route `POST /webhooks/stripe`, which receives Stripe's events."""

    def __init__(self, inbox: Inbox, secrets: Sequence[str], clock: Clock) -> None:
        self._inbox = inbox
        self._secrets = secrets
        self._clock = clock
        # Use a plain Starlette route, because FastAPI looks for parameters on every request.
        self.router = APIRouter(routes=[Route(WEBHOOK_PATH, self.receive, methods=["POST"])])

    async def receive(self, request: Request) -> Response:
        """Store an event. Answer 200 if it is stored, 400 if its signature is wrong, else 503."""
        body = await request.body()
        now = self._clock.now()
        header = request.headers.get("stripe-signature", "")
        if not is_signed(body, header, self._secrets, now):
            WEBHOOKS.labels("refused").inc()
            return PlainTextResponse("The signature does not match.", status_code=400)
        try:
            await self._inbox.store(Arrival(body, now))
        except DatabaseBusy:
            WEBHOOKS.labels("busy").inc()
            return PlainTextResponse(
                "Please send this again.",
                status_code=503,
                headers={"Retry-After": str(RETRY_AFTER_S)},
            )
        WEBHOOKS.labels("stored").inc()
        return JSONResponse({"received": True})


def is_signed(body: bytes, header: str, secrets: Sequence[str], now: datetime) -> bool:
    """Return whether Stripe recently signed exactly these bytes with one of our secrets."""
    if not header or len(header) > _MAX_HEADER_LENGTH or not header.isascii():
        return False
    signed_at = _signed_at(header)
    if signed_at is None or abs(now.timestamp() - signed_at) > TOLERANCE_S:
        return False
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return any(_matches(text, header, secret) for secret in secrets)


def _signed_at(header: str) -> int | None:
    # Accept exactly one plain `t`, the signature's time. The SDK takes the first `t` that int() can
    # read. So a second, recent `t` could hide the age of an old signature.
    parts = (part.partition("=") for part in header.split(","))
    times = [value for name, _, value in parts if name.strip() == "t"]
    return int(times[0]) if len(times) == 1 and _SECONDS.fullmatch(times[0]) else None


def _matches(text: str, header: str, secret: str) -> bool:
    try:
        # Tell the SDK not to check the age, because `is_signed` checks it with our own clock.
        WebhookSignature.verify_header(text, header, secret, tolerance=None)
    except (SignatureVerificationError, ValueError, TypeError):
        return False
    return True
