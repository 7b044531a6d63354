"""The sentences that say why a gift, a transfer or a payout is suggested for a bank line."""

from datetime import date

from donate.bank.matching.suggestions import Reason, ReasonValue
from donate.errors import N_
from donate.money import Money

REFERENCE_IN_LINE = N_("The line contains the reference %(reference)s.")
REFERENCE_IN_MAIL = N_("The message of Interac’s e-mail contains the reference %(reference)s.")
AMOUNT_EXACT = Reason(N_("The amount is exactly what the gift still needs."))
AMOUNT_DIFFERS = N_(
    "The line has %(open)s, but the gift still needs %(missing)s. Please check who paid what."
)
PAID_ALREADY = N_("This gift of %(amount)s has been paid already. Please check for a second gift.")
SUM_EXACT = N_("Together, these %(count)s gifts need exactly the amount of the line.")
PARTS_EXACT = N_("This line and %(count)s more of the same payer add up to what the gift needs.")
NAME_SAME = N_("The name matches: %(payer)s and %(donor)s.")
NAME_ALIKE = N_("The name is alike: %(payer)s and %(donor)s. Please check whether it is the donor.")
NAME_UNKNOWN = Reason(
    N_("The bank shows no name, so only the amount and the day speak for this gift.")
)
NOTHING_ELSE_FITS = Reason(
    N_("The bank shows no name, but no other gift or line of these weeks has this amount.")
)
SAID_SENT_ALONE = N_(
    "The donor said on %(day)s that the transfer was sent, and this is the only line of these days "
    "with its amount."
)
SAID_SENT = N_(
    "The donor said on %(day)s that the transfer was sent. %(count)s lines of these days have its "
    "amount. Nothing tells which line is whose, so they are paired in the order of days."
)
NAME_OTHER = N_("The payer’s name is another one: %(payer)s. Only amount and day match.")
SENDER_ADDRESS = Reason(N_("Interac’s e-mail names the donor’s own e-mail address."))
KNOWN_PAYER = Reason(N_("Staff have tied this payer’s name to this donor before."))
MAIL_BY_REFERENCE = N_("Interac’s e-mail about this transfer has the reference %(reference)s.")
MAIL_BY_TAIL = N_("Interac’s e-mail has the same amount, and its reference ends with %(tail)s.")
MAIL_BY_PIECE = N_(
    "Interac’s e-mail has the same amount, and the bank shows a piece of its reference "
    "%(reference)s."
)
MAIL_BY_NAME = N_("Interac’s e-mail of these days has the same amount and name: %(name)s.")
MAIL_BY_AMOUNT = Reason(N_("Only this e-mail of Interac fits the amount and the day of the line."))
MAIL_BY_COUNT = N_(
    "%(count)s lines like this fit as many e-mails of Interac. Nothing tells which line is whose, "
    "so they are paired in the order of days."
)
CHOSEN_LONG_BEFORE = N_("The gift was chosen on %(day)s, long before this transfer.")
CHOSEN_AFTER = N_("The gift was chosen on %(day)s, after this transfer.")
ANOTHER_GIFT_FITS = Reason(N_("Another gift fits just as well. Please choose one."))
ANOTHER_LINE_FITS = Reason(
    N_("Another line fits this gift just as well. Please choose one of the lines.")
)
MARKED_BY_REFERENCE = N_("Staff marked this transfer with the bank reference %(reference)s.")
MARKED_BY_GIFT = N_("Staff marked a transfer of this amount for this gift on %(day)s.")
MARKED_BY_NAME = N_("Staff marked a transfer of this amount and name on %(day)s.")
MARKED_BY_AMOUNT = N_("Staff marked a transfer of this amount on %(day)s. Please compare the name.")
PAYOUT_FITS = N_("A payout of Stripe has this amount and should arrive on %(day)s.")
RETURN_FITS = N_(
    "A payout of Stripe failed on %(day)s and has this amount, so the bank takes it back."
)
TOP_UP_FITS = N_("Stripe’s balance was topped up by this amount on %(day)s.")
TOP_UP_RETURN_FITS = N_("Stripe returned a top-up of this amount on %(day)s.")
PAYOUT_TRACED = N_("The line contains the trace ID of the payout: %(trace)s.")
PAYOUT_UNNAMED = Reason(N_("The line does not name Stripe. Please check where it comes from."))
ANOTHER_PAYOUT_FITS = Reason(
    N_("Another payout or line fits just as well. Please choose which belong together.")
)


def say(message: str, **values: object) -> Reason:
    """Return a sentence with its values: money and days as they are, the others as text."""
    return Reason(message, {name: _in_words(value) for name, value in values.items()})


def _in_words(value: object) -> ReasonValue:
    return value if isinstance(value, Money | date) else str(value)
