"""What single events are in the books, account by account."""

import re
from datetime import date
from pathlib import Path

import pytest
import stripe
from stripe.params.reporting import _report_run_create_params

from donate.bank.shapes.statement import Sentence
from donate.books.journal.balance_rules import RULES, balance_rule
from donate.books.journal.bookings import BankBooking, BankPartKind, BookedMovement, Booking
from donate.books.journal.entry import JournalEntry, JournalLine, balances_of
from donate.books.journal.journal import journal_of
from donate.books.journal.roles import AccountKey, AccountRole as Role
from donate.gifts.movements.rules import MovementKind
from donate.regions.modes import Mode
from tests.books.booking_samples import FIRST, at_bank, movement, of_stripe

WORDS = Sentence("words")
DAY_2, DAY_3 = date(2026, 10, 2), date(2026, 10, 3)


def balances(*bookings: Booking) -> dict[Role, int]:
    """Return the balance of each role that has one, after bookings in one currency."""
    booked: dict[Role, int] = {}
    for account, amount in balances_of(journal_of(bookings)).items():
        booked[account.role] = booked.get(account.role, 0) + amount
    return {role: amount for role, amount in booked.items() if amount}


def line(amount_minor: int, currency: str = "CAD", role: Role = Role.BANK) -> JournalLine:
    return JournalLine(AccountKey(role, currency), amount_minor, WORDS)


def test_the_kinds_of_movements_are_those_that_are_recorded() -> None:
    """The journal books exactly the kinds of movements that are recorded."""
    assert {str(kind) for kind in BookedMovement} == {str(kind) for kind in MovementKind}


def test_every_type_of_stripe_has_a_rule() -> None:
    """The rules name every type of transaction in Stripe's SDK, each once."""
    folder = Path(stripe.__file__).parent
    source = (folder / "_balance_transaction.py").read_text(encoding="utf-8")
    sdk = re.search(r"    type: Union\[\s*Literal\[(.*?)\]", source, re.DOTALL)
    assert sdk
    types = [name for rule in RULES for name in rule.types]
    assert sorted(types) == sorted(re.findall(r'"(\w+)"', sdk[1]))


def test_every_category_of_stripe_has_a_rule() -> None:
    """The rules name every category that Stripe's reports know, each once."""
    source = Path(_report_run_create_params.__file__).read_text(encoding="utf-8")
    sdk = re.search(r"reporting_category: NotRequired\[\s*\"Literal\[(.*?)\]", source, re.DOTALL)
    assert sdk
    categories = [name for rule in RULES for name in rule.categories]
    assert sorted(categories) == sorted(re.findall(r"'(\w+)'", sdk[1]))


@pytest.mark.parametrize(
    ("type_", "category", "role"),
    [
        ("charge", "charge", Role.STRIPE_RECEIVABLE),
        ("payment", "charge", Role.STRIPE_RECEIVABLE),
        ("payment_failure_refund", "charge_failure", Role.STRIPE_RECEIVABLE),
        ("payment_reversal", "payment reversal", Role.STRIPE_RECEIVABLE),
        ("refund", "partial_capture_reversal", Role.STRIPE_RECEIVABLE),
        ("adjustment", "refund_failure", Role.STRIPE_RECEIVABLE),
        ("adjustment", "dispute", Role.STRIPE_RECEIVABLE),
        ("adjustment", "dispute_reversal", Role.STRIPE_RECEIVABLE),
        ("adjustment", "fee", Role.STRIPE_FEES),
        ("adjustment", "other_adjustment", Role.SUSPENSE),
        ("stripe_fx_fee", "fee", Role.STRIPE_FEES),
        ("tax_fee", "tax", Role.FEE_TAX),
        ("payout_minimum_balance_hold", "", Role.STRIPE_HELD),
        ("contribution", "contribution", Role.CLIMATE),
        ("payment_unreconciled", "unreconciled_customer_funds", Role.UNIDENTIFIED),
        ("transfer", "transfer", Role.SUSPENSE),
        ("a_new_type", "fee", Role.STRIPE_FEES),
        ("charge", "a_new_category", Role.STRIPE_RECEIVABLE),
        ("a_new_type", "a_new_category", Role.SUSPENSE),
    ],
)
def test_the_category_decides(type_: str, category: str, role: Role) -> None:
    """The category decides about the account; the type does if the category is missing or new."""
    assert balance_rule(type_, category).role is role


