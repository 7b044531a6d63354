"""Sends the webhooks that are due, each at least once.

A worker claims a receiver, not a single webhook: so a receiver gets one webhook at a time, in each
process and in all together. Each claimed receiver has a thread of its own, so that one that hangs
delays no other. If the process dies after sending a webhook but before marking it, it is sent again
with the same id when the lease has expired.
"""

import logging
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from donate.clock import Backoff, Clock
from donate.errors import N_, BadInput, ReceiverUnavailable, Unavailable
from donate.outbound_webhooks.client import WebhookAnswer, WebhookClient
from donate.outbound_webhooks.models import DeliveryState, WebhookDelivery, WebhookReceiver
from donate.outbound_webhooks.payload import body_of
from donate.outbound_webhooks.signing import signed_headers
from donate.outbound_webhooks.targets import NOT_PUBLIC, read_target
from donate.storage.claiming import LEASE, claim_due
from donate.storage.database import Database
from donate.trust.secret_cipher import SecretCipher
from donate.web.logs_and_metrics import OUTBOUND_WEBHOOKS

log = logging.getLogger(__name__)

# The pauses that Standard Webhooks suggests. After the last try, the delivery has failed.
RETRY_AFTER: Final = Backoff("5s 5m 30m 2h 5h 10h 14h 20h 1d")
# How long a receiver gets nothing after a failure, so that a long queue does not flood it.
REST_AFTER: Final = Backoff("5s 30s 1m")
# A pause is up to a tenth longer or shorter, so that retries of many webhooks spread out.
JITTER: Final = 0.1
LONGEST_WAIT: Final = timedelta(days=1)
MOST_RECEIVERS: Final = 10
"""How many receivers may be enabled. As many threads send, so that none waits for another."""

_BATCH_SIZE: Final = 100
_GONE: Final = 410
_SHOWN: Final = 500

NOT_WRITTEN: Final = N_("It couldn’t be written. The service’s log says why.")
NO_SECRET: Final = N_("Its secret can’t be decrypted. Make a new one.")

_RANDOM: Final = secrets.SystemRandom()

Spread = Callable[[float, float], float]
"""A function that returns a random number between two numbers."""


