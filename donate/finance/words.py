"""The texts in which staff read statuses, facts and e-mails."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from babel.dates import format_date

from donate.clock import local_date
from donate.gifts.account_confirmation import confirmation_due
from donate.gifts.facts import FactKind
from donate.gifts.models import Gift, GiftFact, plain_facts
from donate.gifts.status import Flag, StatusName
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter, LetterState
from donate.money import Money, format_money
from donate.regions.modes import BY_HAND, MODES, Mode

LANGUAGE: Final = "en-CA"

MODE_NAMES: Final[dict[Mode, str]] = {mode: facts.staff_name for mode, facts in MODES.items()}

STATUSES: Final[dict[StatusName, str]] = {
    StatusName.AWAITED: "Not yet received",
    StatusName.PROCESSING: "Processing",
    StatusName.CONFIRMED: "Confirmed",
    StatusName.PARTLY_REFUNDED: "Partially refunded",
    StatusName.REFUNDED: "Refunded",
    StatusName.DISPUTED: "Disputed",
    StatusName.CHARGED_BACK: "Charged back",
    StatusName.FAILED: "Failed",
    StatusName.LAPSED: "Expired",
}

STATUS_SENTENCES: Final[dict[StatusName, str]] = {
    StatusName.AWAITED: "No payment received yet.",
    StatusName.PROCESSING: "The donor has paid. The bank hasn’t confirmed the payment yet.",
    StatusName.CONFIRMED: "The money has arrived.",
    StatusName.PARTLY_REFUNDED: "The money arrived, and part of it was refunded.",
    StatusName.REFUNDED: "The money arrived, and all of it was refunded.",
    StatusName.DISPUTED: "The donor’s bank disputes the payment and holds the money meanwhile.",
    StatusName.CHARGED_BACK: "The donor’s bank took the money back after a dispute.",
    StatusName.FAILED: "The payment failed.",
    StatusName.LAPSED: "The donor left before paying, and the payment page has expired.",
}

ACCOUNT_TO_CONFIRM: Final = "Confirmation needed"
TO_CONFIRM_SENTENCE: Final = (
    "The donor still has to confirm their bank account with small deposits on Stripe’s page. "
    "Stripe asks the bank for the money only after that."
)
LAPSED_BY_HAND: Final = (
    "Nothing arrived within the region’s waiting time. A later transfer can still be recorded."
)

FLAGS: Final[dict[Flag, str]] = {
    Flag.PAID_MORE_THAN_ONCE: "Paid more than once",
    Flag.AMOUNT_DIFFERS: "Amount differs",
    Flag.RETURNED_MORE_THAN_RECEIVED: "More refunded than received",
}

KINDS: Final[dict[FactKind, str]] = {
    FactKind.GIFT_OPENED: "Gift started",
    FactKind.CHECKOUT_REQUESTED: "Checkout started",
    FactKind.CHECKOUT_OPENED: "Payment page opened",
    FactKind.CHECKOUT_REFUSED: "Payment page refused by Stripe",
    FactKind.CHECKOUT_EXPIRED: "Payment page expired",
    FactKind.PAYMENT_PROCESSING: "Payment processing",
    FactKind.ACCOUNT_TO_CONFIRM: "Bank account not confirmed yet",
    FactKind.ACCOUNT_CONFIRMED: "Bank account confirmed",
    FactKind.PAYMENT_SUCCEEDED: "Payment received",
    FactKind.PAYMENT_FAILED: "Payment failed",
    FactKind.PAYMENT_DECLINED: "Card declined",
    FactKind.TRANSFER_ANNOUNCED: "Reported as sent by the donor",
    FactKind.GIFT_LAPSED: "Expired",
    FactKind.TRANSFER_RECEIVED: "Transfer received",
    FactKind.TRANSFER_UNDONE: "Transfer undone",
    FactKind.REFUND_REQUESTED: "Refund requested",
    FactKind.REFUND_REFUSED: "Refund refused by Stripe",
    FactKind.REFUND_STARTED: "Refund started",
    FactKind.REFUND_SUCCEEDED: "Refunded",
    FactKind.REFUND_FAILED: "Refund failed",
    FactKind.PAYMENT_NAMED: "Payment ID received",
    FactKind.PAID_OUTSIDE: "Marked as paid outside Stripe",
    FactKind.PLEDGE_STARTED: "Monthly gift started",
    FactKind.PLEDGE_CHANGE_REQUESTED: "Change to monthly gift requested",
    FactKind.PLEDGE_CHANGE_REFUSED: "Change to monthly gift refused by Stripe",
    FactKind.PLEDGE_CHANGED: "Monthly gift changed",
    FactKind.PLEDGE_ENDED: "Monthly gift ended",
    FactKind.REFUND_FOLLOWED_UP: "Failed refund resolved",
    FactKind.INQUIRY_OPENED: "Inquiry by the donor’s bank",
    FactKind.INQUIRY_ANSWERED: "Inquiry answered",
    FactKind.INQUIRY_CLOSED: "Inquiry closed",
    FactKind.DISPUTE_OPENED: "Dispute opened",
    FactKind.DISPUTE_WON: "Dispute won",
    FactKind.DISPUTE_LOST: "Dispute lost",
}

LETTERS: Final[dict[LetterKind, str]] = {
    LetterKind.THANK_YOU: "Thank-you",
    LetterKind.CORRECTION: "Correction",
    LetterKind.INSTRUCTIONS: "How to send the gift",
    LetterKind.REMINDER: "Reminder",
    LetterKind.UNDER_WAY: "Debit in progress",
    LetterKind.CONFIRM_ACCOUNT: "Confirm bank account",
    LetterKind.FAILED: "Payment failed",
    LetterKind.MONTH_FAILED: "Monthly payment failed",
    LetterKind.PLEDGE_AMOUNT: "Monthly amount changed",
    LetterKind.PLEDGE_ENDED: "Monthly gift ended",
    LetterKind.REFUND: "Refund",
    LetterKind.REFUND_FAILED: "Refund failed",
}

_MONEY_MOVED: Final = {
    FactKind.PAYMENT_SUCCEEDED: "received",
    FactKind.PAID_OUTSIDE: "marked as paid outside Stripe",
    FactKind.TRANSFER_RECEIVED: "received",
    FactKind.REFUND_SUCCEEDED: "refunded",
    FactKind.REFUND_FAILED: "came back after a failed refund",
    FactKind.DISPUTE_OPENED: "disputed",
    FactKind.DISPUTE_WON: "returned to us after a dispute",
    FactKind.DISPUTE_LOST: "lost in a dispute",
}


def actor_name(actor: str, staff_names: Mapping[str, str]) -> str:
    """Return the name that staff read for an actor, such as `donor` or `staff:7`."""
    names = {"donor": "The donor", "stripe": "Stripe", "service": "This service"}
    return names.get(actor) or staff_names.get(actor, actor)


def status_sentences(
    gift: Gift, facts: Sequence[GiftFact], staff_names: Mapping[str, str]
) -> list[str]:
    """Return sentences about a gift: what its status means, and one for each movement of money."""
    by_hand = gift.status == StatusName.LAPSED and gift.mode in BY_HAND
    sentences = [LAPSED_BY_HAND if by_hand else STATUS_SENTENCES[gift.status]]
    if gift.status == StatusName.PROCESSING and confirmation_due(plain_facts(facts)):
        sentences = [TO_CONFIRM_SENTENCE]
    undone = {f.source_id: f for f in facts if f.kind == FactKind.TRANSFER_UNDONE}
    for fact in facts:
        moved = _MONEY_MOVED.get(fact.kind)
        if moved is None:
            continue
        amount = (
            format_money(Money(fact.amount_minor, fact.currency), LANGUAGE)
            if fact.amount_minor is not None and fact.currency
            else "The money"
        )
        by = actor_name(fact.actor, staff_names)
        day = format_date(
            local_date(fact.happened_at, gift.time_zone), "long", locale=LANGUAGE.replace("-", "_")
        )
        taken_back = undone.get(fact.source_id) if fact.kind == FactKind.TRANSFER_RECEIVED else None
        if taken_back:
            who = actor_name(taken_back.actor, staff_names)
            sentences.append(f"{amount} marked as received on {day}, undone by {who}.")
        else:
            sentences.append(f"{amount} {moved} on {day} ({by}).")
    sentences += _announced(gift, facts)
    if gift.status == StatusName.AWAITED and gift.mode in BY_HAND:
        awaits = gift.mode.facts.staff_awaits
        sentences.append(f"We wait for {awaits} that quotes {gift.reference}.")
    return sentences


def _announced(gift: Gift, facts: Sequence[GiftFact]) -> list[str]:
    """If the donor reported the transfer as sent and no money has come, say so in a sentence."""
    report = next((fact for fact in facts if fact.kind == FactKind.TRANSFER_ANNOUNCED), None)
    if report is None or gift.received_minor:
        return []
    day = local_date(report.happened_at, gift.time_zone)
    written = format_date(day, "long", locale=LANGUAGE.replace("-", "_"))
    return [f"The donor reported on {written} that they sent it."]


_NO_LONGER_SO: Final = "Not sent because it no longer applied."


def letter_status(letter: Letter) -> str:
    """Return the state of an e-mail as a sentence, after which pages show `letter_time`."""
    match letter.state:
        case LetterState.WAITING:
            if _is_held_back(letter):
                stops = letter.kind == LetterKind.THANK_YOU
                return (
                    "Undo the transfer to stop it. Will be sent at" if stops else "Will be sent at"
                )
            return letter.reason or "Waiting to be sent."
        case LetterState.SENT:
            return "Sent."
        case LetterState.UNTRUE:
            return f"Not sent. {letter.reason}" if letter.reason else _NO_LONGER_SO
        case LetterState.SET_ASIDE:
            return letter.reason
        case LetterState.DISMISSED:
            return f"Not sent. {letter.reason}"


def letter_time(letter: Letter) -> datetime:
    """Return the time to show: when an e-mail was sent, is due (if delayed), or was written."""
    return letter.sent_at or (letter.due_at if _is_held_back(letter) else letter.written_at)


def _is_held_back(letter: Letter) -> bool:
    held_back = not letter.tries and letter.due_at > letter.written_at
    return letter.state == LetterState.WAITING and held_back