def test_a_card_gift_is_booked_gross() -> None:
    """The donation is the whole amount, the fee and its tax are expenses, and nothing is left."""
    charge = of_stripe("charge", 5_000, fee_minor=175, fee_tax_minor=20)
    payout = of_stripe("payout", -4_825, source_id="po_1", day=DAY_2)
    arrived = at_bank("stripe", 4_825, day=DAY_3)
    assert balances(movement(), charge) == {
        Role.DONATIONS: -5_000,
        Role.STRIPE_CLEARING: 4_825,
        Role.STRIPE_FEES: 155,
        Role.FEE_TAX: 20,
    }
    assert balances(movement(), charge, payout, arrived) == {
        Role.DONATIONS: -5_000,
        Role.BANK: 4_825,
        Role.STRIPE_FEES: 155,
        Role.FEE_TAX: 20,
    }


def test_a_payout_is_no_income() -> None:
    """A payout moves money from Stripe to the bank, and is in transit in between."""
    payout = of_stripe("payout", -4_825, source_id="po_1")
    (entry,) = journal_of([payout])
    assert entry.number == "PAY-2026-10-01-CAD-po_1"
    assert balances(payout) == {Role.PAYOUTS_IN_TRANSIT: 4_825, Role.STRIPE_CLEARING: -4_825}
    assert balances(payout, at_bank("stripe", 4_825)) == {
        Role.BANK: 4_825,
        Role.STRIPE_CLEARING: -4_825,
    }


def test_a_payout_that_failed_is_reversed() -> None:
    """A payout that came back is neither in transit nor at the bank."""
    payout = of_stripe("payout", -900, source_id="po_1")
    failure = of_stripe("payout_failure", 900, source_id="po_1", day=DAY_3)
    assert [entry.number for entry in journal_of([payout, failure])] == [
        "PAY-2026-10-01-CAD-po_1",
        "PAY-2026-10-03-CAD-po_1",
    ]
    assert balances(payout, failure) == {}


def test_stripe_debits_the_bank() -> None:
    """A payout of a negative balance comes from the bank account."""
    debit = of_stripe("payout", 700, source_id="po_2")
    assert balances(debit, at_bank("stripe", -700)) == {
        Role.STRIPE_CLEARING: 700,
        Role.BANK: -700,
    }


def test_a_refund_keeps_the_fee_lost() -> None:
    """A refund gives the whole gift back; the fee of the payment stays an expense."""
    charge = of_stripe("charge", 5_000, fee_minor=175)
    refund = of_stripe("refund", -5_000)
    assert balances(movement(), charge, movement("refund", -5_000), refund) == {
        Role.DONATIONS: -5_000,
        Role.REFUNDS: 5_000,
        Role.STRIPE_CLEARING: -175,
        Role.STRIPE_FEES: 175,
    }


def test_a_dispute_costs_its_fee_even_if_it_is_won() -> None:
    """A dispute in several transactions is their sum; its fee stays if the dispute is won."""
    taken: list[Booking] = [
        movement("dispute", -5_000),
        of_stripe("adjustment", -4_000, category="dispute", fee_minor=1_500),
        of_stripe("adjustment", -1_000, category="dispute"),
    ]
    won: list[Booking] = [
        movement("dispute_returned", 5_000, day=DAY_3),
        of_stripe("adjustment", 5_000, category="dispute_reversal", day=DAY_3),
    ]
    assert balances(*taken) == {
        Role.DISPUTES: 5_000,
        Role.STRIPE_CLEARING: -6_500,
        Role.STRIPE_FEES: 1_500,
    }
    assert balances(*taken, *won) == {Role.STRIPE_CLEARING: -1_500, Role.STRIPE_FEES: 1_500}


@pytest.mark.parametrize("reports_twice", [False, True])
def test_a_reserve_is_held_and_not_missing(reports_twice: bool) -> None:
    """A reserve is held by Stripe, whether Stripe reports one side of it or both."""
    hold = of_stripe("reserve_hold", -300)
    other = of_stripe("reserve_hold", 300, balance_type="risk_reserved")
    (entry,) = journal_of([hold, *[other] * reports_twice])
    assert [(line.account.role, line.amount_minor) for line in entry.lines] == [
        (Role.STRIPE_CLEARING, -300),
        (Role.STRIPE_HELD, 300),
    ]


def test_an_unknown_type_is_named() -> None:
    """A transaction of an unknown type goes to suspense, and its line names the type."""
    entries = journal_of([of_stripe("moon_fee", -250, category="lunar")])
    assert balances_of(entries)[AccountKey(Role.SUSPENSE, "CAD")] == 250
    assert entries[0].lines[0].memo.values["name"] == "moon_fee (lunar)"


