"""The sentences that describe trail entries to staff, in English and French."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from donate.errors import N_
from donate.finance.activity.refusal_words import refusal_words
from donate.finance.activity.trail import REFUSED
from donate.finance.people.words import ROLE_NAMES
from donate.finance.roles import Role
from donate.finance.webhooks.words import WEBHOOK_ACTS
from donate.finance.words import LETTERS
from donate.letters.kinds import LetterKind
from donate.money import Money, format_money
from donate.web.templating import translate, translations

COMMAND_LINE: Final = N_("Command line")
NOT_SIGNED_IN: Final = N_("Not signed in")


@dataclass(frozen=True, slots=True)
class ActWords:
    """The name of a kind of action, and the sentence about one such action.

    A sentence may contain %(about)s, such as a gift's reference, and values from the entry's
    `detail`. `with_amount` is the sentence to use if the amount of money is known.
    """

    name: str
    sentence: str
    with_amount: str = ""


ACTS: Final[Mapping[str, ActWords]] = {
    "transfer_marked": ActWords(
        N_("Transfer marked as received"),
        N_("Marked %(about)s as received"),
        N_("Marked %(about)s as received: %(amount)s"),
    ),
    "transfer_undone": ActWords(N_("Transfer undone"), N_("Undid a transfer for %(about)s")),
    "refund_requested": ActWords(
        N_("Refund requested"),
        N_("Requested a refund for %(about)s"),
        N_("Requested a refund for %(about)s: %(amount)s"),
    ),
    "refund_followed_up": ActWords(
        N_("Failed refund resolved"), N_("Marked the failed refund for %(about)s as resolved")
    ),
    "letter_again": ActWords(
        N_("E-mail sent again"), N_("Sent the e-mail “%(kind)s” for %(about)s again")
    ),
    "letters_again": ActWords(N_("All e-mails sent again"), N_("Sent e-mails again: %(letters)s")),
    "held_letters_sent": ActWords(
        N_("E-mails sent in spite of a limit"),
        N_("Sent e-mails that a limit held back: %(letters)s. Network: %(about)s"),
    ),
    "held_letters_dismissed": ActWords(
        N_("E-mails dismissed that a limit held back"),
        N_("Dismissed e-mails that a limit held back: %(letters)s. Network: %(about)s"),
    ),
    "letter_dismissed": ActWords(
        N_("E-mail dismissed"), N_("Dismissed the e-mail “%(kind)s” for %(about)s")
    ),
    "letter_text_written": ActWords(
        N_("Text of an e-mail written"), N_("Wrote the text of “%(kind)s” for %(about)s")
    ),
    "letter_text_standard": ActWords(
        N_("Standard text of an e-mail restored"),
        N_("Went back to the standard text of “%(kind)s” for %(about)s"),
    ),
    "letter_test_sent": ActWords(
        N_("Test e-mail sent"), N_("Sent a test of “%(kind)s” for %(about)s to themselves")
    ),
    "event_tried_again": ActWords(
        N_("Stripe event tried again"), N_("Tried the Stripe event %(about)s again")
    ),
    "event_tied": ActWords(
        N_("Stripe event tied to a gift"), N_("Tied the Stripe event %(about)s to %(why)s")
    ),
    "event_dismissed": ActWords(
        N_("Stripe event dismissed"), N_("Dismissed the Stripe event %(about)s: %(why)s")
    ),
    "refusals_seen": ActWords(
        N_("Stripe refusals seen"), N_("Marked requests that Stripe refused as seen")
    ),
    "breaker_pause": ActWords(N_("Card payments paused"), N_("Paused card payments")),
    "breaker_calm": ActWords(
        N_("Protection against card testing switched off"),
        N_("Switched off the protection against card testing"),
    ),
    "breaker_automatic": ActWords(
        N_("Protection against card testing made automatic"),
        N_("Let the protection against card testing decide by itself"),
    ),
    "exported_gifts": ActWords(N_("Gifts exported"), N_("Exported gifts: %(about)s")),
    "exported_movements": ActWords(N_("Movements exported"), N_("Exported movements: %(about)s")),
    "exported_monthly": ActWords(
        N_("Monthly gifts exported"), N_("Exported monthly gifts: %(about)s")
    ),
    "exported_journal": ActWords(N_("Journal exported"), N_("Exported the journal: %(about)s")),
    "exported_donors": ActWords(N_("Donors exported"), N_("Exported donors: %(about)s")),
    "exported_payouts": ActWords(N_("Payouts exported"), N_("Exported payouts: %(about)s")),
    "donor_changed": ActWords(N_("Donor changed"), N_("Changed %(about)s")),
    "donor_noted": ActWords(N_("Note about a donor"), N_("Wrote a note about %(about)s")),
    "donor_anonymised": ActWords(N_("Donor erased"), N_("Erased the data of %(about)s")),
    "donor_merged": ActWords(N_("Donors merged"), N_("Merged %(about)s into another donor")),
    "donor_data_exported": ActWords(
        N_("Data of a donor exported"), N_("Exported the data of %(about)s")
    ),
    "donor_merge_undone": ActWords(
        N_("Merge of donors undone"), N_("Undid the merge of %(about)s")
    ),
    "statement_imported": ActWords(
        N_("Bank statement imported"), N_("Imported the bank statement %(about)s")
    ),
    "statement_discarded": ActWords(
        N_("Bank statement discarded"), N_("Discarded the uploaded bank statement %(about)s")
    ),
    "bank_quiet_days": ActWords(
        N_("Days without transactions confirmed"),
        N_("Confirmed that a bank account had no transactions: %(about)s"),
    ),
    "shape_learned": ActWords(
        N_("Columns of a bank file mapped"), N_("Mapped the columns of the files “%(about)s”")
    ),
    "shape_renamed": ActWords(
        N_("Bank file renamed"), N_("Renamed a kind of bank file: %(about)s")
    ),
    "shape_forgotten": ActWords(
        N_("Columns of a bank file forgotten"), N_("Forgot the columns of the files “%(about)s”")
    ),
    "bank_line_tied": ActWords(
        N_("Bank line tied to a gift"),
        N_("Tied %(about)s"),
        N_("Tied %(about)s: %(amount)s"),
    ),
    "bank_line_payout_tied": ActWords(
        N_("Bank line tied to a payout"),
        N_("Tied %(about)s to a payout"),
        N_("Tied %(about)s to a payout: %(amount)s"),
    ),
    "bank_line_sent_back": ActWords(
        N_("Transfer sent back to a donor"),
        N_("Recorded that %(about)s sent money back to its donor"),
        N_("Recorded that %(about)s sent money back to its donor: %(amount)s"),
    ),
    "bank_line_top_up_tied": ActWords(
        N_("Bank line tied to a top-up"),
        N_("Tied %(about)s to a top-up of Stripe’s balance"),
        N_("Tied %(about)s to a top-up of Stripe’s balance: %(amount)s"),
    ),
    "bank_line_gift_opened": ActWords(
        N_("Gift opened for a bank line"),
        N_("Opened a gift for %(about)s"),
        N_("Opened a gift for %(about)s: %(amount)s"),
    ),
    "bank_line_no_gift": ActWords(
        N_("Bank line that is no gift"),
        N_("Noted what %(about)s is"),
        N_("Noted what %(about)s is: %(amount)s"),
    ),
    "bank_line_undone": ActWords(
        N_("Decision about a bank line undone"),
        N_("Undid what was decided about %(about)s"),
        N_("Undid what was decided about %(about)s: %(amount)s"),
    ),
    "books_started": ActWords(
        N_("Start of the books"), N_("Started the books with the month %(about)s")
    ),
    "month_close_asked": ActWords(
        N_("Closing of a month asked for"), N_("Asked to close the month %(about)s")
    ),
    "month_closed": ActWords(N_("Month closed"), N_("Closed the month %(about)s")),
    "month_pack_sent": ActWords(
        N_("Pack of a month downloaded"), N_("Downloaded the pack of %(about)s")
    ),
    "offline_gift_recorded": ActWords(
        N_("Cheque or cash recorded"), N_("Recorded a cheque or cash: %(about)s")
    ),
    "offline_gift_undone": ActWords(
        N_("Cheque or cash undone"), N_("Undid the cheque or cash %(about)s")
    ),
    "offline_batch_started": ActWords(N_("Batch started"), N_("Started the batch %(about)s")),
    "offline_batch_expected": ActWords(
        N_("Batch expectation changed"), N_("Changed what is expected of the batch %(about)s")
    ),
    "offline_batch_closed": ActWords(N_("Batch closed"), N_("Closed the batch %(about)s")),
    "offline_entry_removed": ActWords(
        N_("Entry of a batch removed"), N_("Removed an entry of the batch %(about)s")
    ),
    "transfer_mails_added": ActWords(
        N_("Interac’s e-mails added"), N_("Added e-mails of Interac: %(letters)s")
    ),
    "transfer_mails_checked": ActWords(
        N_("Interac’s e-mails checked again"), N_("Checked the signatures of Interac’s e-mails")
    ),
    "pledge_pause_requested": ActWords(
        N_("Monthly gift paused"), N_("Asked Stripe to pause the monthly gift %(about)s")
    ),
    "pledge_resume_requested": ActWords(
        N_("Monthly gift resumed"), N_("Asked Stripe to resume the monthly gift %(about)s")
    ),
    "pledge_cancel_requested": ActWords(
        N_("Monthly gift ended"), N_("Asked Stripe to end the monthly gift %(about)s")
    ),
    "pledge_cancel_later_requested": ActWords(
        N_("Monthly gift to end"),
        N_("Asked Stripe to end the monthly gift %(about)s after the paid month"),
    ),
    "pledge_link_sent": ActWords(
        N_("Link to a monthly gift sent"), N_("Sent the donor the link to %(about)s again")
    ),
    "staff_invited": ActWords(N_("Staff invited"), N_("Invited %(about)s")),
    "invitation_accepted": ActWords(N_("Invitation accepted"), N_("Accepted the invitation")),
    "role_changed": ActWords(N_("Role changed"), N_("Changed the role of %(about)s")),
    "sessions_ended": ActWords(N_("Sessions ended"), N_("Ended sessions of %(about)s")),
    "second_factor_set_up": ActWords(N_("Second step set up"), N_("Set up the second step")),
    "second_factor_removed": ActWords(N_("Second step removed"), N_("Removed the second step")),
    "second_factor_reset": ActWords(
        N_("Second step reset"), N_("Reset the second step of %(about)s")
    ),
    "recovery_codes_renewed": ActWords(N_("Recovery codes renewed"), N_("Made new recovery codes")),
    "language_chosen": ActWords(N_("Language chosen"), N_("Chose another language")),
    "staff_added": ActWords(N_("Staff added"), N_("Added %(about)s as %(role)s")),
    "provider_account_tied": ActWords(
        N_("Organisation’s account tied"), N_("Tied %(about)s to an account of the organisation")
    ),
    "provider_account_released": ActWords(
        N_("Organisation’s account released"),
        N_("Released the organisation’s account of %(about)s"),
    ),
    "staff_disabled": ActWords(N_("Staff disabled"), N_("Disabled the account of %(about)s")),
    "staff_enabled": ActWords(N_("Staff enabled"), N_("Enabled the account of %(about)s again")),
    "password_set": ActWords(N_("Password set"), N_("Set a new password for %(about)s")),
    "token_added": ActWords(N_("Token created"), N_("Created a token for %(about)s")),
    "signed_in": ActWords(N_("Signed in"), N_("Signed in")),
    "signed_out": ActWords(N_("Signed out"), N_("Signed out")),
    **{act: ActWords(*texts) for act, texts in WEBHOOK_ACTS.items()},
    REFUSED: ActWords(N_("Refused"), N_("%(about)s was refused: %(why)s")),
}

_NOT_RECORDED: Final = "—"
_MARK: Final = "\x1f"


def act_name(act: str, language: str) -> str:
    """Return the name of a kind of action.

    A kind without a name in ACTS is shown under its stored name.
    """
    words = ACTS.get(act)
    return translate(language, words.name) if words else act.replace("_", " ").capitalize()


def act_sentence(
    act: str, detail: Mapping[str, Any], language: str, *, currency: str | None = None
) -> tuple[str, str]:
    """Return the parts of the sentence about a trail entry that come before and after %(about)s.

    `currency` is the gift's currency. It is used for older entries, which have an amount but no
    currency.
    """
    words = ACTS.get(act)
    if words is None:
        return f"{act_name(act, language)}: ", ""
    values = {"about": _MARK, "why": _reason(act, detail, language)}
    values["letters"] = str(detail.get("letters", _NOT_RECORDED))
    role = detail.get("role")
    values["role"] = (
        translate(language, ROLE_NAMES[Role(role)])
        if role in set(Role)
        else str(role or _NOT_RECORDED)
    )
    kind = detail.get("kind")
    known = kind in set(LetterKind)
    values["kind"] = (
        translate(language, LETTERS[LetterKind(str(kind))]) if known else str(kind or _NOT_RECORDED)
    )
    sentence, amount = words.sentence, detail.get("amount_minor")
    currency = detail.get("currency") or currency
    if words.with_amount and isinstance(amount, int) and currency:
        sentence = words.with_amount
        values["amount"] = format_money(Money(amount, currency), language)
    before, _, after = (translations(language).gettext(sentence) % values).partition(_MARK)
    return before, after


def _reason(act: str, detail: Mapping[str, Any], language: str) -> str:
    why = str(detail.get("why", _NOT_RECORDED))
    if act != REFUSED:
        return why
    words, account = refusal_words(why, language), detail.get("account")
    return f"{words} ({account})" if account else words
