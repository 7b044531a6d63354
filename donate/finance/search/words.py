"""The texts on the search page: the names of the parts that can match, and examples."""

from enum import Enum
from typing import Final

from donate.errors import N_


class Matched(Enum):
    """The parts of a gift that a search can match, in the order in which the page shows them."""

    REFERENCE = "reference"
    STRIPE = "stripe"
    BANK = "bank"
    CARD = "card"
    AMOUNT = "amount"
    NAME = "name"
    EMAIL = "email"
    TRIBUTE = "tribute"
    NOTE = "note"


LABELS: Final = {
    Matched.REFERENCE: N_("Reference"),
    Matched.STRIPE: N_("Stripe ID"),
    Matched.BANK: N_("Bank reference"),
    Matched.CARD: N_("Card or bank account"),
    Matched.AMOUNT: N_("Amount"),
    Matched.NAME: N_("Donor’s name"),
    Matched.EMAIL: N_("E-mail"),
    Matched.TRIBUTE: N_("In honour or memory of"),
    Matched.NOTE: N_("Note"),
}
EXAMPLES: Final = (
    (
        N_("Donor"),
        N_("beginnings of words of the name, in any order: “tremblay zo” finds Zoë Tremblay"),
    ),
    (N_("E-mail"), N_("the whole address, its beginning, or its domain")),
    (
        N_("Reference"),
        N_(
            "the whole reference, at least 3 characters after its code, or a line from a bank "
            "statement that contains it"
        ),
    ),
    (N_("Amount"), N_("the exact amount of a gift, payment or refund: 50, $50.00 or 1 234,56")),
    (N_("Stripe ID"), N_("the whole ID or its beginning: pi_, cs_, re_, du_, in_, sub_, evt_")),
    (N_("Bank reference"), N_("the reference of a transfer, or its beginning")),
    (
        N_("Card or bank account"),
        N_("its last four digits, such as 4242; known only of monthly gifts"),
    ),
    (N_("Notes"), N_("words from a note, or the name of the person honoured or remembered")),
)