@pytest.mark.parametrize(
    ("mode", "receivable", "part"),
    [
        (Mode.INTERAC, Role.TRANSFERS_RECEIVABLE, "transfer"),
        (Mode.GIVING_CODE, Role.TRANSFERS_RECEIVABLE, "transfer"),
        (Mode.CHEQUE, Role.UNDEPOSITED, "deposit"),
        (Mode.CASH, Role.UNDEPOSITED, "deposit"),
    ],
)
def test_a_gift_waits_until_the_bank_shows_it(mode: Mode, receivable: Role, part: str) -> None:
    """A transfer, cheque or cash is receivable until the bank account has it."""
    gift = movement("transfer", 8_000, mode=mode)
    assert balances(gift) == {Role.DONATIONS: -8_000, receivable: 8_000}
    assert balances(gift, at_bank(part, 8_000)) == {Role.DONATIONS: -8_000, Role.BANK: 8_000}


def test_a_returned_cheque_undoes_its_gift() -> None:
    """A cheque that the bank returned leaves neither a donation nor money."""
    cheque = movement("transfer", 8_000, mode=Mode.CHEQUE)
    undone = movement("transfer_undone", -8_000, mode=Mode.CHEQUE, day=DAY_3)
    lines = (at_bank("deposit", 8_000), at_bank("returned_item", -8_000, day=DAY_3))
    assert balances(cheque, undone, *lines) == {}


@pytest.mark.parametrize(
    ("kind", "role"),
    [
        ("fee", Role.BANK_FEES),
        ("interest", Role.INTEREST),
        ("other_receipt", Role.OTHER_RECEIPTS),
        ("other_payment", Role.OTHER_PAYMENTS),
        ("own_transfer", Role.OWN_TRANSFERS),
        ("unidentified", Role.UNIDENTIFIED),
    ],
)
def test_a_bank_line_that_is_no_gift(kind: str, role: Role) -> None:
    """A part of a bank line that is no gift is on the account of its kind, and no donation."""
    assert balances(at_bank(kind, -1_200)) == {Role.BANK: -1_200, role: 1_200}


def test_money_is_unidentified_until_it_is_explained() -> None:
    """Money that was explained later is unidentified on its day, and moved on the later one."""
    part = BankBooking("7", FIRST, "main", "CAD", BankPartKind.TRANSFER, 2_500, DAY_3)
    received, explained = journal_of([part])
    assert (received.number, received.day) == ("BNK-2026-10-01-CAD-MAIN", FIRST)
    assert (explained.number, explained.day) == ("IDN-2026-10-03-CAD-MAIN", DAY_3)
    assert balances_of([received])[AccountKey(Role.UNIDENTIFIED, "CAD")] == -2_500
    assert balances(part) == {Role.BANK: 2_500, Role.TRANSFERS_RECEIVABLE: -2_500}


def test_a_fund_has_entries_of_its_own() -> None:
    """The gifts of a day for a fund are one entry, whose donations are those of the fund."""
    gifts = [movement(fund="building"), movement(amount_minor=100), movement(fund="building")]
    general, building = journal_of(gifts)
    assert (general.number, building.number) == (
        "DON-2026-10-01-CAD",
        "DON-2026-10-01-CAD-BUILDING",
    )
    assert [(one.amount_minor, one.fund, one.times) for one in building.lines] == [
        (10_000, "", 2),
        (-10_000, "building", 2),
    ]
    assert building.lines[1].account == AccountKey(Role.DONATIONS, "CAD", "building")


def test_nothing_is_booked_twice() -> None:
    """A transaction of Stripe, or a part of a bank line, that is there twice is refused."""
    for twice in (of_stripe("charge", 100), at_bank("fee", -100)):
        with pytest.raises(ValueError, match="is there twice"):
            journal_of([twice, twice])


@pytest.mark.parametrize(
    "lines",
    [
        (line(100), line(-99)),
        (line(100), line(-100, "USD")),
        (line(100, "USD"), line(-100, "USD"), line(5), line(-5)),
        (line(100),),
        (),
    ],
)
def test_an_entry_that_does_not_balance_is_refused(lines: tuple[JournalLine, ...]) -> None:
    """An entry that does not balance, is empty, or has two currencies cannot be made."""
    with pytest.raises(ValueError, match=r"balance|one currency"):
        JournalEntry("DON-1", FIRST, WORDS, lines)


def test_an_entry_needs_a_number() -> None:
    """An entry without a number cannot be made."""
    with pytest.raises(ValueError, match="number"):
        JournalEntry("", FIRST, WORDS, (line(1), line(-1)))


def test_a_line_has_an_amount_in_whole_minor_units() -> None:
    """A line of zero, of a fraction, or in an unknown currency cannot be made."""
    with pytest.raises(ValueError, match="zero"):
        line(0)
    with pytest.raises(TypeError, match="int"):
        line(1.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="currency"):
        line(1, "DOLLARS")


def test_a_bank_account_has_a_short_key() -> None:
    """The key of a bank account consists of small letters, digits, dashes and underscores."""
    with pytest.raises(ValueError, match="no key"):
        at_bank("fee", -1, bank="Main account")
