"""Reads what the matcher compares: open lines, gifts, and transfers that staff marked.

There may be tens of thousands of rows. So each kind is read with one statement, which selects only
the columns that are needed.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import exists, not_
from sqlmodel import Session, col, select

from donate.bank.matching.candidates import (
    Band,
    BankLine,
    ExpectedPayout,
    KnownPayer,
    LineClass,
    MarkedTransfer,
    OpenGift,
)
from donate.bank.reconciliation.models import LinePart, TaughtPayer
from donate.bank.statements.models import AccountFile, RecordedLine, StatementFile
from donate.clock import local_date
from donate.gifts.facts import FactKind
from donate.gifts.models import Donor, Gift, GiftFact
from donate.gifts.status import STILL_PAYABLE, StatusName
from donate.money import Money
from donate.regions.modes import BY_HAND
from donate.storage.bulk_writes import table_of
from donate.stripe_gateway.balance.models import StripePayout

# Gifts that are already paid are compared too, because a donor may pay a gift twice, or in parts.
_MAY_BE_PAID: Final = (*sorted(STILL_PAYABLE), StatusName.CONFIRMED)

_IDS_AT_A_TIME: Final = 500
_MOST_PAYOUTS: Final = 100

_LINE: Final = table_of(RecordedLine).c
_GIFT: Final = table_of(Gift).c
_DONOR: Final = table_of(Donor).c
_FACT: Final = table_of(GiftFact)
_PERIOD: Final = table_of(AccountFile).c
_FILE: Final = table_of(StatementFile).c
_PART: Final = table_of(LinePart).c
_PAYOUT: Final = table_of(StripePayout).c
_PAYER: Final = table_of(TaughtPayer).c


def open_lines(session: Session, line_id: int | None = None) -> list[BankLine]:
    """Return the lines that are not fully explained, by day.

    If `line_id` is given, return only that line, if it is open.
    """
    statement = sa.select(
        *(_LINE[name] for name in ("id", "day", "amount_minor", "explained_minor", "currency")),
        *(_LINE.text, _LINE.bank_reference, _LINE.account_id),
        sa.exists()
        .where(_PART.line_id == _LINE.id, _PART.undone_at.is_not(None))
        .label("was_undone"),
    ).where(_LINE.explained_minor != _LINE.amount_minor)
    if line_id is not None:
        statement = statement.where(_LINE.id == line_id)
    return [
        BankLine(
            id=row.id,
            day=row.day,
            amount=Money(row.amount_minor, row.currency),
            open=Money(row.amount_minor - row.explained_minor, row.currency),
            text=row.text,
            bank_reference=row.bank_reference,
            account=row.account_id,
            was_undone=bool(row.was_undone),
        )
        for row in _rows(session, statement.order_by(_LINE.day, _LINE.id))
    ]


@dataclass(frozen=True, slots=True)
class SuggestedValues:
    """The matcher's result that is stored with a line, and the version of the line."""

    version: int
    values: tuple[LineClass | None, Band | None, str]


def stored_suggestions(session: Session) -> dict[int, SuggestedValues]:
    """Return the matcher's stored result for each open line."""
    statement = sa.select(
        *(_LINE.id, _LINE.version, _LINE.line_class, _LINE.band, _LINE.suggestions)
    ).where(_LINE.explained_minor != _LINE.amount_minor)
    return {
        row.id: SuggestedValues(row.version, (row.line_class, row.band, row.suggestions))
        for row in _rows(session, statement)
    }


def gifts_to_match(session: Session, since: datetime) -> list[OpenGift]:
    """Return the gifts opened since then whose money arrives as a bank transfer, oldest first."""
    statement = (
        sa.select(
            *(_GIFT.id, _GIFT.reference, _GIFT.code, _GIFT.opened_on),
            *(_GIFT.amount_minor, _GIFT.net_minor, _GIFT.currency, _GIFT.profile_id),
            *(_DONOR.name, _DONOR.email),
        )
        .join(table_of(Donor), _DONOR.id == _GIFT.donor_id)
        .where(
            _GIFT.status.in_(_MAY_BE_PAID),
            _GIFT.opened_at >= since,
            _GIFT.mode.in_(sorted(BY_HAND)),
        )
        .order_by(_GIFT.opened_at, _GIFT.id)
    )
    return [
        OpenGift(
            id=row.id,
            reference=row.reference,
            code=row.code,
            chosen_on=row.opened_on,
            amount=(amount := Money(row.amount_minor, row.currency)),
            missing=amount.part(row.amount_minor - row.net_minor) if row.net_minor else amount,
            donor_name=row.name,
            donor_email=row.email,
            profile_id=row.profile_id,
        )
        for row in _rows(session, statement)
    ]


