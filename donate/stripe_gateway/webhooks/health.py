"""Do Stripe's webhooks still arrive? Compares when one was last heard with what Stripe lists.

An event counts as missed when Stripe listed it a quarter of an hour after it happened and no
webhook had brought it. Webhooks are silent when one was missed after the last was heard.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from donate.storage.bulk_writes import insert_new
from donate.stripe_gateway.models import CatchupRun, WebhookHeard
from donate.web.observability import WEBHOOK_HEARD, WEBHOOK_MISSED

# Webhooks come within seconds; this leaves room for a restart and a retry or two.
LATE_AFTER: Final = timedelta(minutes=15)
# Every event would be a write more, and on PostgreSQL a lock that all processes queue for.
NOTED_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Silence:
    """Stripe lists an event of `missed_at`; the last webhook came at `heard_at`, if ever."""

    heard_at: datetime | None
    missed_at: datetime

    def __str__(self) -> str:
        """Say it to staff, and what to do."""
        since = (
            f"Stripe's webhooks stopped arriving on {_day(self.heard_at)}"
            if self.heard_at
            else "None of Stripe's webhooks has arrived yet"
        )
        return (
            f"{since}, and Stripe lists events up to {_day(self.missed_at)}: gifts are fetched by "
            "catch-up instead. Ask whoever looks after the endpoint to see what Stripe says about "
            "it, under Developers, Webhooks."
        )


def note_heard(session: Session, heard_at: datetime) -> None:
    """Note that a verified webhook came."""
    noted = session.execute(update(WebhookHeard).values(heard_at=heard_at))
    if not noted.rowcount:  # type: ignore[attr-defined]
        insert_new(session, WebhookHeard, [{"id": 1, "heard_at": heard_at}])


def webhook_silence(session: Session) -> Silence | None:
    """Return since when webhooks are silent, or None while they arrive or nothing happens."""
    heard_at, missed_at = newest_heard(session), newest_missed(session)
    if missed_at is None or (heard_at and missed_at <= heard_at):
        return None
    return Silence(heard_at, missed_at)


def newest_heard(session: Session) -> datetime | None:
    """Return when the newest webhook came, give or take a minute."""
    return session.exec(select(WebhookHeard.heard_at)).one_or_none()


def newest_missed(session: Session) -> datetime | None:
    """Return when the newest event happened that catch-up found and no webhook had brought."""
    return session.exec(select(func.max(col(CatchupRun.missed_at)))).one()


def measure_webhooks(session: Session) -> None:
    """Set the metrics that say when a webhook last came, and when one was last missed."""
    for gauge, instant in (
        (WEBHOOK_HEARD, newest_heard(session)),
        (WEBHOOK_MISSED, newest_missed(session)),
    ):
        gauge.set(instant.timestamp() if instant else 0)


def _day(instant: datetime) -> str:
    return f"{instant.day} {instant:%B %Y at %H:%M} UTC"
