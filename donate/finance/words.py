"""The words in which staff read statuses, facts and letters."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from babel.dates import format_date

from donate.clock import local_date
from donate.gifts.account_confirmation import confirmation_due
from donate.gifts.facts import FactKind
from donate.gifts.models import Gift, GiftFact
from donate.gifts.status import Flag, StatusName
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter, LetterState
from donate.money import Money, format_money
from donate.regions.modes import BY_HAND, MODES, Mode

LANGUAGE: Final = "en-CA"

MODE_NAMES: Final[dict[str, str]] = {mode: facts.staff_name for mode, facts in MODES.items()}

STATUSES: Final[dict[str, str]] = {
    StatusName.AWAITED: "Awaited",
    StatusName.PROCESSING: "Processing",
    StatusName.CONFIRMED: "Confirmed",
    StatusName.PARTLY_REFUNDED: "Partly refunded",
    StatusName.REFUNDED: "Refunded",
    StatusName.DISPUTED: "Disputed",
    StatusName.CHARGED_BACK: "Charged back",
    StatusName.FAILED: "Failed",
    StatusName.LAPSED: "Lapsed",
}

STATUS_SENTENCES: Final[dict[str, str]] = {
    StatusName.AWAITED: "Chosen, and nothing received yet.",
    StatusName.PROCESSING: "The donor has paid; the bank has not yet said that it went through.",
    StatusName.CONFIRMED: "The money is received.",
    StatusName.PARTLY_REFUNDED: "The money was received, and part of it went back.",
    StatusName.REFUNDED: "The money was received, and all of it went back.",
    StatusName.DISPUTED: "The donor's bank disputes the payment and holds the money meanwhile.",
    StatusName.CHARGED_BACK: "The donor's bank took the money back after a dispute.",
    StatusName.FAILED: "The payment did not go through.",
    StatusName.LAPSED: "The donor left before paying, and the payment page has expired.",
}

ACCOUNT_TO_CONFIRM: Final = "Account to confirm"
TO_CONFIRM_SENTENCE: Final = (
    "The donor still has to confirm their bank account with small deposits, on Stripe's page. "
    "Until then the bank is not asked for the money."
)
LAPSED_BY_HAND: Final = (
    "Nothing came within the days that the region waits. What comes later is still taken in."
)

FLAGS: Final[dict[str, str]] = {
    Flag.PAID_MORE_THAN_ONCE: "Paid more than once",
    Flag.AMOUNT_DIFFERS: "Not the amount chosen",
    Flag.RETURNED_MORE_THAN_RECEIVED: "More went back than came in",
}

KINDS: Final[dict[str, str]] = {
    FactKind.GIFT_OPENED: "Gift chosen",
    FactKind.CHECKOUT_REQUESTED: "Payment page asked for",
    FactKind.CHECKOUT_OPENED: "Payment page opened",
    FactKind.CHECKOUT_REFUSED: "Payment page refused by Stripe",
    FactKind.CHECKOUT_EXPIRED: "Payment page expired",
    FactKind.PAYMENT_PROCESSING: "Payment on its way",
    FactKind.ACCOUNT_TO_CONFIRM: "The donor has to confirm the bank account",
    FactKind.ACCOUNT_CONFIRMED: "Bank account confirmed",
    FactKind.PAYMENT_SUCCEEDED: "Payment received",
    FactKind.PAYMENT_FAILED: "Payment failed",
    FactKind.PAYMENT_DECLINED: "Card declined",
    FactKind.TRANSFER_ANNOUNCED: "The donor says it is sent",
    FactKind.GIFT_LAPSED: "Waited for long enough",
    FactKind.TRANSFER_RECEIVED: "Transfer received",
    FactKind.TRANSFER_UNDONE: "Transfer taken back",
    FactKind.REFUND_REQUESTED: "Refund asked for",
    FactKind.REFUND_REFUSED: "Refund refused by Stripe",
    FactKind.REFUND_STARTED: "Refund started",
    FactKind.REFUND_SUCCEEDED: "Refund made",
    FactKind.REFUND_FAILED: "Refund failed",
    FactKind.PAYMENT_NAMED: "Payment named",
    FactKind.PAID_OUTSIDE: "Marked as paid outside Stripe",
    FactKind.PLEDGE_STARTED: "Monthly giving began",
    FactKind.PLEDGE_CHANGE_REQUESTED: "The donor wants their monthly giving changed",
    FactKind.PLEDGE_CHANGE_REFUSED: "Stripe would not change the monthly giving",
    FactKind.PLEDGE_CHANGED: "Monthly giving changed",
    FactKind.PLEDGE_ENDED: "Monthly giving ended",
    FactKind.REFUND_FOLLOWED_UP: "Failed refund dealt with",
    FactKind.INQUIRY_OPENED: "The donor’s bank asks about the payment",
    FactKind.INQUIRY_ANSWERED: "The bank’s question is answered",
    FactKind.INQUIRY_CLOSED: "The bank has closed its question",
    FactKind.DISPUTE_OPENED: "Dispute opened",
    FactKind.DISPUTE_WON: "Dispute won",
    FactKind.DISPUTE_LOST: "Dispute lost",
}

LETTERS: Final[dict[str, str]] = {
    LetterKind.THANK_YOU: "Thanks",
    LetterKind.CORRECTION: "Correction: not arrived",
    LetterKind.INSTRUCTIONS: "How to send it",
    LetterKind.REMINDER: "Reminder",
    LetterKind.UNDER_WAY: "Debit under way",
    LetterKind.CONFIRM_ACCOUNT: "Account to confirm",
    LetterKind.FAILED: "Payment failed",
    LetterKind.MONTH_FAILED: "Month failed",
    LetterKind.PLEDGE_AMOUNT: "Monthly amount changed",
    LetterKind.PLEDGE_ENDED: "Monthly giving ended",
    LetterKind.REFUND: "Money went back",
    LetterKind.REFUND_FAILED: "Refund failed",
}

_MONEY_MOVED: Final = {
    FactKind.PAYMENT_SUCCEEDED: "received",
    FactKind.PAID_OUTSIDE: "was marked as paid outside Stripe",
    FactKind.TRANSFER_RECEIVED: "received",
    FactKind.REFUND_SUCCEEDED: "refunded",
    FactKind.REFUND_FAILED: "not refunded after all",
    FactKind.DISPUTE_OPENED: "disputed",
    FactKind.DISPUTE_WON: "given back to us after a dispute",
    FactKind.DISPUTE_LOST: "lost in a dispute",
}


def actor_name(actor: str, staff_names: Mapping[str, str]) -> str:
    """Return the name of an actor."""
    names = {"donor": "The donor", "stripe": "Stripe", "service": "This service"}
    return names.get(actor) or staff_names.get(actor, actor)


def status_sentences(
    gift: Gift, facts: Sequence[GiftFact], staff_names: Mapping[str, str]
) -> list[str]:
    """Explain a gift's status: its meaning, then a sentence for each movement of money."""
    by_hand = gift.status == StatusName.LAPSED and gift.mode in BY_HAND
    sentences = [LAPSED_BY_HAND if by_hand else STATUS_SENTENCES[gift.status]]
    if gift.status == StatusName.PROCESSING and confirmation_due(f.as_fact() for f in facts):
        sentences = [TO_CONFIRM_SENTENCE]
    undone = {f.source_id: f for f in facts if f.kind == FactKind.TRANSFER_UNDONE}
    for fact in facts:
        moved = _MONEY_MOVED.get(FactKind(fact.kind))
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
            sentences.append(f"{amount}, marked as received on {day}, was a mistake, says {who}.")
        else:
            sentences.append(f"{amount} {moved} on {day}, says {by}.")
    sentences += _announced(gift, facts)
    if gift.status == StatusName.AWAITED and gift.mode in BY_HAND:
        awaits = Mode(gift.mode).facts.staff_awaits
        sentences.append(f"We wait for {awaits} that quotes {gift.reference}.")
    return sentences


