"""Payouts are read from Stripe: each with all its transactions, or not at all."""

import threading
from datetime import timedelta

import pytest
from sqlmodel import select

from donate.errors import StripeRefused
from donate.stripe_gateway.balance.models import PayoutToRead
from donate.stripe_gateway.balance.recorder import make_payouts_due
from tests.stripe_gateway.balance.conftest import DELAY_DAYS, PayingOut
from tests.stripe_gateway.balance.payouts import payout_now, to_read, transactions_now


def of_payout(paying: PayingOut, payout_id: str) -> list[tuple[str, int]]:
    """Return type and net of each stored transaction of a payout."""
    row = payout_now(paying.database, payout_id).id
    rows = transactions_now(paying.database)
    return sorted((one.type, one.net_minor) for one in rows if one.payout_row == row)


def test_a_payout_is_read_with_its_transactions(paying: PayingOut) -> None:
    """A payout that an event names is stored with the fees that Stripe states, tied to gifts."""
    gift, _ = paying.give()
    paying.wait(4)
    paying.hear()
    assert paying.reader().read_due() == 1
    (listed,) = paying.payouts()
    stored = payout_now(paying.database, listed["id"])
    assert (stored.amount_minor, stored.status) == (listed["amount"], "paid")
    assert stored.is_complete
    own, charge = sorted(transactions_now(paying.database), key=lambda one: one.net_minor)
    assert (charge.amount_minor, charge.net_minor) == (5_000, listed["amount"])
    assert charge.fee_minor == 5_000 - listed["amount"] > 0
    assert (charge.gift_id, own.net_minor) == (gift.id, -listed["amount"])
    assert paying.reader().read_due() == 0, "nothing is due any more"


def test_a_payout_that_is_not_reconciled_waits(paying: PayingOut) -> None:
    """Before Stripe has completed its list, only the payout is stored; the event completes it."""
    paying.give()
    paying.wait(DELAY_DAYS)
    paying.hear("payout.created")
    reader = paying.reader()
    reader.read_due()
    (listed,) = paying.payouts()
    assert not payout_now(paying.database, listed["id"]).is_complete
    assert transactions_now(paying.database) == []
    paying.wait(1)
    paying.hear("payout.reconciliation_completed")
    reader.read_due()
    assert payout_now(paying.database, listed["id"]).is_complete


def test_events_in_any_order_end_in_the_same_state(paying: PayingOut) -> None:
    """Events that arrive twice, late and in reverse leave what Stripe says when it is asked."""
    paying.give()
    paying.wait(10)
    (listed,) = paying.payouts()
    reader = paying.reader()
    for kinds in (["payout.paid"], ["payout.created"], ["payout.updated"], [], []):
        paying.hear(*kinds)
        reader.read_due()
    stored = payout_now(paying.database, listed["id"])
    assert (stored.status, stored.trace_id) == ("paid", listed["trace_id"]["value"])
    assert of_payout(paying, listed["id"]) == [
        ("charge", listed["amount"]),
        ("payout", -listed["amount"]),
    ]


def test_a_payout_that_fails_after_it_was_paid(paying: PayingOut) -> None:
    """A failed payout says why; its money is a transaction of the next payout."""
    paying.give()
    paying.wait(6)
    (first,) = paying.payouts()
    paying.hear()
    paying.reader().read_due()
    assert payout_now(paying.database, first["id"]).status == "paid"
    paying.away.sandbox.control(
        "POST", f"/_sandbox/payouts/{first['id']}/fail", code="account_closed"
    )
    paying.wait(2)
    paying.hear()
    paying.reader().read_due()
    failed = payout_now(paying.database, first["id"])
    assert (failed.status, failed.failure_code) == ("failed", "account_closed")
    assert failed.failure_balance_transaction
    second = paying.payouts()[1]
    assert of_payout(paying, second["id"]) == [
        ("payout", -first["amount"]),
        ("payout_failure", first["amount"]),
    ]


def test_a_negative_payout_takes_money_from_the_bank(paying: PayingOut) -> None:
    """A negative balance becomes a payout with a negative amount, and adds up as well."""
    _, intent = paying.give()
    paying.wait(4)
    paying.away.refund(intent)
    paying.wait(4)
    paying.hear()
    paying.reader().read_due()
    _, debit = paying.payouts()
    stored = payout_now(paying.database, debit["id"])
    assert stored.amount_minor == debit["amount"] < 0
    assert of_payout(paying, debit["id"]) == [("payout", -debit["amount"]), ("refund", -5_000)]


