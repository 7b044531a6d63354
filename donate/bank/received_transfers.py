"""Rules for marking a transfer as received, and for undoing that. The caller commits.

A bank reference can confirm only one gift at a time, because the ledger records a fact with the
same source only once. The source is `REFERENCE#k`, where k counts how often a transfer with this
reference was undone.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final, TypeVar

from sqlmodel import Session, col, func, select

from donate.bank.reconciliation.queries import part_of_transfer
from donate.bank.reconciliation.releasing import release_transfer
from donate.clock import local_date, read_day, start_of_day
from donate.errors import N_, BadInput, BadInputs, Conflict, check_field
from donate.gifts.choosing.free_text import check_free_text
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import Outcome, record_facts
from donate.gifts.models import Gift, GiftFact
from donate.gifts.queries import facts_of
from donate.letters.transfers import stop_thanks
from donate.money import Money, format_money, read_amount
from donate.regions.modes import BY_HAND
from donate.web.languages import LANGUAGES

MAX_BANK_REFERENCE: Final = 100
# Staff may date a transfer up to this many days before its gift. Earlier dates are taken for typing
# errors.
MAX_DAYS_BEFORE: Final = 400

_USED: Final = N_(
    "This bank reference is already used for %(reference)s. If this is another transfer, add "
    "something that tells them apart."
)
_RECORDED: Final = N_(
    "This bank reference is already recorded for this gift: %(amount)s, received on %(day)s. To "
    "correct it, undo that transfer first. If this is another transfer, add something that tells "
    "them apart."
)
_TIED_MEANWHILE: Final = N_("Someone has just tied a bank line to this transfer. Please try again.")
_SENT_BACK: Final = N_(
    "Money of this transfer was sent back to the donor. Undo that first, on the page of the bank "
    "line on which it left."
)
_UNSEEN: Final = N_(
    "Someone has just marked a transfer as received for this gift. You can see it below. If yours "
    "is another one, please mark it again."
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer as staff entered it from the bank statement, after all checks."""

    received_on: date
    amount: Money
    bank_reference: str
    note: str


def check_transfer(
    gift: Gift, typed: Mapping[str, str], *, now: datetime, language: str = LANGUAGES[0]
) -> Transfer:
    """Check the form that marks a transfer as received.

    Raises BadInputs, or Conflict if the gift is paid through Stripe, by cheque or in cash.
    """
    refuse_other_modes(gift)
    problems: list[BadInput] = []
    checked = partial(check_field, problems)
    received_on = checked(lambda: _check_date(gift, typed.get("received_on", ""), now=now))
    amount = checked(lambda: read_amount(typed.get("amount", ""), gift.currency, language))
    bank_reference = checked(lambda: _check_bank_reference(typed.get("bank_reference", "")))
    note = checked(lambda: check_free_text("note", typed.get("note", "")))
    if received_on is None or amount is None or bank_reference is None or note is None:
        raise BadInputs(problems)
    return Transfer(received_on, amount, bank_reference, note)


def refuse_other_modes(gift: Gift) -> None:
    """Raise Conflict if the gift is paid through Stripe, by cheque or in cash."""
    if gift.mode.facts.staff_only:
        raise Conflict(N_("Cheques and cash are corrected under “Cheques and cash”, not here."))
    if gift.mode not in BY_HAND:
        raise Conflict(N_("Stripe confirms this gift, so it can’t be marked here."))


def _check_date(gift: Gift, text: str, *, now: datetime) -> date:
    day = read_day(text.strip())
    if day is None:
        raise BadInput(
            "received_on", N_("Please enter the date of the transfer, such as 2026-03-31.")
        )
    if day > local_date(now, gift.time_zone):
        raise BadInput("received_on", N_("This date is in the future."))
    if day < gift.opened_on - timedelta(days=MAX_DAYS_BEFORE):
        raise BadInput(
            "received_on",
            N_("This is more than a year before the gift. Please check the year."),
        )
    return day


def _check_bank_reference(text: str) -> str:
    reference = check_free_text("bank_reference", text, most=MAX_BANK_REFERENCE)
    if "\n" in reference:
        raise BadInput("bank_reference", N_("Please enter the bank reference on one line."))
    if not 1 <= len(bank_reference_key(reference)) <= MAX_BANK_REFERENCE:
        raise BadInput("bank_reference", N_("Please enter the reference from the bank statement."))
    return reference


def bank_reference_key(bank_reference: str) -> str:
    """Return only the letters and digits of a bank reference, so that all spellings match."""
    whole = unicodedata.normalize("NFKC", bank_reference).upper()
    return "".join(c for c in whole if c.isalnum())


