"""Detects that Stripe's webhooks have stopped arriving.

An event counts as missed when catch-up finds it a quarter of an hour after it happened and no
webhook has delivered it. Webhooks count as silent when an event that happened after the last
webhook was missed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from donate.storage.bulk_writes import count_changed, insert_new
from donate.stripe_gateway.models import CatchupRun, WebhookHeard
from donate.web.observability import WEBHOOK_HEARD, WEBHOOK_MISSED

# How old an event without a webhook must be to count as missed. Webhooks take seconds, and some
# minutes if a restart made Stripe retry.
LATE_AFTER: Final = timedelta(minutes=15)
# How often to store the time of the newest webhook. Storing it for every event would double the
# writes, and on PostgreSQL all processes would queue for the lock on its row.
RECORD_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Silence:
    """The time of the last webhook, if any, and of a later event that was missed."""

    last_at: datetime | None
    missed_at: datetime

    def __str__(self) -> str:
        """Return the notice for staff, with what to do."""
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
    """Return a Silence if an event that happened after the last webhook was missed, else None."""
    arrived_at, missed_at = last_webhook_at(session), last_missed_at(session)
    if missed_at is None or (arrived_at and missed_at <= arrived_at):
        return None
    return Silence(arrived_at, missed_at)


def last_webhook_at(session: Session) -> datetime | None:
    """Return when the newest webhook arrived, to within a minute."""
    return session.exec(select(WebhookHeard.heard_at)).one_or_none()


def last_missed_at(session: Session) -> datetime | None:
    """Return the time of the newest event that webhooks missed."""
    return session.exec(select(func.max(col(CatchupRun.missed_at)))).one()


def measure_webhooks(session: Session) -> None:
    """Set the metrics for the time of the last webhook and of the last missed event."""
    for gauge, instant in (
        (WEBHOOK_HEARD, last_webhook_at(session)),
        (WEBHOOK_MISSED, last_missed_at(session)),
    ):
        gauge.set(instant.timestamp() if instant else 0)


def _day(instant: datetime) -> str:
    return f"{instant.day} {instant:%B %Y at %H:%M} UTC"
