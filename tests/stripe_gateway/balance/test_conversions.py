"""What Stripe converted is read in the currency of the gift, and never guessed."""

from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import update

from donate.storage.database import Database
from donate.stripe_gateway.balance.models import BalanceTransaction
from donate.stripe_gateway.balance.parser import read_balance_transaction
from donate.stripe_gateway.balance.recorder import record_transactions
from donate.stripe_gateway.events.fields import UnusableEvent
from tests.stripe_gateway.balance.payouts import ASKED, charge, transaction, transactions_now

IN_DOLLARS = charge("pi_1") | {"amount": 5_000, "currency": "usd"}


def original(amount: int, source: dict[str, Any] | str, **more: Any) -> tuple[int, str]:
    """Return what a transaction in Canadian dollars was before it was converted."""
    values = {"exchange_rate": 1.3624} | more
    row = read_balance_transaction(transaction(amount, 228, source=source, **values), ASKED)
    return row["original_minor"], row["original_currency"]


def dispute(*amounts: int) -> dict[str, Any]:
    moves = [
        {"id": f"txn_d{n}", "amount": amount, "created": 1_000 + n}
        for n, amount in enumerate(amounts)
    ]
    return IN_DOLLARS | {"id": "dp_1", "object": "dispute", "balance_transactions": moves}


def test_a_converted_payment_keeps_its_own_amount() -> None:
    """50 US dollars that became 68.12 Canadian ones are known in both, with the rate."""
    row = read_balance_transaction(
        transaction(6_812, 228, source=IN_DOLLARS, exchange_rate=1.3624), ASKED
    )
    assert (row["amount_minor"], row["currency"], row["exchange_rate"]) == (6_812, "CAD", "1.3624")
    assert (row["original_minor"], row["original_currency"]) == (5_000, "USD")


def test_the_sign_is_that_of_the_transaction() -> None:
    """A refund and a dispute take away what the donor gets back, in the donor's currency."""
    assert original(-2_730, IN_DOLLARS | {"object": "refund", "amount": 2_000}) == (-2_000, "USD")
    assert original(-6_900, dispute()) == (-5_000, "USD")


def test_a_payment_in_the_currency_of_the_account_is_not_converted() -> None:
    """Without another currency there is nothing to note, and payouts are no gifts."""
    assert original(5_000, IN_DOLLARS | {"currency": "cad"}) == (0, "")
    assert original(5_000, {"id": "po_1", "object": "payout", "currency": "usd"}) == (0, "")
    assert original(5_000, "ch_1") == (0, "")


def test_a_correction_of_the_rate_takes_nothing_more() -> None:
    """Of two withdrawals for one dispute, the second corrects the rate; a new round takes again."""
    assert original(-6_900, dispute(-6_900, -13), id="txn_d0") == (-5_000, "USD")
    assert original(-13, dispute(-6_900, -13), id="txn_d1") == (0, "USD")
    assert original(6_850, dispute(-6_900, -13, 6_850), id="txn_d2") == (5_000, "USD")
    assert original(-6_900, dispute(-6_900, 6_850, -6_900), id="txn_d2") == (-5_000, "USD")


@pytest.mark.parametrize(
    "wrong", [{"amount": None}, {"amount": "5000"}, {"amount": -5_000}, {"currency": "zzz"}]
)
def test_an_amount_that_is_missing_is_not_guessed(wrong: dict[str, Any]) -> None:
    """A converted payment without a usable amount or currency of its own is refused."""
    with pytest.raises(UnusableEvent):
        original(6_812, IN_DOLLARS | wrong)


def test_a_transaction_that_is_stored_without_its_original_gets_it(database: Database) -> None:
    """Rows of earlier versions get the original amount when catch-up reads them again."""
    one = transaction(6_812, 228, source=IN_DOLLARS, exchange_rate=1.3624)
    row = read_balance_transaction(one, ASKED)
    with database.writing() as session:
        record_transactions(session, [row | {"original_minor": 0, "original_currency": ""}])
    with database.writing() as session:
        assert record_transactions(session, [row]) == 0
    (stored,) = transactions_now(database)
    assert (stored.original_minor, stored.original_currency) == (5_000, "USD")
    assert stored.read_at == ASKED


@pytest.mark.parametrize(
    "wrong",
    [
        {"original_minor": -5_000},
        {"original_currency": "CAD"},
        {"original_currency": ""},
        {"original_currency": "DOLLAR"},
    ],
)
def test_the_database_refuses_a_contradiction(database: Database, wrong: dict[str, Any]) -> None:
    """The two amounts have one sign and two currencies, whatever the code does."""
    one = transaction(6_812, 228, source=IN_DOLLARS, exchange_rate=1.3624)
    with database.writing() as session:
        record_transactions(session, [read_balance_transaction(one, ASKED)])
    with pytest.raises(Exception) as refused, database.writing() as session:  # noqa: PT011
        session.execute(update(BalanceTransaction).values(**wrong))
    assert isinstance(refused.value, IntegrityError) or "too long" in str(refused.value)
