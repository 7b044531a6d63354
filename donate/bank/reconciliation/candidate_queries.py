"""Reads what the matcher compares: open lines, gifts, and transfers that staff marked.

There may be tens of thousands of rows. So each kind is read with one statement, which selects only
the columns that are needed.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session

from donate.bank.matching.inputs import (
    Band,
    BankLine,
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
from donate.storage.column_types import UtcDateTime

# Gifts that are already paid are compared too, because a donor may pay a gift twice, or in parts.
_MAY_BE_PAID: Final = (*sorted(STILL_PAYABLE), StatusName.CONFIRMED)

_IDS_AT_A_TIME: Final = 500

_LINE: Final = table_of(RecordedLine).c
_GIFT: Final = table_of(Gift).c
_DONOR: Final = table_of(Donor).c
_FACT: Final = table_of(GiftFact)
_PERIOD: Final = table_of(AccountFile).c
_FILE: Final = table_of(StatementFile).c
_PART: Final = table_of(LinePart).c
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
    said_sent = _said_sent(session, since)
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
            said_sent_on=said_sent.get(row.id),
        )
        for row in _rows(session, statement)
    ]


def _said_sent(session: Session, since: datetime) -> dict[UUID, date]:
    """Return the days on which donors said that they sent a transfer and did not take it back.

    Only the last words of a donor can be in force.
    """
    said_at = sa.func.max(_FACT.c.happened_at, type_=UtcDateTime)
    statement = (
        sa.select(_GIFT.id, _GIFT.time_zone, said_at.label("said_at"))
        .join(_FACT, _FACT.c.gift_id == _GIFT.id)
        .where(
            _GIFT.transfer_announced,
            _GIFT.opened_at >= since,
            _FACT.c.kind == FactKind.TRANSFER_ANNOUNCED,
        )
        .group_by(_GIFT.id, _GIFT.time_zone)
    )
    rows = _rows(session, statement)
    return {row.id: local_date(row.said_at, row.time_zone) for row in rows}


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


def read_until(session: Session, accounts: Collection[int] = ()) -> dict[int, date]:
    """Return the last day of the imported statements of each account that receives e-Transfers.

    The keys are ids of accounts: those in `accounts`, and those with a line that was found to be an
    e-Transfer before. If a file states a later day than the day of its import, the day of the
    import counts.
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


def known_payers(session: Session) -> list[KnownPayer]:
    """Return the names of payers for which staff have chosen a donor."""
    statement = sa.select(_PAYER.name, _PAYER.profile_id).order_by(_PAYER.id)
    return [KnownPayer(row.name, row.profile_id) for row in _rows(session, statement)]


def _rows(session: Session, statement: sa.Select[Any]) -> sa.CursorResult[Any]:
    return session.connection().execute(statement)
