"""Says in one sentence why the matcher suggests nothing for a bank line."""

import re
import unicodedata
from collections.abc import Collection
from typing import Final

from donate.bank.matching.inputs import BankLine, LineClass
from donate.bank.matching.line_texts import payer_words, read_line
from donate.bank.matching.suggestions import Reason
from donate.errors import N_
from donate.references import find_references

NO_PAYOUT: Final = Reason(
    N_("The line names Stripe, but no payout or top-up of this amount is expected in these days.")
)
MONEY_OUT: Final = Reason(
    N_(
        "Money that left the account can’t be a gift. Please note what it was, or find the gift "
        "whose transfer it sent back."
    )
)
FROM_OWN_ACCOUNT: Final = Reason(
    N_("This seems to be money from another account of the charity, and no gift.")
)
CAME_BACK: Final = Reason(
    N_("This seems to be a transfer that the charity sent and that came back, and no gift.")
)
NO_SUCH_GIFT: Final = N_(
    "The line contains the reference %(reference)s, but no recent gift by transfer in %(currency)s "
    "has it."
)
BROKEN_REFERENCE: Final = N_(
    "The line names the code %(code)s, but its reference is incomplete or mistyped. Please search "
    "for the donor."
)
STRANGER: Final = N_(
    "No gift of these weeks is from a donor called %(payer)s, and the amount alone shows nobody."
)
NAMELESS: Final = Reason(
    N_("The bank shows no name, and no gift of these weeks stands out by its amount.")
)


def why_nothing_fits(line: BankLine, codes: Collection[str]) -> Reason:
    """Return the reason why a line has no suggestion. `codes` are the giving codes of all regions.

    Call it only for a line for which the matcher found nothing.
    """
    clues = read_line(line, codes)
    if clues.names_stripe:
        return NO_PAYOUT
    if line.amount.amount_minor < 0:
        return MONEY_OUT
    if clues.line_class is LineClass.OWN_TRANSFER:
        return FROM_OWN_ACCOUNT
    if not clues.may_be_gift:
        return CAME_BACK
    text = f"{line.text} {line.bank_reference}"
    if references := find_references(text, codes):
        values = {"reference": references[0], "currency": line.amount.currency}
        return Reason(NO_SUCH_GIFT, values)
    written = unicodedata.normalize("NFKC", text).upper()
    for code in codes:
        if re.search(rf"(?<![A-Z0-9]){re.escape(code)}", written):
            return Reason(BROKEN_REFERENCE, {"code": code})
    payer = [word for word in payer_words(line.text) if word in clues.words]
    return Reason(STRANGER, {"payer": " ".join(payer).upper()}) if payer else NAMELESS
