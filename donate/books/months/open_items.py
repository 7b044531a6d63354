"""The kinds of open items at the end of a month, and whether each of them prevents closing it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, Final

from donate.errors import N_, BadInput, BadInputs, check_field
from donate.gifts.choosing.free_text import check_free_text
from donate.money import Money


class Hurdle(StrEnum):
    """Whether a kind of open item prevents closing the month."""

    BLOCKS = "blocks"
    """The books contradict themselves. No reason can justify closing the month."""
    NEEDS_REASON = "needs_reason"
    """Staff have to resolve the item, or to write why the month is closed anyway."""
    STATED = "stated"
    """The item is normal at the end of a month. The pack mentions it."""


class OpenKind(StrEnum):
    """The kinds of open items, in the order in which pages list them."""

    CONTROL = "control"
    UNEXPLAINED = "unexplained"
    STATEMENT = "statement"
    STATEMENT_MISSING = "statement_missing"
    LINE_UNDECIDED = "line_undecided"
    LINE_SUGGESTED = "line_suggested"
    PAYOUT_NOT_TIED = "payout_not_tied"
    PAYOUT_NOT_RETURNED = "payout_not_returned"
    TOP_UP_NOT_TIED = "top_up_not_tied"
    PAYOUT_INCOMPLETE = "payout_incomplete"
    NOT_AT_STRIPE = "not_at_stripe"
    NOT_AT_BANK = "not_at_bank"
    SUSPENSE = "suspense"
    EVENT = "event"
    BATCH = "batch"
    REFUND_FAILED = "refund_failed"
    PAYOUT_IN_TRANSIT = "payout_in_transit"
    PAYOUT_FAILED = "payout_failed"
    DISPUTE = "dispute"
    TRANSFER_MAIL = "transfer_mail"
    UNDEPOSITED = "undeposited"
    UNIDENTIFIED = "unidentified"

    @property
    def hurdle(self) -> Hurdle:
        """Whether an item of this kind prevents closing the month."""
        return _HURDLES.get(self, Hurdle.NEEDS_REASON)

    @property
    def heading(self) -> str:
        """A short name, as a msgid."""
        return _WORDS[self][0]

    @property
    def sentence(self) -> str:
        """What is open and what to do about it, as a msgid."""
        return _WORDS[self][1]


@dataclass(frozen=True, slots=True)
class OpenItem:
    """All open items of one kind: their number, their sums by currency, and some of their names.

    `reason` says why staff close the month anyway. It is empty until somebody has written it.
    """

    kind: OpenKind
    count: int
    amounts: tuple[Money, ...] = ()
    names: tuple[str, ...] = ()
    reason: str = ""

    def stored(self) -> dict[str, Any]:
        """Return the item as values that can be stored as JSON."""
        return {
            "kind": self.kind.value,
            "count": self.count,
            "amounts": [[amount.amount_minor, amount.currency] for amount in self.amounts],
            "names": list(self.names),
            "reason": self.reason,
        }


def read_item(stored: Mapping[str, Any]) -> OpenItem:
    """Return an item that was stored as JSON. Raises ValueError or KeyError if it is damaged."""
    return OpenItem(
        OpenKind(stored["kind"]),
        int(stored["count"]),
        tuple(Money(amount, currency) for amount, currency in stored["amounts"]),
        tuple(stored["names"]),
        str(stored["reason"]),
    )


def with_reasons(items: Iterable[OpenItem], typed: Mapping[str, str]) -> list[OpenItem]:
    """Return the items with the reasons that staff typed. `typed` maps kinds of item to reasons.

    Raises BadInputs with the field `reason_KIND` for each reason that is missing or not valid.
    """
    problems: list[BadInput] = []
    found = []
    for item in items:
        if item.kind.hurdle is not Hurdle.NEEDS_REASON:
            found.append(item)
            continue
        typed_reason = " ".join(typed.get(item.kind.value, "").split())
        field = f"reason_{item.kind.value}"
        if not typed_reason:
            problems.append(BadInput(field, NO_REASON))
        reason = check_field(problems, partial(check_free_text, field, typed_reason)) or ""
        found.append(OpenItem(item.kind, item.count, item.amounts, item.names, reason))
    if problems:
        raise BadInputs(problems)
    return found


def blocking(items: Sequence[OpenItem]) -> list[OpenItem]:
    """Return the items that prevent closing the month, whatever the reason."""
    return [item for item in items if item.kind.hurdle is Hurdle.BLOCKS]


NO_REASON: Final = N_("Deal with it, or write why the month is closed in spite of it.")

_HURDLES: Final = {
    OpenKind.CONTROL: Hurdle.BLOCKS,
    OpenKind.PAYOUT_IN_TRANSIT: Hurdle.STATED,
    OpenKind.PAYOUT_FAILED: Hurdle.STATED,
    OpenKind.DISPUTE: Hurdle.STATED,
    OpenKind.TRANSFER_MAIL: Hurdle.STATED,
    OpenKind.UNDEPOSITED: Hurdle.STATED,
    OpenKind.UNIDENTIFIED: Hurdle.STATED,
}

_WORDS: Final = {
    OpenKind.CONTROL: (
        N_("Control totals that disagree"),
        N_(
            "Two files of the pack would say different things. Run `donate audit`; the month can "
            "be closed once they agree."
        ),
    ),
    OpenKind.UNEXPLAINED: (
        N_("Differences that nothing explains"),
        N_(
            "What Stripe or the bank states does not follow from the single amounts. Compare the "
            "daily sheet of the last day with their pages."
        ),
    ),
    OpenKind.STATEMENT: (
        N_("Statements that end before the month does"),
        N_(
            "No imported file of this bank account reaches the last day. Import the next "
            "statement, or write that the bank shows no later lines."
        ),
    ),
    OpenKind.STATEMENT_MISSING: (
        N_("Days that no statement covers"),
        N_(
            "No imported file of this account covers these days, but files before and after them "
            "do. Import the missing statement, or confirm under “Bank” that there were no "
            "transactions."
        ),
    ),
    OpenKind.LINE_UNDECIDED: (
        N_("Bank lines that nobody has explained"),
        N_("Say what each of them is. Otherwise they are booked as unidentified money."),
    ),
    OpenKind.LINE_SUGGESTED: (
        N_("Bank lines with a suggestion that nobody has accepted"),
        N_("Accept the suggestion, or say what the line is."),
    ),
    OpenKind.PAYOUT_NOT_TIED: (
        N_("Payouts that should be on a statement, and are not tied to a line"),
        N_("Stripe says that they arrived. Tie each to its bank line."),
    ),
    OpenKind.PAYOUT_NOT_RETURNED: (
        N_("Failed payouts that arrived, and that the bank has not taken back"),
        N_(
            "Stripe has the money again. Tie the bank line on which it left, or write that the "
            "statement does not show it yet."
        ),
    ),
    OpenKind.TOP_UP_NOT_TIED: (
        N_("Top-ups of Stripe’s balance that are not tied to a bank line"),
        N_("Tie each to the bank line on which the money left, or on which it came back."),
    ),
    OpenKind.PAYOUT_INCOMPLETE: (
        N_("Payouts whose list Stripe has not finished"),
        N_("Wait until the list is read, or run `donate catchup`."),
    ),
    OpenKind.NOT_AT_STRIPE: (
        N_("Gifts and Stripe’s balance that do not match"),
        N_(
            "One side lacks a payment, a refund or a dispute, or has another amount. Run "
            "`donate catchup`, and look at the daily sheet of the last day."
        ),
    ),
    OpenKind.NOT_AT_BANK: (
        N_("Transfers and bank lines that do not match"),
        N_(
            "Marked as received without a bank line, or with another amount. Import the next "
            "statement, and match its lines."
        ),
    ),
    OpenKind.SUSPENSE: (
        N_("Amounts of Stripe that no rule knows"),
        N_("They are booked as suspense. Ask your accountant where they belong."),
    ),
    OpenKind.EVENT: (
        N_("Stripe events that need review"),
        N_("They may be gifts or refunds of this month. Decide about each."),
    ),
    OpenKind.BATCH: (
        N_("Batches of cheques and cash that are not closed"),
        N_("Their money counts as received only once the batch is closed."),
    ),
    OpenKind.REFUND_FAILED: (
        N_("Refunds that failed"),
        N_("The donors still wait for their money. Refund them another way, and mark it."),
    ),
    OpenKind.PAYOUT_IN_TRANSIT: (
        N_("Payouts on their way to the bank"),
        N_("Normal at the end of a month: they arrive in the next one."),
    ),
    OpenKind.PAYOUT_FAILED: (
        N_("Payouts that failed"),
        N_("Their money is back in Stripe’s balance. Check the bank account at Stripe."),
    ),
    OpenKind.DISPUTE: (
        N_("Disputes that the banks have not decided"),
        N_("The money is booked as disputed; it comes back if the dispute is won."),
    ),
    OpenKind.TRANSFER_MAIL: (
        N_("Interac’s e-mails that belong to no bank line yet"),
        N_("The transfers are deposited. If every line is explained, nothing is missing."),
    ),
    OpenKind.UNDEPOSITED: (
        N_("Cheques and cash that are not at the bank yet"),
        N_("Normal if they are deposited in the next month. Tie the deposit to them then."),
    ),
    OpenKind.UNIDENTIFIED: (
        N_("Balance of unidentified money"),
        N_("Money at the bank that is booked, but not as a gift. Each line can still be tied."),
    ),
}
