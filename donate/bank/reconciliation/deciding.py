"""Records what a bank line is, in one or more parts, and undoes parts. The caller commits.

Every change of a line is made while its row is locked. So its parts never add up to more than its
amount. If two people decide at once, the second learns what the first has done.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from donate.bank.received_transfers import (
    Transfer,
    bank_reference_key,
    mark_received,
    transfers_in_force,
    undo_transfer,
)
from donate.bank.reconciliation.models import LinePart, NoGiftReason, PartKind
from donate.bank.reconciliation.queries import parts_in_force
from donate.bank.reconciliation.releasing import lock_gifts, lock_line, release_part
from donate.bank.reconciliation.stripe_moves.checks import check_payout, check_top_up
from donate.bank.sent_back import send_back, undo_sending_back
from donate.bank.statements.models import RecordedLine
from donate.errors import N_, BadInput, Conflict, NotFound
from donate.gifts.choosing.free_text import check_free_text
from donate.gifts.ledger import Outcome
from donate.gifts.models import Gift
from donate.gifts.queries import facts_of
from donate.money import Money

_CHANGED: Final = N_("Someone has changed this line meanwhile. Please look again.")
_TOO_MUCH: Final = N_("These parts add up to more than is left of this line.")
_WRONG_SIGN: Final = N_("A part has to go in the same direction as the line.")
_NOTHING: Final = N_("Please choose what this line is.")
_MONEY_OUT: Final = N_("Money that left the account can’t pay a gift.")
_MONEY_IN: Final = N_("Money that came in was not sent back to a donor.")
_NO_GIFT: Final = N_("There is no such gift.")
_OTHER_CURRENCY: Final = N_("This gift is in another currency than the account.")
_TIED_ALREADY: Final = N_("Someone has already tied this to a bank line.")
_NOT_IN_FORCE: Final = N_("This transfer was undone meanwhile. Please look again.")
_OTHER_AMOUNT: Final = N_("The transfer that was marked has another amount than this part.")
_UNDONE_ALREADY: Final = N_("Someone has already undone this.")


@dataclass(frozen=True, slots=True)
class GiftPart:
    """Money for a gift.

    `source_id` identifies the transfer if staff have already marked it; else it is empty.
    """

    gift_id: uuid.UUID
    amount_minor: int
    source_id: str = ""


@dataclass(frozen=True, slots=True)
class PayoutPart:
    """A Stripe payout, or its return. The amount is negative if money left the bank account."""

    payout_id: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class TopUpPart:
    """A top-up of Stripe's balance, or its reversal, which is a positive amount."""

    top_up_id: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class NoGiftPart:
    """Money that is neither a gift nor moved by Stripe."""

    reason: NoGiftReason
    amount_minor: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class ReturnPart:
    """Money of a gift's transfer that was sent back to the donor: a negative amount.

    `transfer` is the source of the fact `transfer_received`.
    """

    gift_id: uuid.UUID
    amount_minor: int
    transfer: str


DecidedPart = GiftPart | ReturnPart | PayoutPart | TopUpPart | NoGiftPart


def decide_line(
    session: Session,
    line_id: int,
    parts: Sequence[DecidedPart],
    *,
    version: int,
    actor: str,
    now: datetime,
    interac_reference: str = "",
    was_certain: bool = False,
) -> list[LinePart]:
    """Record what a line, or a part of it, is. A part that pays a gift also records its transfer.

    `version` is the line's version on the page. Raises Conflict if the line, a gift or a transfer
    has changed since, and BadInput if the parts do not fit the line.
    """
    line = lock_line(session, line_id)
    if line.version != version:
        raise Conflict(_CHANGED)
    _check_sum(line, parts)
    lock_gifts(session, (part.gift_id for part in parts if isinstance(part, GiftPart | ReturnPart)))
    recorded = []
    for part in parts:
        row = LinePart(
            line_id=line_id,
            kind=PartKind.NO_GIFT,
            amount_minor=part.amount_minor,
            was_certain=was_certain,
            decided_by=actor,
            decided_at=now,
        )
        match part:
            case GiftPart():
                row.kind, row.gift_id = PartKind.GIFT, part.gift_id
                row.made_transfer = not part.source_id
                row.source_id = part.source_id or _new_transfer(
                    session, line, part, interac_reference, actor=actor, now=now
                )
                if part.source_id:
                    _check_marked(session, line, part)
            case ReturnPart():
                row.kind, row.gift_id, row.is_return = PartKind.GIFT, part.gift_id, True
                row.source_id = _send_back(session, line, part, actor=actor, now=now)
            case PayoutPart():
                row.kind, row.payout_id = PartKind.PAYOUT, part.payout_id
                row.is_return = check_payout(session, line, part.payout_id, part.amount_minor)
            case TopUpPart():
                check_top_up(session, line, part.top_up_id, part.amount_minor)
                row.kind, row.top_up_id = PartKind.TOP_UP, part.top_up_id
            case NoGiftPart():
                row.reason = part.reason
                row.note = check_free_text("note", part.note)
        _add_once(session, row)
        recorded.append(row)
    line.explained_minor += sum(part.amount_minor for part in parts)
    line.version += 1
    session.add(line)
    session.flush()
    return recorded


