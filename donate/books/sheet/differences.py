"""The names for differences between two columns of the daily sheet."""

from dataclasses import dataclass
from enum import StrEnum

from donate.books.journal.roles import AccountRole as Role
from donate.errors import N_


class DifferenceKind(StrEnum):
    """Why confirmed money is not the chosen amount, or is not at Stripe, in transit or at the bank.

    The kinds up to `unknown_gift` are differences between chosen and confirmed money: together
    they are confirmed less chosen. The other kinds together are confirmed less what is at Stripe,
    in transit and at the bank.
    """

    AWAITED = "awaited"
    PROCESSING = "processing"
    FAILED = "failed"
    LAPSED = "lapsed"
    AMOUNT_DIFFERS = "amount_differs"
    REFUNDED = "refunded"
    HELD_IN_DISPUTE = "held_in_dispute"
    LOST_IN_DISPUTE = "lost_in_dispute"
    ENTERED_LATER = "entered_later"
    UNKNOWN_GIFT = "unknown_gift"
    WAITING_FOR_STRIPE = "waiting_for_stripe"
    STRIPE_WITHOUT_GIFT = "stripe_without_gift"
    STRIPE_DIFFERS = "stripe_differs"
    WAITING_FOR_TRANSFER = "waiting_for_transfer"
    TRANSFER_WITHOUT_GIFT = "transfer_without_gift"
    TRANSFER_DIFFERS = "transfer_differs"
    NOT_DEPOSITED = "not_deposited"
    CONVERTED = "converted"
    HELD_BY_STRIPE = "held_by_stripe"
    STRIPE_FEE = "stripe_fee"
    TAX_ON_FEE = "tax_on_fee"
    BANK_FEE = "bank_fee"
    UNMATCHED = "unmatched"
    UNKNOWN_TYPE = "unknown_type"
    BETWEEN_ACCOUNTS = "between_accounts"
    NO_GIFT = "no_gift"

    @property
    def sentence(self) -> str:
        """A sentence that says what the difference is and what to do about it, as a msgid."""
        return _SENTENCES[self]


class LinkedThing(StrEnum):
    """What a link on the daily sheet leads to."""

    GIFT = "gift"
    STRIPE_TRANSACTION = "stripe_transaction"
    BANK_LINE = "bank_line"


@dataclass(frozen=True, slots=True, order=True)
class LinkedAmount:
    """A part of a difference: what it links to, that object's id, and the amount."""

    thing: LinkedThing
    id: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference with a name. `parts` are its single amounts, as far as they are listed.

    `settled_minor` is the sum of the amounts that are not listed, in minor units. `name` is
    Stripe's name for a type of transaction that has no rule; it is empty for other differences.
    """

    kind: DifferenceKind
    parts: tuple[LinkedAmount, ...]
    name: str = ""
    settled_minor: int = 0

    @property
    def amount_minor(self) -> int:
        """The whole amount of the difference, in minor units."""
        return sum(part.amount_minor for part in self.parts) + self.settled_minor


OF_ROLE = {
    Role.UNDEPOSITED: DifferenceKind.NOT_DEPOSITED,
    Role.CURRENCY_EXCHANGE: DifferenceKind.CONVERTED,
    Role.STRIPE_HELD: DifferenceKind.HELD_BY_STRIPE,
    Role.STRIPE_FEES: DifferenceKind.STRIPE_FEE,
    Role.FEE_TAX: DifferenceKind.TAX_ON_FEE,
    Role.BANK_FEES: DifferenceKind.BANK_FEE,
    Role.UNIDENTIFIED: DifferenceKind.UNMATCHED,
    Role.SUSPENSE: DifferenceKind.UNKNOWN_TYPE,
    Role.OWN_TRANSFERS: DifferenceKind.BETWEEN_ACCOUNTS,
    Role.INTEREST: DifferenceKind.NO_GIFT,
    Role.OTHER_RECEIPTS: DifferenceKind.NO_GIFT,
    Role.OTHER_PAYMENTS: DifferenceKind.NO_GIFT,
    Role.STRIPE_LOAN: DifferenceKind.NO_GIFT,
    Role.CLIMATE: DifferenceKind.NO_GIFT,
}
"""Maps each account that is not at Stripe, in transit or at the bank to its kind of difference."""

_SENTENCES = {
    DifferenceKind.AWAITED: N_("Chosen, but no money has arrived yet."),
    DifferenceKind.PROCESSING: N_("The donors’ banks are still processing these payments."),
    DifferenceKind.FAILED: N_("These payments failed."),
    DifferenceKind.LAPSED: N_("The time to pay has run out."),
    DifferenceKind.AMOUNT_DIFFERS: N_(
        "More or less arrived than the donor chose. Check these gifts."
    ),
    DifferenceKind.REFUNDED: N_("Refunded to donors."),
    DifferenceKind.HELD_IN_DISPUTE: N_("Held by the donors’ banks until the disputes end."),
    DifferenceKind.LOST_IN_DISPUTE: N_("Lost in disputes."),
    DifferenceKind.ENTERED_LATER: N_("Arrived before the gift was entered."),
    DifferenceKind.UNKNOWN_GIFT: N_(
        "Money of gifts that are not on the list of gifts. Run `donate audit`."
    ),
    DifferenceKind.WAITING_FOR_STRIPE: N_(
        "Recorded, but not in Stripe’s balance yet. If this lasts for days, run `donate catchup`."
    ),
    DifferenceKind.STRIPE_WITHOUT_GIFT: N_(
        "In Stripe’s balance, but not recorded for a gift. Look at “Needs review”."
    ),
    DifferenceKind.STRIPE_DIFFERS: N_(
        "Stripe’s balance has another amount than the gift. Check these gifts in Stripe."
    ),
    DifferenceKind.WAITING_FOR_TRANSFER: N_(
        "Marked as received, but not on a bank statement yet. Import the next statement."
    ),
    DifferenceKind.TRANSFER_WITHOUT_GIFT: N_(
        "Tied to a gift whose transfer was undone. Match these bank lines again."
    ),
    DifferenceKind.TRANSFER_DIFFERS: N_(
        "The bank line has another amount than the gift. Match these bank lines again."
    ),
    DifferenceKind.NOT_DEPOSITED: N_("Cheques and cash that are not at the bank yet."),
    DifferenceKind.CONVERTED: N_("Converted by Stripe, from or into another currency."),
    DifferenceKind.HELD_BY_STRIPE: N_("Held by Stripe as a reserve."),
    DifferenceKind.STRIPE_FEE: N_("Stripe fees."),
    DifferenceKind.TAX_ON_FEE: N_("Tax on Stripe fees."),
    DifferenceKind.BANK_FEE: N_("Bank fees."),
    DifferenceKind.UNMATCHED: N_("Nobody has matched this money to a gift yet. Match it."),
    DifferenceKind.UNKNOWN_TYPE: N_(
        "Stripe calls this “%(name)s”. Ask your accountant where it belongs."
    ),
    DifferenceKind.BETWEEN_ACCOUNTS: N_("On its way between two of your bank accounts."),
    DifferenceKind.NO_GIFT: N_("Other money in or out that is no gift."),
}