def _announced(gift: Gift, facts: Sequence[GiftFact]) -> list[str]:
    """Return a sentence about a transfer that the donor reported as sent, until money arrives."""
    report = next((fact for fact in facts if fact.kind == FactKind.TRANSFER_ANNOUNCED), None)
    if report is None or gift.received_minor:
        return []
    day = local_date(report.happened_at, gift.time_zone)
    written = format_date(day, "long", locale=LANGUAGE.replace("-", "_"))
    return [f"The donor told us on {written} that they sent it."]


_NO_LONGER_SO: Final = "Not sent: it was no longer so."


def letter_status(letter: Letter) -> str:
    """Return the state of a letter in one sentence. Pages show `letter_time` after it."""
    match LetterState(letter.state):
        case LetterState.WAITING:
            if _is_held_back(letter):
                stops = letter.kind == LetterKind.THANK_YOU
                return "Taking the transfer back stops it. Leaves at" if stops else "Leaves at"
            return letter.reason or "Waits to be sent."
        case LetterState.SENT:
            return "Sent."
        case LetterState.UNTRUE:
            return f"Not sent. {letter.reason}" if letter.reason else _NO_LONGER_SO
        case LetterState.SET_ASIDE:
            return letter.reason
        case LetterState.DISMISSED:
            return f"Not sent. {letter.reason}"


def letter_time(letter: Letter) -> datetime:
    """Return when a letter was sent or, before that, when it is due or was written."""
    return letter.sent_at or (letter.due_at if _is_held_back(letter) else letter.written_at)


def _is_held_back(letter: Letter) -> bool:
    held_back = not letter.tries and letter.due_at > letter.written_at
    return letter.state == LetterState.WAITING and held_back
