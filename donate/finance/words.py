"""The texts on staff pages for statuses, facts and e-mails."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from donate.clock import local_date
from donate.errors import N_
from donate.gifts.account_confirmation import confirmation_due
from donate.gifts.facts import FactKind
from donate.gifts.models import Gift, GiftFact, plain_facts
from donate.gifts.status import Flag, StatusName, announcement_in_force
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter, LetterState, ShareLimit
from donate.money import Money
from donate.regions.modes import BY_HAND, MODES, Mode
from donate.web.templating import Localizer, translate, translate_stored

MODE_NAMES: Final[dict[Mode, str]] = {mode: facts.staff_name for mode, facts in MODES.items()}

STATUSES: Final[dict[StatusName, str]] = {
    StatusName.AWAITED: N_("Not yet received"),
    StatusName.PROCESSING: N_("Processing"),
    StatusName.CONFIRMED: N_("Confirmed"),
    StatusName.PARTLY_REFUNDED: N_("Partially refunded"),
    StatusName.REFUNDED: N_("Refunded"),
    StatusName.DISPUTED: N_("Disputed"),
    StatusName.CHARGED_BACK: N_("Charged back"),
    StatusName.FAILED: N_("Failed"),
    StatusName.LAPSED: N_("Expired"),
}

STATUS_SENTENCES: Final[dict[StatusName, str]] = {
    StatusName.AWAITED: N_("No payment received yet."),
    StatusName.PROCESSING: N_("The donor has paid. The bank hasn’t confirmed the payment yet."),
    StatusName.CONFIRMED: N_("The money has arrived."),
    StatusName.PARTLY_REFUNDED: N_("The money arrived, and part of it was refunded."),
    StatusName.REFUNDED: N_("The money arrived, and all of it was refunded."),
    StatusName.DISPUTED: N_("The donor’s bank disputes the payment and holds the money meanwhile."),
    StatusName.CHARGED_BACK: N_("The donor’s bank took the money back after a dispute."),
    StatusName.FAILED: N_("The payment failed."),
    StatusName.LAPSED: N_("The donor left before paying, and the payment page has expired."),
}

ACCOUNT_TO_CONFIRM: Final = N_("Confirmation needed")
TO_CONFIRM_SENTENCE: Final = N_(
    "The donor still has to confirm their bank account with small deposits on Stripe’s page. "
    "Stripe asks the bank for the money only after that."
)
LAPSED_BY_HAND: Final = N_(
    "Nothing arrived within the region’s waiting time. A later transfer can still be recorded."
)

FLAGS: Final[dict[Flag, str]] = {
    Flag.PAID_MORE_THAN_ONCE: N_("Paid more than once"),
    Flag.AMOUNT_DIFFERS: N_("Amount differs"),
    Flag.RETURNED_MORE_THAN_RECEIVED: N_("More refunded than received"),
}

UNDONE_OFFLINE: Final = N_("This gift was undone. The money doesn’t count any more.")

KINDS: Final[dict[FactKind, str]] = {
    FactKind.GIFT_OPENED: N_("Gift started"),
    FactKind.CHECKOUT_REQUESTED: N_("Checkout started"),
    FactKind.CHECKOUT_OPENED: N_("Payment page opened"),
    FactKind.CHECKOUT_REFUSED: N_("Payment page refused by Stripe"),
    FactKind.CHECKOUT_EXPIRED: N_("Payment page expired"),
    FactKind.PAYMENT_PROCESSING: N_("Payment processing"),
    FactKind.ACCOUNT_TO_CONFIRM: N_("Bank account not confirmed yet"),
    FactKind.ACCOUNT_CONFIRMED: N_("Bank account confirmed"),
    FactKind.PAYMENT_SUCCEEDED: N_("Payment received"),
    FactKind.PAYMENT_FAILED: N_("Payment failed"),
    FactKind.PAYMENT_DECLINED: N_("Card declined"),
    FactKind.TRANSFER_ANNOUNCED: N_("Reported as sent by the donor"),
    FactKind.ANNOUNCEMENT_TAKEN_BACK: N_("Donor says it isn’t sent after all"),
    FactKind.GIFT_LAPSED: N_("Expired"),
    FactKind.TRANSFER_RECEIVED: N_("Transfer received"),
    FactKind.TRANSFER_UNDONE: N_("Transfer undone"),
    FactKind.REFUND_REQUESTED: N_("Refund requested"),
    FactKind.REFUND_REFUSED: N_("Refund refused by Stripe"),
    FactKind.REFUND_STARTED: N_("Refund started"),
    FactKind.REFUND_SUCCEEDED: N_("Refunded"),
    FactKind.REFUND_FAILED: N_("Refund failed"),
    FactKind.PAYMENT_NAMED: N_("Payment ID received"),
    FactKind.PAID_OUTSIDE: N_("Marked as paid outside Stripe"),
    FactKind.PLEDGE_STARTED: N_("Monthly gift started"),
    FactKind.PLEDGE_CHANGE_REQUESTED: N_("Change to monthly gift requested"),
    FactKind.PLEDGE_CHANGE_REFUSED: N_("Change to monthly gift refused by Stripe"),
    FactKind.PLEDGE_CHANGED: N_("Monthly gift changed"),
    FactKind.PLEDGE_ENDED: N_("Monthly gift ended"),
    FactKind.REFUND_FOLLOWED_UP: N_("Failed refund resolved"),
    FactKind.INQUIRY_OPENED: N_("Inquiry by the donor’s bank"),
    FactKind.INQUIRY_ANSWERED: N_("Inquiry answered"),
    FactKind.INQUIRY_CLOSED: N_("Inquiry closed"),
    FactKind.DISPUTE_OPENED: N_("Dispute opened"),
    FactKind.DISPUTE_WON: N_("Dispute won"),
    FactKind.DISPUTE_LOST: N_("Dispute lost"),
}

LETTERS: Final[dict[LetterKind, str]] = {
    LetterKind.THANK_YOU: N_("Thank-you"),
    LetterKind.CORRECTION: N_("Correction"),
    LetterKind.INSTRUCTIONS: N_("How to send the gift"),
    LetterKind.REMINDER: N_("Reminder"),
    LetterKind.UNFINISHED: N_("Payment not finished"),
    LetterKind.UNDER_WAY: N_("Debit in progress"),
    LetterKind.CONFIRM_ACCOUNT: N_("Confirm bank account"),
    LetterKind.FAILED: N_("Payment failed"),
    LetterKind.MONTH_FAILED: N_("Monthly payment failed"),
    LetterKind.PLEDGE_AMOUNT: N_("Monthly amount changed"),
    LetterKind.PLEDGE_PAUSED: N_("Monthly gift paused"),
    LetterKind.PLEDGE_RESUMED: N_("Monthly gift resumed"),
    LetterKind.PLEDGE_METHOD: N_("Card or account changed"),
    LetterKind.PLEDGE_ENDED: N_("Monthly gift ended"),
    LetterKind.PLEDGE_LINK: N_("Link to the monthly gift"),
    LetterKind.REFUND: N_("Refund"),
    LetterKind.REFUND_FAILED: N_("Refund failed"),
    LetterKind.NOT_SENT_BACK: N_("Transfer not sent back"),
}

EVIDENCE: Final[dict[str, str]] = {
    "agreement": N_("agreement"),
    "attempt": N_("attempt"),
    "bank_reference": N_("bank reference"),
    "code": N_("code"),
    "country": N_("country"),
    "date": N_("date"),
    "due_by": N_("due by"),
    "failure_reason": N_("failure reason"),
    "invoice": N_("invoice"),
    "language": N_("language"),
    "message": N_("message"),
    "mode": N_("mode"),
    "note": N_("note"),
    "payment": N_("payment"),
    "payment_status": N_("payment status"),
    "pledge": N_("pledge"),
    "reason": N_("reason"),
    "refusal_code": N_("refusal code"),
    "refusal_message": N_("refusal message"),
    "request_id": N_("request ID"),
    "session": N_("session"),
    "status": N_("status"),
    "tied_by": N_("tied by"),
}
"""The texts that staff see for the keys of evidence. Keys without a text are shown unchanged."""

_MONEY_MOVED: Final = {
    FactKind.PAYMENT_SUCCEEDED: N_("%(amount)s received on %(day)s (%(by)s)."),
    FactKind.PAID_OUTSIDE: N_("%(amount)s marked as paid outside Stripe on %(day)s (%(by)s)."),
    FactKind.TRANSFER_RECEIVED: N_("%(amount)s received on %(day)s (%(by)s)."),
    FactKind.REFUND_SUCCEEDED: N_("%(amount)s refunded on %(day)s (%(by)s)."),
    FactKind.REFUND_FAILED: N_("%(amount)s came back after a failed refund on %(day)s (%(by)s)."),
    FactKind.DISPUTE_OPENED: N_("%(amount)s disputed on %(day)s (%(by)s)."),
    FactKind.DISPUTE_WON: N_("%(amount)s returned to us after a dispute on %(day)s (%(by)s)."),
    FactKind.DISPUTE_LOST: N_("%(amount)s lost in a dispute on %(day)s (%(by)s)."),
}
_ACTORS: Final = {
    "donor": N_("The donor"),
    "stripe": "Stripe",
    "service": N_("This service"),
}


def actor_name(actor: str, staff_names: Mapping[str, str], language: str) -> str:
    """Return the name that staff see for an actor, such as `donor` or `staff:7`."""
    if actor in _ACTORS:
        return translate(language, _ACTORS[actor])
    return staff_names.get(actor, actor)


def status_sentences(
    gift: Gift, facts: Sequence[GiftFact], staff_names: Mapping[str, str], language: str
) -> list[str]:
    """Return sentences about a gift: the meaning of its status, and each movement of its money."""
    _ = Localizer(language)
    by_hand = gift.status == StatusName.LAPSED and gift.mode in BY_HAND
    sentences = [_(LAPSED_BY_HAND if by_hand else STATUS_SENTENCES[gift.status])]
    if gift.status == StatusName.LAPSED and gift.mode.facts.staff_only:
        sentences = [_(UNDONE_OFFLINE)]
    if gift.status == StatusName.PROCESSING and confirmation_due(plain_facts(facts)):
        sentences = [_(TO_CONFIRM_SENTENCE)]
    undone = {f.source_id: f for f in facts if f.kind == FactKind.TRANSFER_UNDONE}
    # In these modes `refund_failed` means that staff undid a refund, not that a bank refused it.
    not_sent = {
        f.source_id: f for f in facts if f.kind == FactKind.REFUND_FAILED and gift.mode in BY_HAND
    }
    for fact in facts:
        moved = _MONEY_MOVED.get(fact.kind)
        if moved is None or fact in not_sent.values():
            continue
        amount = (
            _.money(Money(fact.amount_minor, fact.currency))
            if fact.amount_minor is not None and fact.currency
            else _("The money")
        )
        day = _.day(local_date(fact.happened_at, gift.time_zone))
        by = actor_name(fact.actor, staff_names, language)
        taken_back = undone.get(fact.source_id) if fact.kind == FactKind.TRANSFER_RECEIVED else None
        if taken_back:
            moved = N_("%(amount)s marked as received on %(day)s, undone by %(by)s.")
            by = actor_name(taken_back.actor, staff_names, language)
        undone_return = not_sent.get(fact.source_id)
        if undone_return and fact.kind == FactKind.REFUND_SUCCEEDED:
            moved = N_("%(amount)s marked as sent back on %(day)s, undone by %(by)s.")
            by = actor_name(undone_return.actor, staff_names, language)
        sentences.append(_(moved, amount=amount, day=day, by=by))
    sentences += _announced(gift, facts, _)
    if gift.status == StatusName.AWAITED and gift.mode in BY_HAND:
        awaits = _(gift.mode.facts.staff_awaits)
        expected = N_("We wait for %(awaits)s that quotes %(reference)s.")
        sentences.append(_(expected, awaits=awaits, reference=gift.reference))
    return sentences


def _announced(gift: Gift, facts: Sequence[GiftFact], _: Localizer) -> list[str]:
    """Return a sentence if the donor reported the transfer as sent and no money has arrived."""
    report = announcement_in_force(facts)
    if report is None or gift.received_minor:
        return []
    day = _.day(local_date(report.happened_at, gift.time_zone))
    return [_("The donor reported on %(day)s that they sent it.", day=day)]


def letter_status(letter: Letter, language: str) -> str:
    """Return a sentence about the state of an e-mail. Pages show `letter_time` after it."""
    _ = Localizer(language)
    reason = letter_reason(letter, language)
    match letter.state:
        case LetterState.WAITING:
            if _is_held_back(letter):
                stops = letter.kind == LetterKind.THANK_YOU
                stoppable = _("Undo the transfer to stop it. Will be sent at")
                return stoppable if stops else _("Will be sent at")
            return reason or _("Waiting to be sent.")
        case LetterState.SENT:
            return _("Sent.")
        case LetterState.UNTRUE if not reason:
            return _("Not sent because it no longer applied.")
        case LetterState.UNTRUE | LetterState.DISMISSED:
            return _("Not sent. %(reason)s", reason=reason)
        case LetterState.SET_ASIDE:
            return reason


LETTER_REASONS: Final = (
    N_("The donor has no e-mail address."),
    N_("The transfer was undone."),
    N_("Too many e-mails to this address in a day."),
    N_("Too many e-mails about gifts from one network in a day."),
    N_("Too many e-mails about gifts without money in a day."),
    N_("It could not be composed: %(error)s."),
    N_("The mail server refused it: %(error)s."),
    N_("The mail server did not accept it in %(tries)s attempts: %(error)s."),
    N_("Not accepted yet: %(error)s."),
)


HELD_BY: Final[Mapping[ShareLimit, str]] = {
    ShareLimit.MAILBOX: N_("One address would get more than ten in a day."),
    ShareLimit.NETWORK: N_("One network opened too many gifts in a day."),
    ShareLimit.ALL: N_("Too many gifts without money were opened in a day."),
}
"""Why e-mails are held back, on the page that lists them."""


def letter_reason(letter: Letter, language: str) -> str:
    """Return the translated reason why an e-mail was not sent. The stored reason is in English."""
    return translate_stored(language, letter.reason, LETTER_REASONS)


def letter_time(letter: Letter) -> datetime:
    """Return the time to show for an e-mail: when it was sent, will be sent, or was written.

    The time when it will be sent is shown only if it was delayed on purpose.
    """
    return letter.sent_at or (letter.due_at if _is_held_back(letter) else letter.written_at)


def _is_held_back(letter: Letter) -> bool:
    held_back = not letter.tries and letter.due_at > letter.written_at
    return letter.state == LetterState.WAITING and held_back and not letter.reason