class WebhookSender:
    """The background job that sends webhooks."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        cipher: SecretCipher | None,
        client: WebhookClient,
        *,
        allows_this_machine: bool = False,
        spread: Spread = _RANDOM.uniform,
    ) -> None:
        self._database = database
        self._clock = clock
        self._cipher = cipher
        self._client = client
        self._allows_this_machine = allows_this_machine
        self._spread = spread
        self._threads = ThreadPoolExecutor(MOST_RECEIVERS, thread_name_prefix="webhooks")
        self._is_stopping = False

    def send_due(self) -> int:
        """Start a thread for each receiver for which a webhook is due; return how many.

        Returns without waiting for the threads.
        """
        started = 0
        while not self._is_stopping and (receiver := self._claim()) is not None:
            self._threads.submit(self.send_to, receiver)
            started += 1
        return started

    def stop(self) -> None:
        """Let each thread finish the webhook that it is sending, and wait until all have ended."""
        self._is_stopping = True
        self._threads.shutdown()

    def send_to(self, receiver: WebhookReceiver) -> int:
        """Send to a claimed receiver what is due, until one fails; return how many it accepted."""
        done = 0
        try:
            while done < _BATCH_SIZE and not self._is_stopping:
                delivery = self._begin(receiver)
                if delivery is None or not self._send(receiver, delivery):
                    return done
                done += 1
            self._release(receiver)
        except Unavailable as error:
            log.warning("webhooks cannot be sent now: %s", type(error).__name__)
        except Exception:
            log.exception("sending webhooks failed")
        return done

    def _claim(self) -> WebhookReceiver | None:
        now = self._clock.now()

        def begin_lease(receiver: WebhookReceiver) -> None:
            receiver.free_at = now + LEASE

        return claim_due(self._database, _due_receivers(now), begin_lease)

    def _begin(self, receiver: WebhookReceiver) -> WebhookDelivery | None:
        """Return the next due delivery, after extending the lease and counting the try.

        If nothing is due, release the receiver and return None. Also return None if another worker
        has claimed the receiver.
        """
        now = self._clock.now()
        with self._database.writing() as session:
            row = session.get_one(WebhookReceiver, receiver.id, with_for_update=True)
            if row.free_at != receiver.free_at:
                return None
            due = _due_deliveries(row.id or 0, now).with_for_update()
            delivery = None if row.disabled_at else session.exec(due).first()
            row.free_at = receiver.free_at = now + LEASE if delivery else now
            if delivery:
                delivery.tries += 1
                # An admin may have changed these since the claim.
                for name in ("url", "with_donor", "secret", "old_secret", "old_secret_until"):
                    setattr(receiver, name, getattr(row, name))
            return delivery

    def _release(self, receiver: WebhookReceiver) -> None:
        with self._database.writing() as session:
            row = session.get_one(WebhookReceiver, receiver.id, with_for_update=True)
            if row.free_at == receiver.free_at:
                row.free_at = self._clock.now()

    def _send(self, receiver: WebhookReceiver, delivery: WebhookDelivery) -> bool:
        """Send one webhook and record what came of it; return whether it was accepted."""
        now = self._clock.now()
        try:
            answer = self._exchange(receiver, delivery, now)
        except ReceiverUnavailable as error:
            self._put_off(receiver, delivery, reason=str(error))
            return False
        if 200 <= answer.code < 300:
            self._mark_delivered(receiver, delivery, answer)
            return True
        self._put_off(receiver, delivery, answer=answer)
        return False

    def _exchange(
        self, receiver: WebhookReceiver, delivery: WebhookDelivery, now: datetime
    ) -> WebhookAnswer:
        with self._database.reading() as session:
            try:
                body = body_of(session, delivery, with_donor=receiver.with_donor)
            except Unavailable:
                raise
            except Exception:
                # One webhook that cannot be written must not block the others.
                log.exception("could not write a webhook")
                raise ReceiverUnavailable(NOT_WRITTEN) from None
        headers = signed_headers(
            delivery.message_id, body, self._secrets_of(receiver, now), now=now
        )
        headers |= {"Content-Type": "application/json", "User-Agent": "donate-webhooks/1"}
        try:
            target = read_target(receiver.url, allows_this_machine=self._allows_this_machine)
        except BadInput:
            # The rules for addresses have changed since this one was entered.
            raise ReceiverUnavailable(NOT_PUBLIC) from None
        return self._client.post(target, body.encode(), headers, now=now)

    def _secrets_of(self, receiver: WebhookReceiver, now: datetime) -> list[str]:
        """Return the receiver's secrets, the newest first. Raises ReceiverUnavailable."""
        stored = [receiver.secret]
        if receiver.old_secret_until and now < receiver.old_secret_until:
            stored.append(receiver.old_secret)
        found = [self._cipher.decrypt(each) if self._cipher else None for each in stored]
        if found[0] is None:
            raise ReceiverUnavailable(NO_SECRET)
        return [secret for secret in found if secret]

    def _mark_delivered(
        self, receiver: WebhookReceiver, delivery: WebhookDelivery, answer: WebhookAnswer
    ) -> None:
        now = self._clock.now()
        with self._database.writing() as session:
            row = session.get_one(WebhookReceiver, receiver.id, with_for_update=True)
            row.failures, row.failing_since = 0, None
            # It was delivered even if another worker is sending it again.
            sent = session.get_one(WebhookDelivery, delivery.id, with_for_update=True)
            sent.state, sent.delivered_at = DeliveryState.DELIVERED, now
            _note_answer(row, sent, answer)
        OUTBOUND_WEBHOOKS.labels(delivery.event, "delivered").inc()

    def _put_off(
        self,
        receiver: WebhookReceiver,
        delivery: WebhookDelivery,
        *,
        answer: WebhookAnswer | None = None,
        reason: str = "",
    ) -> None:
        """Record a failure, and let both the delivery and its receiver wait."""
        now, is_gone = self._clock.now(), answer is not None and answer.code == _GONE
        asked = answer.retry_after if answer else None
        least = min(asked or timedelta(0), LONGEST_WAIT)
        pause = None if is_gone else RETRY_AFTER.after_or_stop(delivery.tries)
        with self._database.writing() as session:
            row = session.get_one(WebhookReceiver, receiver.id, with_for_update=True)
            if row.free_at != receiver.free_at:
                return  # The lease is over, and another worker is sending it.
            row.failures += 1
            row.failing_since = row.failing_since or now
            row.free_at = now + max(REST_AFTER.after(row.failures), least)
            if is_gone and row.disabled_at is None:
                row.disabled_at, row.disabled_why = now, "gone"
                row.version += 1
            sent = session.get_one(WebhookDelivery, delivery.id, with_for_update=True)
            if sent.state != DeliveryState.WAITING:
                return  # Staff dismissed it meanwhile.
            _note_answer(row, sent, answer, reason)
            if pause is None:
                sent.state = DeliveryState.FAILED
            else:
                sent.due_at = now + max(pause * self._spread(1 - JITTER, 1 + JITTER), least)
        OUTBOUND_WEBHOOKS.labels(delivery.event, "retried" if pause else "failed").inc()


def _note_answer(
    receiver: WebhookReceiver,
    delivery: WebhookDelivery,
    answer: WebhookAnswer | None,
    reason: str = "",
) -> None:
    """Store the answer, or the reason why there was none. Staff read it, but it is not logged.

    Of a receiver that gets donors' data only the code is stored, because its text may repeat them.
    """
    delivery.answer_code = answer.code if answer else None
    text = answer.text if answer and not receiver.with_donor else ""
    shown = "".join(
        c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text
    )
    delivery.answer = shown[:_SHOWN]
    delivery.reason = reason


def _due_receivers(now: datetime) -> SelectOfScalar[WebhookReceiver]:
    has_due = (
        select(WebhookDelivery.id)
        .where(
            WebhookDelivery.state == DeliveryState.WAITING,
            col(WebhookDelivery.receiver_id) == col(WebhookReceiver.id),
            col(WebhookDelivery.due_at) <= now,
        )
        .exists()
    )
    return (
        select(WebhookReceiver)
        .where(
            col(WebhookReceiver.disabled_at).is_(None),
            col(WebhookReceiver.free_at) <= now,
            has_due,
        )
        .order_by(col(WebhookReceiver.free_at), col(WebhookReceiver.id))
        .limit(1)
    )


def _due_deliveries(receiver_id: int, now: datetime) -> SelectOfScalar[WebhookDelivery]:
    return (
        select(WebhookDelivery)
        .where(
            WebhookDelivery.state == DeliveryState.WAITING,
            WebhookDelivery.receiver_id == receiver_id,
            col(WebhookDelivery.due_at) <= now,
        )
        .order_by(col(WebhookDelivery.due_at), col(WebhookDelivery.id))
        .limit(1)
    )
