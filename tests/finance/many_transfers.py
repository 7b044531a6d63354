"""Fills a database with a generated month of transfers: gifts, Interac's e-mails, and a statement.

Gifts are copies of one that the service opened, written in bulk, because filling is not measured.
"""

import csv
import io
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, time
from random import Random
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, select

from donate.bank.matching.inputs import OpenGift
from donate.bank.transfer_mails.models import InteracTransfer, TransferState
from donate.clock import FixedClock
from donate.gifts.donor_profiles.models import DonorProfile
from donate.gifts.models import Donor, Gift, GiftFact
from donate.storage.bulk_writes import table_of
from donate.storage.database import Database
from tests.bank.matching.generated_months import SHAPES, Mix, Month, generate_month
from tests.finance.finance_site import put_gift

AFTER_IT: Final = datetime(2026, 5, 10, 15, 0, tzinfo=UTC)
"""A time at which all of the month's transfers are on the statement."""
_OPENED_AT: Final = time(9, tzinfo=UTC)
_FIRST_ID: Final = 1_000_000
_AT_A_TIME: Final = 10_000


def big_month(transfers: int, gifts: int, mix: Mix) -> Month:
    """Return a month at all banks, with so many transfers and gifts."""
    month = generate_month(Random(1), sorted(SHAPES), transfers, mix, unpaid=gifts - transfers)
    # Of so many random references a few are equal; the service would have drawn others.
    month.gifts = list({gift.id: gift for gift in month.gifts}.values())
    return month


def record_month(database: Database, month: Month) -> None:
    """Record the gifts and the e-mails of a month, but not its lines."""
    with database.writing() as session:
        template = put_gift(session, "template", now=AFTER_IT)
    rows: dict[type[SQLModel], dict[str, Any]] = {
        DonorProfile: _row(database, DonorProfile, template.profile_id),
        Donor: _row(database, Donor, template.donor_id),
        Gift: _row(database, Gift, template.id),
    }
    with database.reading() as session:
        facts = session.exec(select(GiftFact).where(GiftFact.gift_id == template.id)).all()
        fact_rows = [_without_id(fact.model_dump()) for fact in facts]
    with database.writing() as session:
        for model, row in rows.items():
            copies = (row | _changes(model, gift, n) for n, gift in enumerate(month.gifts))
            _insert(session, model, copies)
        _insert(
            session,
            GiftFact,
            (
                fact
                | {"gift_id": gift.id, "source_id": str(gift.id)}
                | dict.fromkeys(("happened_at", "recorded_at"), _opened_at(gift))
                for gift in month.gifts
                for fact in fact_rows
            ),
        )
        _insert(session, InteracTransfer, map(_mail_row, month.mails))
    with database.writing() as session:
        session.connection().exec_driver_sql("ANALYZE")


def as_csv(month: Month, first: int = 0, end: int | None = None) -> bytes:
    """Return the lines of a month, or some of them, as TD's accounts write them."""
    text = io.StringIO()
    writer = csv.writer(text)
    lines = sorted(month.lines, key=lambda line: (line.day, line.id))
    for line in lines[first:end]:
        writer.writerow([f"{line.day:%m/%d/%Y}", line.text, "", line.amount.decimal, ""])
    return text.getvalue().encode()


def clock_after_it() -> FixedClock:
    return FixedClock(AFTER_IT)


def _row(database: Database, model: type[SQLModel], key: object) -> dict[str, Any]:
    with database.reading() as session:
        return session.get_one(model, key).model_dump()


def _without_id(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "id"}


def _changes(model: type[SQLModel], gift: OpenGift, number: int) -> dict[str, Any]:
    row_id = _FIRST_ID + number
    if model is Donor:
        return {"id": row_id, "name": gift.donor_name, "email": gift.donor_email}
    if model is DonorProfile:
        email = gift.donor_email
        return {"id": row_id, "name": gift.donor_name, "email": email, "email_key": email}
    return {
        "id": gift.id,
        "reference": gift.reference,
        "link_name": uuid.uuid5(gift.id, "token").hex[:22],
        "form_key": str(gift.id),
        "amount_minor": gift.amount.amount_minor,
        "donor_id": row_id,
        "profile_id": row_id,
        "opened_at": _opened_at(gift),
        "opened_on": gift.chosen_on,
    }


def _opened_at(gift: OpenGift) -> datetime:
    return datetime.combine(gift.chosen_on, _OPENED_AT)


def _mail_row(mail: Any) -> dict[str, Any]:
    return {
        "interac_reference": f"{mail.id}{mail.interac_reference}",
        "state": TransferState.DEPOSITED,
        "day": mail.day,
        "amount_minor": mail.amount.amount_minor,
        "currency": mail.amount.currency,
        "sender_name": mail.sender_name,
        "sender_key": mail.sender_name.casefold(),
        "sender_email": mail.sender_email,
        "message": mail.message,
        "language": "en-CA",
        "recorded_at": AFTER_IT,
    }


def _insert(session: Session, model: type[SQLModel], rows: Iterator[dict[str, Any]]) -> None:
    waiting: list[dict[str, Any]] = []
    for row in rows:
        waiting.append(row)
        if len(waiting) == _AT_A_TIME:
            session.execute(sa.insert(table_of(model)), waiting)
            waiting = []
    if waiting:
        session.execute(sa.insert(table_of(model)), waiting)
