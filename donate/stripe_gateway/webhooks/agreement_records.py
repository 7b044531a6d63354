"""Notes that a donor has agreed to monthly debits, or that the first came to nothing."""

from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from donate.storage.bulk_writes import insert_new
from donate.stripe_gateway.models import OpenAgreement, OpenCheckout


def schedule_agreement(session: Session, session_ids: set[str], now: datetime) -> None:
    """Have the worker see to the agreements of these sessions, from now on instead of asking."""
    if not session_ids:
        return
    found = session.exec(select(OpenCheckout).where(col(OpenCheckout.session_id).in_(session_ids)))
    rows = [
        {
            "session_id": checkout.session_id,
            "gift_id": checkout.gift_id,
            "heard_at": now,
            "ask_at": now,
            "keys_spent": 0,
        }
        for checkout in found
    ]
    insert_new(session, OpenAgreement, rows)
    for table, when in ((OpenAgreement, now), (OpenCheckout, None)):
        known = col(table.session_id).in_(session_ids)
        session.execute(update(table).where(known).values(ask_at=when))