def mark_received(
    session: Session,
    gift: Gift,
    transfer: Transfer,
    *,
    actor: str,
    now: datetime,
    language: str = LANGUAGES[0],
) -> Outcome:
    """Record that a transfer was received. Recording the same transfer again changes nothing.

    Raises Conflict if the bank reference already confirms another gift, or this gift with another
    amount or date.
    """
    refuse_other_modes(gift)
    key = bank_reference_key(transfer.bank_reference)
    source_id = f"{key}#{_times_undone(session, key)}"
    fact = received_fact(transfer, source_id, gift.time_zone, actor)
    happened_at = fact.happened_at
    (outcome,) = record_facts(session, [(gift.id, fact)], now=now)
    holder, recorded = session.exec(
        select(Gift, GiftFact)
        .join(GiftFact, col(GiftFact.gift_id) == col(Gift.id))
        .where(GiftFact.kind == fact.kind, GiftFact.source_id == source_id)
    ).one()
    if holder.id != gift.id:
        raise Conflict(_USED, {"reference": holder.reference})
    if outcome == Outcome.CONTRADICTED or recorded.happened_at != happened_at:
        assert recorded.amount_minor is not None
        amount = format_money(Money(recorded.amount_minor, gift.currency), language)
        day = local_date(recorded.happened_at, gift.time_zone)
        raise Conflict(_RECORDED, {"amount": amount, "day": str(day)})
    return outcome


def received_fact(transfer: Transfer, source_id: str, time_zone: str, actor: str) -> Fact:
    """Return the fact that a transfer was received, at the start of its day in the time zone."""
    return Fact(
        kind=FactKind.TRANSFER_RECEIVED,
        source_id=source_id,
        happened_at=start_of_day(transfer.received_on, time_zone),
        actor=actor,
        amount_minor=transfer.amount.amount_minor,
        currency=transfer.amount.currency,
        evidence={
            "date": transfer.received_on.isoformat(),
            "bank_reference": transfer.bank_reference,
            "note": transfer.note,
        },
    )


def refuse_unseen(session: Session, gift: Gift, transfer: Transfer, *, seen: int | None) -> None:
    """Raise Conflict if somebody has marked another transfer since this form was opened.

    `seen` is how many received transfers the form's page showed; None if the form does not say it.
    """
    received = transfers_in_force(facts_of(session, gift.id))
    key = bank_reference_key(transfer.bank_reference)
    is_repeat = any(fact.source_id.partition("#")[0] == key for fact in received)
    if seen is not None and len(received) > seen and not is_repeat:
        raise Conflict(_UNSEEN)


def undo_transfer(
    session: Session,
    gift: Gift,
    source_id: str,
    reason: str,
    *,
    actor: str,
    now: datetime,
    day: date | None = None,
) -> Outcome:
    """Undo a transfer that was marked as received. Undoing it again changes nothing more.

    If a bank line was tied to the transfer, the line becomes open again. `day` is the day on which
    the money went out; None means now.
    """
    reason = check_free_text("reason", reason, required=True)
    received = next(
        (
            fact
            for fact in facts_of(session, gift.id)
            if fact.kind == FactKind.TRANSFER_RECEIVED and fact.source_id == source_id
        ),
        None,
    )
    if received is None:
        raise Conflict(N_("This gift has no such transfer to undo."))
    release_transfer(session, source_id, reason, actor=actor, now=now)
    fact = Fact(
        kind=FactKind.TRANSFER_UNDONE,
        source_id=source_id,
        happened_at=now if day is None else start_of_day(day, gift.time_zone),
        actor=actor,
        amount_minor=received.amount_minor,
        currency=received.currency,
        evidence={"reason": reason},
    )
    (outcome,) = record_facts(session, [(gift.id, fact)], now=now)
    if part_of_transfer(session, source_id) is not None:
        raise Conflict(_TIED_MEANWHILE)  # a line was tied while this waited to lock the gift
    if returns_of(facts_of(session, gift.id), source_id):
        raise Conflict(_SENT_BACK)
    stop_thanks(session, received)
    return outcome


def thanks_leave_at(facts: Sequence[GiftFact], now: datetime, wait: timedelta) -> datetime | None:
    """Return when the thank-you e-mail for a transfer will be sent; None if none is waiting.

    `wait` is how long such e-mails wait after staff last marked or undid a transfer.
    """
    if not transfers_in_force(facts):
        return None
    by_hand = (FactKind.TRANSFER_RECEIVED, FactKind.TRANSFER_UNDONE)
    leaves_at = max(fact.recorded_at for fact in facts if fact.kind in by_hand) + wait
    return leaves_at if leaves_at > now else None


def transfers_in_force(facts: Sequence[GiftFact]) -> list[GiftFact]:
    """Return the facts about received transfers that have not been undone."""
    undone = {f.source_id for f in facts if f.kind == FactKind.TRANSFER_UNDONE}
    return [f for f in facts if f.kind == FactKind.TRANSFER_RECEIVED and f.source_id not in undone]


def returns_of(facts: Sequence[GiftFact], transfer: str) -> list[GiftFact]:
    """Return the facts that money of a transfer was sent back, without those that were undone."""
    undone = {f.source_id for f in facts if f.kind == FactKind.REFUND_FAILED}
    return [
        f
        for f in facts
        if f.kind == FactKind.REFUND_SUCCEEDED
        and f.evidence.get("payment") == transfer
        and f.source_id not in undone
    ]


def _times_undone(session: Session, key: str) -> int:
    # The key of a bank reference has only letters and digits, so LIKE needs no escaping.
    return session.exec(
        select(func.count())
        .select_from(GiftFact)
        .where(GiftFact.kind == FactKind.TRANSFER_UNDONE, col(GiftFact.source_id).like(f"{key}#%"))
    ).one()
