"""Catch-up reads payouts and balance transactions that no event told about."""

from collections import Counter
from datetime import timedelta

import pytest

from donate.errors import StripeUnavailable
from tests.stripe_gateway.balance.conftest import PayingOut
from tests.stripe_gateway.balance.payouts import payout_now, to_read, transactions_now


def sums(paying: PayingOut) -> dict[str, tuple[int, int]]:
    """Return what each currency's stored balance comes to, and the number of transactions."""
    rows = transactions_now(paying.database)
    nets, counts = Counter[str](), Counter[str]()
    for row in rows:
        nets[row.currency] += row.net_minor
        counts[row.currency] += 1
    return {currency: (nets[currency], counts[currency]) for currency in counts}


def at_stripe(paying: PayingOut) -> dict[str, tuple[int, int]]:
    """Return the same of what the pretend Stripe lists."""
    nets, counts = Counter[str](), Counter[str]()
    params = {"limit": 100}
    page = paying.away.client.list_page("balance_transactions", params)
    assert not page.has_more
    for one in page.objects:
        nets[one["currency"].upper()] += one["net"]
        counts[one["currency"].upper()] += 1
    return {currency: (nets[currency], counts[currency]) for currency in counts}


def live_a_month(paying: PayingOut) -> None:
    """Live a month in two currencies: gifts, a refund, a negative payout, one that fails late."""
    _, intent = paying.away.paid("CAD", 5_000)
    paying.away.paid("USD", 7_000)
    paying.wait(5)
    paying.away.refund(intent)  # the balance becomes negative, and the bank is debited
    paying.wait(5)
    paying.away.paid("CAD", 9_000)
    paying.away.dispute(paying.away.paid("CAD", 8_000)[1])
    paying.wait(7)
    last = paying.payouts()[-1]
    control = paying.away.sandbox.control
    control("POST", f"/_sandbox/payouts/{last['id']}/fail", code="no_account")
    paying.wait(15)


def test_a_month_of_silence_heals(paying: PayingOut) -> None:
    """After a month without an event, one catch-up and the worker have every payout, complete."""
    live_a_month(paying)
    paying.away.catchup.run(since=paying.away.clock.instant - timedelta(days=40))
    reader = paying.reader()
    while reader.read_due():
        pass
    listed = paying.payouts()
    assert len(listed) > 4
    assert any(one["amount"] < 0 for one in listed)
    assert any(one["status"] == "failed" for one in listed)
    for one in listed:
        stored = payout_now(paying.database, one["id"])
        assert (stored.amount_minor, stored.status) == (one["amount"], one["status"])
        assert stored.is_complete
        rows = [row for row in transactions_now(paying.database) if row.payout_row == stored.id]
        inside = [row.net_minor for row in rows if row.source_id != one["id"]]
        assert sum(inside) == one["amount"]
    assert sums(paying) == at_stripe(paying)
    gifts = [row for row in transactions_now(paying.database) if row.type == "charge"]
    assert all(row.gift_id for row in gifts)


def test_a_catchup_again_changes_nothing(paying: PayingOut) -> None:
    """The next catch-up reads the same payouts again, and finds nothing to store or to read."""
    live_a_month(paying)
    paying.away.catchup.run(since=paying.away.clock.instant - timedelta(days=40))
    reader = paying.reader()
    while reader.read_due():
        pass
    before = sums(paying)
    (report,) = paying.away.catchup.run()
    assert (sums(paying), report.differing) == (before, {})
    assert {row.ask_at for row in to_read(paying.database).values()} == {None}


def test_a_payout_that_failed_in_silence_is_seen(paying: PayingOut) -> None:
    """A payout that fails days after it was paid is seen by the next catch-up without an event."""
    paying.give()
    paying.wait(5)
    paying.away.catchup.run()
    paying.reader().read_due()
    (listed,) = paying.payouts()
    assert payout_now(paying.database, listed["id"]).status == "paid"
    control = paying.away.sandbox.control
    control("POST", f"/_sandbox/payouts/{listed['id']}/fail", code="account_closed")
    paying.wait(20)
    paying.away.catchup.run()
    failed = payout_now(paying.database, listed["id"])
    assert (failed.status, failed.failure_code) == ("failed", "account_closed")


def test_an_interrupted_catchup_resumes(paying: PayingOut) -> None:
    """A catch-up that Stripe interrupts in its last list resumes there, and stores each once."""
    live_a_month(paying)
    since = paying.away.clock.instant - timedelta(days=40)
    lever = {"path": "/v1/balance_transactions", "method": "GET", "kind": "500", "times": 50}
    paying.away.sandbox.control("POST", "/_sandbox/trouble", **lever)
    with pytest.raises(StripeUnavailable):
        paying.away.catchup.run(since=since)
    assert transactions_now(paying.database) == []
    paying.away.sandbox.control("DELETE", "/_sandbox/trouble")
    paying.away.catchup.run()
    assert sums(paying) == at_stripe(paying)


def test_manual_payouts_have_the_account_s_list(paying: PayingOut) -> None:
    """What a manual payout paid out is read from the account's list, and belongs to no payout."""
    paying.away.sandbox.control("POST", "/_sandbox/payouts/schedule", interval="manual")
    paying.book("charge", 10_000, category="charge")
    paying.away.client.ask(
        lambda sdk: sdk.v1.payouts.create({"amount": 4_000, "currency": "cad"}), "payout"
    )
    paying.away.catchup.run()
    rows = transactions_now(paying.database)
    assert [(row.type, row.net_minor, row.payout_row) for row in rows] == [
        ("charge", 10_000, None),
        ("payout", -4_000, None),
    ]