def net_received(session: Session, gift_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return the money that these gifts received, less what went back, in minor units."""
    found: dict[UUID, int] = {}
    wanted = list(gift_ids)
    for start in range(0, len(wanted), _IDS_AT_A_TIME):
        some = wanted[start : start + _IDS_AT_A_TIME]
        statement = sa.select(_GIFT.id, _GIFT.net_minor).where(_GIFT.id.in_(some))
        found |= {row.id: row.net_minor for row in _rows(session, statement)}
    return found


def marked_transfers(
    session: Session, since: datetime | None, gift_id: UUID | None = None
) -> list[MarkedTransfer]:
    """Return the transfers that staff marked, that were not undone, and that no line explains.

    `since` selects those that were marked since then, and `gift_id` those of one gift.
    """
    received, undone = _FACT.alias("received"), _FACT.alias("undone")
    statement = (
        sa.select(
            *(received.c.gift_id, received.c.source_id, received.c.happened_at),
            *(received.c.amount_minor, received.c.currency, received.c.evidence),
            _GIFT.time_zone,
        )
        .join(table_of(Gift), _GIFT.id == received.c.gift_id)
        .where(
            received.c.kind == FactKind.TRANSFER_RECEIVED,
            *([] if since is None else [received.c.recorded_at >= since]),
            *([] if gift_id is None else [received.c.gift_id == gift_id]),
            _GIFT.mode.in_(sorted(BY_HAND)),
            ~sa.exists().where(
                undone.c.kind == FactKind.TRANSFER_UNDONE,
                undone.c.source_id == received.c.source_id,
            ),
            ~sa.exists().where(_PART.source_id == received.c.source_id, _PART.undone_at.is_(None)),
        )
        .order_by(received.c.id)
    )
    return [
        MarkedTransfer(
            gift_id=row.gift_id,
            source_id=row.source_id,
            bank_reference=row.evidence.get("bank_reference", ""),
            day=local_date(row.happened_at, row.time_zone),
            amount=Money(row.amount_minor, row.currency),
        )
        for row in _rows(session, statement)
    ]


def expected_payouts(session: Session, since: datetime) -> list[ExpectedPayout]:
    """Return the payouts created since then that no bank line explains, oldest first.

    A payout that failed is returned as well, because it may have reached the bank account before it
    was taken back. A payout that was cancelled is not returned, because it never left Stripe.
    """
    statement = (
        sa.select(
            *(_PAYOUT.id, _PAYOUT.payout_id, _PAYOUT.arrives_on, _PAYOUT.amount_minor),
            *(_PAYOUT.currency, _PAYOUT.trace_id),
        )
        .where(
            _PAYOUT.created_at >= since,
            _PAYOUT.status != "canceled",
            ~sa.exists().where(_PART.payout_id == _PAYOUT.id, _PART.undone_at.is_(None)),
        )
        .order_by(_PAYOUT.created_at, _PAYOUT.id)
    )
    return [
        ExpectedPayout(
            id=row.id,
            payout_id=row.payout_id,
            arrives_on=row.arrives_on,
            amount=Money(row.amount_minor, row.currency),
            trace_id=row.trace_id,
        )
        for row in _rows(session, statement)
    ]


def read_until(session: Session, accounts: Collection[int] = ()) -> dict[int, date]:
    """Return, by id, how far the statements of each account that receives e-Transfers go.

    These are `accounts`, and those with a line that was found to be an e-Transfer before. If a file
    states a later day than the day of its import, the day of the import counts.
    """
    has_transfer = sa.exists().where(
        _LINE.account_id == _PERIOD.account_id,
        _LINE.line_class == LineClass.INCOMING_TRANSFER,
    )
    gets_transfers = sa.or_(_PERIOD.account_id.in_(sorted(accounts)), has_transfer)
    statement = (
        sa.select(_PERIOD.account_id, _PERIOD.last_day, _FILE.imported_at)
        .join(table_of(StatementFile), _FILE.id == _PERIOD.file_id)
        .where(gets_transfers)
    )
    found: dict[int, date] = {}
    for row in _rows(session, statement):
        day = min(row.last_day, row.imported_at.date())
        found[row.account_id] = max(day, found.get(row.account_id, day))
    return found


def choosable_payouts(session: Session, amount: Money) -> Sequence[StripePayout]:
    """Return the payouts of exactly this amount that no line explains, whenever they arrived.

    The matcher considers only payouts that arrived around the line's day. A person may choose any
    of these.
    """
    payout = StripePayout
    is_tied = exists().where(
        col(LinePart.payout_id) == col(payout.id), col(LinePart.undone_at).is_(None)
    )
    statement = (
        select(payout)
        .where(
            payout.currency == amount.currency,
            payout.amount_minor == amount.amount_minor,
            payout.status != "canceled",
            not_(is_tied),
        )
        .order_by(col(payout.arrives_on).desc(), col(payout.id).desc())
    )
    return session.exec(statement.limit(_MOST_PAYOUTS)).all()


def known_payers(session: Session) -> list[KnownPayer]:
    """Return the names of payers for which staff have chosen a donor."""
    statement = sa.select(_PAYER.name, _PAYER.profile_id).order_by(_PAYER.id)
    return [KnownPayer(row.name, row.profile_id) for row in _rows(session, statement)]


def _rows(session: Session, statement: sa.Select[Any]) -> sa.CursorResult[Any]:
    return session.connection().execute(statement)
