"""Detects that Stripe's webhooks have stopped arriving.

An event counts as missed if no webhook has delivered it and catch-up finds it a quarter of an hour
or more after it happened. Webhooks count as silent if an event was missed that happened after the
last webhook arrived.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from donate.storage.bulk_writes import count_changed, insert_new
from donate.stripe_gateway.models import CatchupRun, WebhookHeard
from donate.web.logs_and_metrics import WEBHOOK_HEARD, WEBHOOK_MISSED

# The age at which an event without a webhook counts as missed. Webhooks take seconds, or a few
# minutes if Stripe has to retry because of a restart.
LATE_AFTER: Final = timedelta(minutes=15)
# How often to store the time of the newest webhook. If it were stored for every event, there would
# be twice as many writes, and on PostgreSQL all processes would queue for the lock on its row.
RECORD_EVERY: Final = timedelta(minutes=1)
_HEARD_AT: Final = select(WebhookHeard.heard_at)
_MISSED_AT: Final = select(func.max(col(CatchupRun.missed_at)))


@dataclass(frozen=True, slots=True)
class Silence:
    """Says that webhooks are silent.

    `last_at` is the time of the last webhook, if any. `missed_at` is the time of a later event for
    which no webhook arrived.
    """

    last_at: datetime | None
    missed_at: datetime

    def __str__(self) -> str:
        """Return the notice for staff, which also says what to do."""
        since = (
            f"Stripe's webhooks stopped arriving on {_day(self.last_at)}"
            if self.last_at
            else "None of Stripe's webhooks has arrived yet"
        )
        return (
            f"{since}, and Stripe lists events up to {_day(self.missed_at)}. Catch-up fetches the "
            "gifts instead. Ask the person who looks after the endpoint to see what Stripe says "
            "about it, under Developers, Webhooks."
        )


def record_webhook_time(session: Session, arrived_at: datetime) -> None:
    """Record when the newest verified webhook arrived."""
    if not count_changed(session, update(WebhookHeard).values(heard_at=arrived_at)):
        insert_new(session, WebhookHeard, [{"id": 1, "heard_at": arrived_at}])


def webhook_silence(session: Session) -> Silence | None:
    """Return a Silence if an event was missed after the last webhook arrived, else None."""
    arrived_at, missed_at = last_webhook_at(session), last_missed_at(session)
    if missed_at is None or (arrived_at and missed_at <= arrived_at):
        return None
    return Silence(arrived_at, missed_at)


def last_webhook_at(session: Session) -> datetime | None:
    """Return when the newest webhook arrived, accurate to the minute."""
    return session.exec(_HEARD_AT).one_or_none()


def last_missed_at(session: Session) -> datetime | None:
    """Return the time of the newest event that webhooks missed."""
    return session.exec(_MISSED_AT).one()


def measure_webhooks(session: Session) -> None:
    """Set the metrics for the time of the last webhook and of the last missed event."""
    for gauge, instant in (
        (WEBHOOK_HEARD, last_webhook_at(session)),
        (WEBHOOK_MISSED, last_missed_at(session)),
    ):
        gauge.set(instant.timestamp() if instant else 0)


def _day(instant: datetime) -> str:
    return f"{instant.day} {instant:%B %Y at %H:%M} UTC"
