"""Events on their way to the receiver: signed, delivered side by side, tried again when refused.

Signatures: https://docs.stripe.com/webhooks#verify-manually
"""

import asyncio
import hashlib
import hmac
import json
import time
from collections import deque
from collections.abc import Coroutine
from dataclasses import asdict, dataclass
from typing import Any

from donate.sandbox.api_versions import TODAY, Version, is_known_in
from donate.sandbox.mischief.mischief import PLAIN, Mischief, Plan
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store
from donate.sandbox.webhooks.client import NotDelivered, WebhookClient
from donate.sandbox.webhooks.delayed import DelayedDeliveries
from donate.sandbox.webhooks.older_versions import seen_in

# Enough to be busy, few enough that a small receiver is not drowned.
SIDE_BY_SIDE = 16
RECEIVER_TIMEOUT_S = 20
LOGGED_DELIVERIES = 10_000


@dataclass(frozen=True)
class Delivery:
    """One try to hand over one event; `status` is None when no answer came."""

    event: str
    type: str
    url: str
    attempt: int
    status: int | None
    error: str | None
    at: float


@dataclass(frozen=True)
class OutgoingEvent:
    """An event as it goes out: in which version of the API, and signed with which secret."""

    event: StripeObject
    version: Version
    secret: str


def sign(body: bytes, secret: str, at: int) -> str:
    """The value of Stripe-Signature for this body at this moment, in unix seconds."""
    signed = str(at).encode() + b"." + body
    return f"t={at},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


class Deliveries:
    def __init__(
        self,
        store: Store,
        mischief: Mischief,
        secret: str,
        url: str | None,
        retry_delays_s: tuple[float, ...],
        *,
        connected_account: str = "",
    ) -> None:
        self._connected_account = connected_account
        self._store = store
        self._mischief = mischief
        self._secret = secret
        self._first_url = url
        self._retry_delays_s = retry_delays_s
        self._under_way: set[asyncio.Task[None]] = set()
        self.reset()
        self._side_by_side = asyncio.Semaphore(SIDE_BY_SIDE)
        self._courier = WebhookClient()

    def reset(self) -> None:
        """Stop what is under way, and begin anew."""
        for task in self._under_way:
            task.cancel()
        self.url = self._first_url
        self.paused = False
        self.api_version: Version = TODAY
        self._submitted = 0
        self._held = DelayedDeliveries()
        self._missed: list[tuple[StripeObject, Plan]] = []
        self.log: deque[Delivery] = deque(maxlen=LOGGED_DELIVERIES)

    async def close(self) -> None:
        """Stop at once: what was not delivered stays undelivered."""
        self.reset()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._courier.close()

    @property
    def pending(self) -> int:
        """Deliveries that have not come to their end, those held back among them."""
        return len(self._under_way)

    @property
    def held(self) -> int:
        return len(self._held)

    @property
    def missed(self) -> int:
        return len(self._missed)

    def submit(self, event: StripeObject) -> None:
        plan = self._mischief.plan_for(event)
        if self.url is None or not is_known_in(plan.version or self.api_version, event["type"]):
            return
        event["pending_webhooks"] = 1
        if self.paused:
            self._missed.append((event, plan))
        else:
            self._start(event, plan)

    def resume(self, *, deliver_missed: bool) -> None:
        self.paused = False
        missed, self._missed = self._missed, []
        if deliver_missed:
            for event, plan in missed:
                self._start(event, plan)

    def flush(self) -> int:
        """Deliver now all that is held back, for whatever reason; returns how many those are."""
        return self._held.release()

    async def send_again(self, event: StripeObject, times: int) -> list[Delivery]:
        """Hand over an event `times` more, all at once, whatever happened to it before."""
        letter = OutgoingEvent(event, self.api_version, self._secret)
        return list(await asyncio.gather(*(self._send(letter, 1) for _ in range(times))))

    def _start(self, event: StripeObject, plan: Plan) -> None:
        self._submitted += 1
        letter = OutgoingEvent(event, plan.version or self.api_version, self._secret)
        overtaken_at = self._submitted + plan.overtaken_by
        for index, offset_s in enumerate(plan.offsets_s):
            again_after_s = () if index else self._retry_delays_s
            self._go(self._deliver(letter, offset_s, plan, overtaken_at, again_after_s))
        if plan.forgery is not None:
            secret = self._secret if plan.forgery.is_well_signed else f"not {self._secret}"
            forged = OutgoingEvent(plan.forgery.event, self.api_version, secret)
            self._go(self._deliver(forged, 0.0, PLAIN, overtaken_at, ()))
        self._held.release(self._submitted)

    def _go(self, delivering: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(delivering)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _deliver(
        self,
        letter: OutgoingEvent,
        offset_s: float,
        plan: Plan,
        overtaken_at: int,
        again_after_s: tuple[float, ...],
    ) -> None:
        if plan.overtaken_by:
            await self._held.wait(plan.longest_wait_s, overtaken_at)
        for attempt, delay_s in enumerate((offset_s, *again_after_s), start=1):
            await self._held.wait(delay_s)
            delivery = await self._send(letter, attempt)
            if delivery.status is not None and 200 <= delivery.status < 300:
                return

    async def _send(self, letter: OutgoingEvent, attempt: int) -> Delivery:
        assert self.url is not None
        url, event = self.url, letter.event
        shown = seen_in(letter.version, event, self._store)
        if self._connected_account:
            shown = {"account": self._connected_account} | shown
        body = json.dumps(shown, indent=2).encode()
        status, error = None, None
        async with self._side_by_side:
            at = int(time.time())
            headers = {
                "content-type": "application/json; charset=utf-8",
                "stripe-signature": sign(body, letter.secret, at),
                "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            }
            try:
                status = await self._courier.post(url, body, headers, RECEIVER_TIMEOUT_S)
            except NotDelivered as problem:
                error = str(problem)
        if status is not None and 200 <= status < 300:
            event["pending_webhooks"] = 0
        delivery = Delivery(event["id"], event["type"], url, attempt, status, error, time.time())
        self.log.append(delivery)
        return delivery


def as_json(delivery: Delivery) -> dict[str, Any]:
    return asdict(delivery)
