"""What is stored of payouts and balance transactions, however often and in which order."""

from datetime import timedelta

from donate.storage.database import Database
from donate.stripe_gateway.balance.parser import read_balance_transaction
from donate.stripe_gateway.balance.recorder import record_transactions, tie_transactions
from tests.stripe_gateway.balance.payouts import (
    ASKED,
    charge,
    of_payout,
    payout,
    payout_now,
    record,
    transaction,
    transactions_now,
)
from tests.stripe_gateway.gifts_and_events import event, give, session_for, settle


def test_the_same_again_changes_nothing(database: Database) -> None:
    """A payout and its transactions that are stored twice are there once."""
    paid, gift = payout(), transaction()
    for _ in range(2):
        record(database, paid, [gift, of_payout(paid)])
    assert payout_now(database, paid["id"]).is_complete
    assert [one.net_minor for one in transactions_now(database)] == [4_825, -4_825]


def test_the_newest_statement_wins(database: Database) -> None:
    """An answer that Stripe gave earlier does not replace a later one, whichever is stored last."""
    paid = payout()
    failed = paid | {"status": "failed", "failure_code": "account_closed"}
    record(database, failed, asked_at=ASKED)
    record(database, paid, asked_at=ASKED - timedelta(seconds=1), is_complete=False)
    stored = payout_now(database, paid["id"])
    assert (stored.status, stored.failure_code) == ("failed", "account_closed")
    assert stored.is_complete


def test_a_transaction_learns_its_payout(database: Database) -> None:
    """A transaction from the account's list belongs to a payout once Stripe lists it there."""
    gift, paid = transaction(), payout()
    with database.writing() as session:
        record_transactions(session, [read_balance_transaction(gift, ASKED)])
    assert [one.payout_row for one in transactions_now(database)] == [None]
    stored = record(database, paid, [gift])
    with database.writing() as session:
        record_transactions(session, [read_balance_transaction(gift, ASKED)])
    assert [one.payout_row for one in transactions_now(database)] == [stored.id]


def test_a_transaction_is_tied_to_the_gift_of_its_payment(database: Database) -> None:
    """A charge, a refund and every transaction of a dispute belong to the gift of the payment."""
    gift = give(database)
    paid = session_for(gift)
    settle(database, event("checkout.session.completed", paid))
    intent = paid["payment_intent"]
    refund = {"id": "re_1", "object": "refund", "payment_intent": intent}
    dispute = {"id": "du_1", "object": "dispute", "payment_intent": intent}
    record(
        database,
        payout(),
        [
            transaction(source=charge(intent)),
            transaction(-1_000, 0, kind="refund", source=refund),
            transaction(-4_000, 1_500, kind="adjustment", category="dispute", source=dispute),
            transaction(0, 200, kind="adjustment", category="dispute", source=dispute),
            transaction(source=charge("pi_of_somebody_else")),
        ],
    )
    assert [one.gift_id for one in transactions_now(database)] == [gift.id] * 4 + [None]


def test_a_gift_that_becomes_known_later_is_tied(database: Database) -> None:
    """A transaction that is stored before its payment is known here is tied afterwards."""
    gift = give(database)
    paid = session_for(gift)
    record(database, payout(), [transaction(source=charge(paid["payment_intent"]))])
    with database.writing() as session:
        assert tie_transactions(session, ASKED - timedelta(days=60)) == 0
    settle(database, event("checkout.session.completed", paid))
    with database.writing() as session:
        assert tie_transactions(session, ASKED) == 0, "older than the search goes back"
        assert tie_transactions(session, ASKED - timedelta(days=60)) == 1
    assert [one.gift_id for one in transactions_now(database)] == [gift.id]


def test_an_unknown_type_is_stored(database: Database) -> None:
    """A type that this service does not know is stored like any other."""
    record(database, payout(), [transaction(-700, 0, kind="brand_new", category="brand_new")])
    (stored,) = transactions_now(database)
    assert (stored.type, stored.net_minor) == ("brand_new", -700)
