"""Records that a donor's transfer was sent back, in whole or in part. The caller commits.

It is a refund, on the day on which the money left the bank account. So the month in which the money
came in stays as it was. The source of the fact is `LINE number#k`, where k counts how often the
bank line was already tied to a transfer that was sent back.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from sqlmodel import Session, col, func, select

from donate.bank.received_transfers import refuse_other_modes, returns_of, transfers_in_force
from donate.bank.statements.models import RecordedLine
from donate.clock import local_date, start_of_day
from donate.errors import N_, BadInput, Conflict
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import Outcome, record_facts
from donate.gifts.models import Gift, GiftFact
from donate.gifts.queries import facts_of
from donate.money import Money

_NOT_IN_FORCE: Final = N_("This transfer was undone meanwhile. Please look again.")
_TOO_MUCH: Final = N_("This is more than is left of the transfer to send back.")
_TOO_EARLY: Final = N_("The line is older than the transfer, so it can’t be its way back.")
_OTHER_CURRENCY: Final = N_("This gift is in another currency than the account.")
_UNRECORDED: Final = N_("Someone has changed this line meanwhile. Please look again.")


def left_to_send_back(facts: Sequence[GiftFact], received: GiftFact) -> Money:
    """Return how much of a transfer was not sent back yet."""
    assert received.amount_minor is not None
    assert received.currency is not None
    gone = sum(fact.amount_minor or 0 for fact in returns_of(facts, received.source_id))
    return Money(received.amount_minor - gone, received.currency)


def send_back(
    session: Session,
    line: RecordedLine,
    gift: Gift,
    transfer: str,
    amount: Money,
    *,
    actor: str,
    now: datetime,
) -> str:
    """Record that a locked line sent this amount of a gift's transfer back to the donor.

    The gift has to be locked. Returns the source of the fact. Raises BadInput if the line cannot be
    the return of the transfer, and Conflict if the transfer was undone.
    """
    refuse_other_modes(gift)
    if gift.currency != line.currency:
        raise BadInput("parts", _OTHER_CURRENCY)
    facts = facts_of(session, gift.id)
    received = next((f for f in transfers_in_force(facts) if f.source_id == transfer), None)
    if received is None:
        raise Conflict(_NOT_IN_FORCE)
    left = left_to_send_back(facts, received)
    if amount.amount_minor > left.amount_minor:
        raise BadInput("amount", _TOO_MUCH)
    if line.day < local_date(received.happened_at, gift.time_zone):
        raise BadInput("parts", _TOO_EARLY)
    name = f"LINE {line.id}#"
    times = select(func.count()).where(
        GiftFact.kind == FactKind.REFUND_SUCCEEDED, col(GiftFact.source_id).like(f"{name}%")
    )
    source = f"{name}{session.exec(times).one()}"
    fact = Fact(
        kind=FactKind.REFUND_SUCCEEDED,
        source_id=source,
        happened_at=start_of_day(line.day, gift.time_zone),
        actor=actor,
        amount_minor=amount.amount_minor,
        currency=gift.currency,
        evidence={"payment": transfer, "date": line.day.isoformat(), "note": line.text},
    )
    _record(session, gift, [fact], now)
    return source


def undo_sending_back(
    session: Session, gift: Gift, source: str, reason: str, *, actor: str, now: datetime
) -> None:
    """Record, on the day of the line, that it did not send the gift's money back.

    No bank refused the money, so the failed refund is marked as followed up at once.
    """
    sent = next(
        fact
        for fact in facts_of(session, gift.id)
        if fact.kind == FactKind.REFUND_SUCCEEDED and fact.source_id == source
    )
    undone = Fact(
        kind=FactKind.REFUND_FAILED,
        source_id=source,
        happened_at=sent.happened_at,
        actor=actor,
        amount_minor=sent.amount_minor,
        currency=sent.currency,
        evidence={"reason": reason},
    )
    followed_up = Fact(FactKind.REFUND_FOLLOWED_UP, source, now, actor)
    _record(session, gift, [undone, followed_up], now)


def _record(session: Session, gift: Gift, facts: Iterable[Fact], now: datetime) -> None:
    outcomes = record_facts(session, [(gift.id, fact) for fact in facts], now=now)
    if any(outcome is not Outcome.RECORDED for outcome in outcomes):
        raise Conflict(_UNRECORDED)