def test_a_lost_connection_between_two_pages_stores_nothing(paying: PayingOut) -> None:
    """A reader that is stopped between two pages stores no part of a payout; the next one all."""
    paying.book("charge", 10_000, category="charge")
    for _ in range(101):
        paying.book("stripe_fee", -10)
    paying.wait(2)
    paying.hear()
    (listed,) = paying.payouts()
    assert paying.reader_that_loses_stripe().read_due() == 0
    assert transactions_now(paying.database) == []
    trouble = to_read(paying.database)[listed["id"]]
    assert "no usable answer" in trouble.trouble
    assert trouble.ask_at is not None
    paying.away.sandbox.control("DELETE", "/_sandbox/trouble")
    paying.away.later(trouble.ask_at - paying.away.clock.instant)
    assert paying.reader().read_due() == 1
    assert len(of_payout(paying, listed["id"])) == 103
    assert to_read(paying.database)[listed["id"]].trouble == ""


def test_two_workers_at_once(paying: PayingOut) -> None:
    """Two workers that look for due payouts at the same time read each payout once, whole."""
    paying.give()
    paying.give(7_000, "USD")
    paying.wait(4)
    paying.hear()
    start = threading.Barrier(2)
    answered: list[int] = []

    def work() -> None:
        reader = paying.reader()
        start.wait()
        answered.append(reader.read_due())

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(answered) == 2
    assert len(transactions_now(paying.database)) == 4


@pytest.mark.parametrize("seconds", [0, 60, 90])
def test_news_while_a_payout_is_read_is_not_lost(paying: PayingOut, seconds: int) -> None:
    """An event that arrives while a payout is read leaves the payout due, however long it takes."""
    paying.give()
    paying.wait(4)
    paying.hear()
    (listed,) = paying.payouts()
    reader = paying.reader()
    claim = reader._claim_due()
    assert claim is not None
    paying.away.later(timedelta(seconds=seconds))
    with paying.database.writing() as session:
        make_payouts_due(session, [listed["id"]], paying.away.clock.now())
    reader._read(claim)
    assert payout_now(paying.database, listed["id"]).is_complete
    assert to_read(paying.database)[listed["id"]].ask_at == paying.away.clock.now()
    assert reader.read_due() == 1


def test_news_while_stripe_refuses_is_not_lost(paying: PayingOut) -> None:
    """An event that arrives while Stripe says that it knows no such payout leaves it due."""
    with paying.database.writing() as session:
        make_payouts_due(session, ["po_nowhere"], paying.away.clock.now())
    reader = paying.reader()
    claim = reader._claim_due()
    assert claim is not None
    paying.away.later(timedelta(seconds=90))
    with paying.database.writing() as session:
        make_payouts_due(session, ["po_nowhere"], paying.away.clock.now())
    with pytest.raises(StripeRefused):
        reader._read(claim)
    assert to_read(paying.database)["po_nowhere"].ask_at == paying.away.clock.now()


def test_an_unknown_payout_is_not_asked_for_again(paying: PayingOut) -> None:
    """If Stripe knows no such payout, the refusal is noted, and Stripe is not asked again."""
    with paying.database.writing() as session:
        make_payouts_due(session, ["po_nowhere"], paying.away.clock.now())
    paying.reader().read_due()
    with paying.database.reading() as session:
        row = session.exec(select(PayoutToRead)).one()
    assert (row.ask_at, "Stripe refused" in row.trouble) == (None, True)


@pytest.mark.parametrize("method", ["standard", "instant"])
def test_manual_payouts_are_not_itemised(paying: PayingOut, method: str) -> None:
    """A manual payout is stored without transactions, and Stripe is not asked for any."""
    paying.away.sandbox.control("POST", "/_sandbox/payouts/schedule", interval="manual")
    paying.book("charge", 10_000)
    made = paying.away.client.ask(
        lambda sdk: sdk.v1.payouts.create({"amount": 4_000, "currency": "cad", "method": method}),
        "payout",
    )
    paying.hear()
    paying.reader().read_due()
    stored = payout_now(paying.database, made["id"])
    assert (stored.automatic, stored.method, stored.is_complete) == (False, method, False)
    assert not stored.is_itemised
    assert transactions_now(paying.database) == []
