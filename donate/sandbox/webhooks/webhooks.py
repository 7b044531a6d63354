"""Delivers events: signs them, sends them in parallel, and retries refused deliveries.

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
from donate.sandbox.webhooks.older_versions import event_in_version

# At most this many deliveries run at the same time: enough to be fast, and not too many for a small
# receiver.
MAX_PARALLEL = 16
RECEIVER_TIMEOUT_S = 20
LOGGED_DELIVERIES = 10_000


@dataclass(frozen=True)
class Delivery:
    """One attempt to deliver one event; `status` is None when no answer arrived."""

    event: str
    type: str
    url: str
    attempt: int
    status: int | None
    error: str | None
    at: float


@dataclass(frozen=True)
class OutgoingEvent:
    """An event, the API version in which to write it, and the secret with which to sign it."""

    event: StripeObject
    version: Version
    secret: str


def sign(body: bytes, secret: str, at: int) -> str:
    """Return the Stripe-Signature header for this body and time in unix seconds."""
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
        self._tasks: set[asyncio.Task[None]] = set()
        self.reset()
        self._parallel = asyncio.Semaphore(MAX_PARALLEL)
        self._client = WebhookClient()

    def reset(self) -> None:
        """Cancel all deliveries and start again."""
        for task in self._tasks:
            task.cancel()
        self.url = self._first_url
        self.paused = False
        self.api_version: Version = TODAY
        self._submitted = 0
        self._delayed = DelayedDeliveries()
        self._missed: list[tuple[StripeObject, Plan]] = []
        self.log: deque[Delivery] = deque(maxlen=LOGGED_DELIVERIES)

    async def close(self) -> None:
        """Stop all deliveries now. Events that are not delivered yet will never be delivered."""
        self.reset()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.close()

    @property
    def pending(self) -> int:
        """The number of unfinished deliveries, including delayed ones."""
        return len(self._tasks)

    @property
    def held(self) -> int:
        return len(self._delayed)

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
        """Send all delayed deliveries now and return their number."""
        return self._delayed.release()

    async def send_again(self, event: StripeObject, times: int) -> list[Delivery]:
        """Deliver an event `times` times in parallel, even if it was delivered before."""
        outgoing = OutgoingEvent(event, self.api_version, self._secret)
        return list(await asyncio.gather(*(self._send(outgoing, 1) for _ in range(times))))

    def _start(self, event: StripeObject, plan: Plan) -> None:
        self._submitted += 1
        outgoing = OutgoingEvent(event, plan.version or self.api_version, self._secret)
        overtaken_at = self._submitted + plan.overtaken_by
        for index, offset_s in enumerate(plan.offsets_s):
            retry_delays_s = () if index else self._retry_delays_s
            self._start_task(self._deliver(outgoing, offset_s, plan, overtaken_at, retry_delays_s))
        if plan.forgery is not None:
            secret = self._secret if plan.forgery.is_well_signed else f"not {self._secret}"
            forged = OutgoingEvent(plan.forgery.event, self.api_version, secret)
            self._start_task(self._deliver(forged, 0.0, PLAIN, overtaken_at, ()))
        self._delayed.release(self._submitted)

    def _start_task(self, delivery: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(delivery)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(
        self,
        outgoing: OutgoingEvent,
        offset_s: float,
        plan: Plan,
        overtaken_at: int,
        retry_delays_s: tuple[float, ...],
    ) -> None:
        if plan.overtaken_by:
            await self._delayed.wait(plan.max_wait_s, overtaken_at)
        for attempt, delay_s in enumerate((offset_s, *retry_delays_s), start=1):
            await self._delayed.wait(delay_s)
            delivery = await self._send(outgoing, attempt)
            if delivery.status is not None and 200 <= delivery.status < 300:
                return

    async def _send(self, outgoing: OutgoingEvent, attempt: int) -> Delivery:
        assert self.url is not None
        url, event = self.url, outgoing.event
        written = event_in_version(outgoing.version, event, self._store)
        if self._connected_account:
            written = {"account": self._connected_account} | written
        body = json.dumps(written, indent=2).encode()
        status, error = None, None
        async with self._parallel:
            at = int(time.time())
            headers = {
                "content-type": "application/json; charset=utf-8",
                "stripe-signature": sign(body, outgoing.secret, at),
                "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            }
            try:
                status = await self._client.post(url, body, headers, RECEIVER_TIMEOUT_S)
            except NotDelivered as problem:
                error = str(problem)
        if status is not None and 200 <= status < 300:
            event["pending_webhooks"] = 0
        delivery = Delivery(event["id"], event["type"], url, attempt, status, error, time.time())
        self.log.append(delivery)
        return delivery


def as_json(delivery: Delivery) -> dict[str, Any]:
    return asdict(delivery)
