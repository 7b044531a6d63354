"""Schedules the worker's next step for agreements to monthly debits."""

from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from donate.storage.bulk_writes import insert_new
from donate.stripe_gateway.models import OpenAgreement, OpenCheckout


def schedule_agreement(session: Session, session_ids: set[str], now: datetime) -> None:
    """Make the agreements in these checkout sessions due, and stop polling the sessions.

    A later call for the same session, after its first debit failed, makes the agreement due again.
    """
    if not session_ids:
        return
    checkouts = session.exec(
        select(OpenCheckout).where(col(OpenCheckout.session_id).in_(session_ids))
    )
    rows = [
        {
            "session_id": checkout.session_id,
            "gift_id": checkout.gift_id,
            "heard_at": now,
            "ask_at": now,
            "keys_spent": 0,
        }
        for checkout in checkouts
    ]
    insert_new(session, OpenAgreement, rows)
    for table, when in ((OpenAgreement, now), (OpenCheckout, None)):
        is_listed = col(table.session_id).in_(session_ids)
        session.execute(update(table).where(is_listed).values(ask_at=when))