def _check_sum(line: RecordedLine, parts: Sequence[DecidedPart]) -> None:
    if not parts:
        raise BadInput("parts", _NOTHING)
    is_positive = line.amount_minor > 0
    if any(part.amount_minor == 0 or (part.amount_minor > 0) != is_positive for part in parts):
        raise BadInput("parts", _WRONG_SIGN)
    if abs(sum(part.amount_minor for part in parts)) > abs(line.open_amount.amount_minor):
        raise BadInput("parts", _TOO_MUCH)
    if not is_positive and any(isinstance(part, GiftPart) for part in parts):
        raise BadInput("parts", _MONEY_OUT)


def _new_transfer(
    session: Session,
    line: RecordedLine,
    part: GiftPart,
    interac_reference: str,
    *,
    actor: str,
    now: datetime,
) -> str:
    """Record that the gift's money was received. Return the source of the recorded fact."""
    gift = session.get(Gift, part.gift_id)
    if gift is None:
        raise BadInput("parts", _NO_GIFT)
    if gift.currency != line.currency:
        raise BadInput("parts", _OTHER_CURRENCY)
    assert line.id is not None
    reference = _free_reference(session, line.id, interac_reference or f"LINE {line.id}")
    transfer = Transfer(line.day, Money(part.amount_minor, gift.currency), reference, line.text)
    before = {fact.source_id for fact in transfers_in_force(facts_of(session, gift.id))}
    if mark_received(session, gift, transfer, actor=actor, now=now) is not Outcome.RECORDED:
        raise Conflict(_TIED_ALREADY)
    (source,) = {fact.source_id for fact in transfers_in_force(facts_of(session, gift.id))} - before
    return source


def _send_back(
    session: Session, line: RecordedLine, part: ReturnPart, *, actor: str, now: datetime
) -> str:
    gift = session.get(Gift, part.gift_id)
    if gift is None:
        raise BadInput("parts", _NO_GIFT)
    if part.amount_minor > 0:
        raise BadInput("parts", _MONEY_IN)
    amount = Money(-part.amount_minor, line.currency)
    return send_back(session, line, gift, part.transfer, amount, actor=actor, now=now)


def _free_reference(session: Session, line_id: int, reference: str) -> str:
    """Return the reference, or if a part of the line already uses it, the reference and `part 2`.

    The number goes up until no part of the line uses the result.
    """
    used = {part.source_id.partition("#")[0] for part in parts_in_force(session, line_id)}
    number, free = 1, reference
    while bank_reference_key(free) in used:
        number += 1
        free = f"{reference} part {number}"
    return free


def _check_marked(session: Session, line: RecordedLine, part: GiftPart) -> None:
    """Check that the transfer that staff marked is in force and has the part's amount of money.

    The gift is locked, so that nobody can undo the transfer before the line is tied to it.
    """
    facts = transfers_in_force(facts_of(session, part.gift_id))
    fact = next((fact for fact in facts if fact.source_id == part.source_id), None)
    if fact is None:
        raise Conflict(_NOT_IN_FORCE)
    if fact.currency != line.currency:
        raise BadInput("parts", _OTHER_CURRENCY)
    if fact.amount_minor != part.amount_minor:
        raise Conflict(_OTHER_AMOUNT)


def _add_once(session: Session, row: LinePart) -> None:
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError as error:  # the database refuses a second part for the same transfer
        raise Conflict(_TIED_ALREADY) from error


def undo_part(
    session: Session, part_id: int, reason: str, *, actor: str, now: datetime
) -> LinePart:
    """Undo a part of a line, and the transfer or the return of a transfer that it recorded.

    Both are undone on the day of the line, because the line was never about this gift.
    Raises NotFound, Conflict if the part is already undone, or BadInput if there is no reason.
    """
    reason = check_free_text("reason", reason, required=True)
    part = session.get(LinePart, part_id)
    if part is None:
        raise NotFound("no such part of a bank line")
    line = lock_line(session, part.line_id)
    session.refresh(part)
    if part.undone_at is not None:
        raise Conflict(_UNDONE_ALREADY)
    if part.made_transfer:
        gift = session.get_one(Gift, part.gift_id)
        source_id, day = part.source_id, line.day
        undo_transfer(session, gift, source_id, reason, actor=actor, now=now, day=day)
    else:
        release_part(session, line, part, reason, actor=actor, now=now)
    if part.is_return and part.kind is PartKind.GIFT:
        gift = session.get_one(Gift, part.gift_id)
        undo_sending_back(session, gift, part.source_id, reason, actor=actor, now=now)
    return part
