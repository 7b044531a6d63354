"""Automatic payouts at the sandbox: their amounts, transactions, statuses and events."""

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from donate.sandbox.observer import NullObserver
from tests.sandbox.conftest import client_of
from tests.sandbox.paid_account import DAY_S, MONDAY, PaidAccount, amounts, book
from tests.sandbox.running import Receiver, run_sandbox
from tests.waiting import until


def test_a_daily_payout_has_all_that_is_available(account: PaidAccount) -> None:
    """A daily payout is the sum of the transactions that it lists, without its own."""
    charges = [account.pay(2_500), account.pay(10_000)]
    account.wait(1)
    assert account.payouts() == []
    account.wait(2)
    (payout,) = account.payouts()
    assert (payout.amount, payout.currency, payout.automatic) == (2_397 + 9_680, "cad", True)
    lines = account.lines(payout=payout.id)
    assert sum(line.net for line in lines) == 0
    assert {line.source for line in lines} == {payout.id, *(charge["id"] for charge in charges)}
    (own,) = (line for line in lines if line.type == "payout")
    assert (own.id, own.amount) == (payout.balance_transaction, -payout.amount)
    assert (own.reporting_category, own.status) == ("payout", "pending")
    assert own.available_on == payout.arrival_date
    assert amounts(account, "available") == {"cad": 0}


def test_a_payout_goes_from_pending_to_paid(account: PaidAccount) -> None:
    """A payout is pending, then in transit, then paid; its transactions are listed in between."""
    account.pay(2_500)
    account.wait(30)
    (payout,) = account.payouts()
    told = [
        (kind, about["status"], about["reconciliation_status"], about["trace_id"]["status"])
        for kind, about in account.events(payout.id)
    ]
    assert told == [
        ("payout.created", "pending", "in_progress", "pending"),
        ("payout.updated", "in_transit", "in_progress", "pending"),
        ("payout.updated", "in_transit", "completed", "pending"),
        ("payout.reconciliation_completed", "in_transit", "completed", "pending"),
        ("payout.updated", "paid", "completed", "pending"),
        ("payout.paid", "paid", "completed", "pending"),
        ("payout.updated", "paid", "completed", "supported"),
    ]
    arrival = datetime.fromtimestamp(payout.arrival_date, UTC)
    assert (payout.created, arrival) == (
        int(datetime(2026, 8, 5, tzinfo=UTC).timestamp()),
        datetime(2026, 8, 7, tzinfo=UTC),
    )


def test_a_payout_is_itemised_only_when_stripe_is_ready(account: PaidAccount) -> None:
    """Listing a payout's transactions is refused until its reconciliation is completed."""
    account.pay(2_500)
    account.go_to(MONDAY + 2 * DAY_S - DAY_S // 2 + 3_600)
    (payout,) = account.payouts()
    with pytest.raises(stripe.InvalidRequestError) as refused:
        account.lines(payout=payout.id)
    assert refused.value.code == "payout_reconciliation_not_ready"
    account.go_to(account.now + 6 * 3_600)
    assert len(account.lines(payout=payout.id)) == 2


def test_a_failed_payout_puts_its_money_back(account: PaidAccount) -> None:
    """A payout can fail after it is paid; its money is in the next payout."""
    account.pay(2_500)
    account.wait(5)
    (payout,) = account.payouts()
    assert payout.status == "paid"
    account.sandbox.control("POST", f"/_sandbox/payouts/{payout.id}/fail", code="account_closed")
    expand: Any = {"expand": ["failure_balance_transaction", "destination"]}
    failed = account.client.v1.payouts.retrieve(payout.id, expand)
    assert (failed.status, failed.failure_code) == ("failed", "account_closed")
    back: Any = failed.failure_balance_transaction
    assert (back.type, back.reporting_category, back.net) == (
        "payout_failure",
        "payout_reversal",
        2_397,
    )
    assert account.events(payout.id)[-1][0] == "payout.failed"
    account.wait(1)
    _, again = account.payouts()
    assert again.amount == payout.amount
    assert {line.id for line in account.lines(payout=again.id)} == {
        back.id,
        again.balance_transaction,
    }


def test_a_bank_may_give_no_trace_id(account: PaidAccount) -> None:
    """A payout's trace id stays pending for ten days after its arrival, and is then unsupported."""
    schedule = {"interval": "daily", "delay_days": 2, "gives_trace_ids": False}
    account.sandbox.control("POST", "/_sandbox/payouts/schedule", **schedule)
    account.pay(2_500)
    account.wait(13)
    assert [payout.trace_id.status for payout in account.payouts()] == ["pending"]
    account.wait(1)
    (payout,) = account.payouts()
    assert (payout.trace_id.status, payout.trace_id.value) == ("unsupported", None)


def test_a_debit_can_come_back_after_it_succeeded(account: PaidAccount) -> None:
    """The bank's return of a paid debit takes the gross amount back; the fee stays lost."""
    charge = account.pay(2_500)
    returned = {"type": "payment_failure_refund", "amount": -2_500, "source": charge["id"]}
    line = book(account, **returned)
    assert line["reporting_category"] == "charge_failure"
    again = account.client.v1.charges.retrieve(charge["id"])
    assert again.failure_balance_transaction == line["id"]
    account.wait(2)
    assert [payout.amount for payout in account.payouts()] == [-2_500, 2_397]


def test_the_clock_passes_many_days_and_no_cent_is_lost(account: PaidAccount) -> None:
    """On each day, all transactions add up to the balance, and payouts to what was paid out.

    Each transaction is in exactly one automatic payout of its currency.
    """
    first = account.pay(5_000)
    second = account.pay(2_000)
    account.pay(3_000, "usd")
    book(account, type="stripe_fee", amount=-125)
    book(account, type="tax_fee", amount=-17)
    for day in range(12):
        account.wait(1)
        if day == 2:
            account.client.v1.refunds.create({"charge": first["id"], "amount": 1_000})
            account.pay(900)
        if day == 4:
            failed = account.payouts()[0]
            account.sandbox.control("POST", f"/_sandbox/payouts/{failed.id}/fail")
            account.sandbox.control(
                "POST", "/_sandbox/dispute", payment_intent=second["payment_intent"]
            )
        assert_ledger_adds_up(account)
    account.wait(30)
    assert_ledger_adds_up(account)
    assert amounts(account, "available") == {"cad": 0, "usd": 0}
    listed = [line.id for payout in account.payouts() for line in account.lines(payout=payout.id)]
    assert sorted(listed) == sorted(line.id for line in account.lines())
    assert {payout.currency for payout in account.payouts()} == {"cad", "usd"}


def test_a_negative_balance_is_debited_from_the_bank(account: PaidAccount) -> None:
    """A negative available balance becomes a payout with a negative amount on the next day."""
    book(account, type="adjustment", amount=-4_000, category="dispute")
    account.wait(1)
    (payout,) = account.payouts()
    assert payout.amount == -4_000
    own = account.client.v1.balance_transactions.retrieve(payout.balance_transaction)
    assert (own.type, own.net) == ("payout", 4_000)
    assert amounts(account, "available") == {"cad": 0}


@pytest.mark.parametrize(
    ("schedule", "days"),
    [
        ({"interval": "daily"}, [6]),
        ({"interval": "weekly", "weekly_anchor": 4}, [7]),
        ({"interval": "monthly", "monthly_anchor": 31}, [31]),
        ({"interval": "manual"}, []),
        ({"interval": "daily", "minimum": 2_398}, []),
    ],
    ids=["daily", "on Fridays", "on the last day", "manual", "below the minimum"],
)
def test_the_schedule_decides_the_day(account: PaidAccount, schedule: Any, days: list[int]) -> None:
    """The schedule's interval decides on which day of August the balance is paid out."""
    account.sandbox.control("POST", "/_sandbox/payouts/schedule", delay_days=3, **schedule)
    account.pay(2_500)
    account.wait(31)
    created = [datetime.fromtimestamp(payout.created, UTC).day for payout in account.payouts()]
    assert created == days


def test_an_unknown_type_counts_in_the_balance(http_client: stripe.HTTPClient) -> None:
    """A transaction of a type that no document lists is paid out like every other."""
    with run_sandbox(observer=NullObserver()) as sandbox:
        account = PaidAccount(sandbox, client_of(sandbox, http_client), interval="daily")
        book(account, type="something_new", amount=700)
        account.wait(2)
        (payout,) = account.payouts()
        lines = account.lines(payout=payout.id)
        assert {line.type for line in lines} == {"payout", "something_new"}
        assert payout.amount == 700


def test_money_in_reserve_is_in_no_payout(account: PaidAccount) -> None:
    """A reserve takes money out of the balance, and its release brings it back."""
    book(account, type="reserve_hold", amount=-500)
    book(account, type="reserve_hold", amount=500, balance_type="risk_reserved")
    book(account, type="topup", amount=500)
    account.wait(1)
    assert account.payouts() == []
    assert amounts(account, "available") == {"cad": 0}


def test_events_of_payouts_can_be_lost_and_doubled(
    account: PaidAccount, receiver: Receiver
) -> None:
    """Mischief drops some events about payouts and repeats others; the list of events has all."""
    mischief = {"seed": 3, "kinds": ["drop", "duplicate"], "rate": 1.0, "time_scale": 0.0}
    account.sandbox.control("POST", "/_sandbox/mischief", **mischief)
    account.pay(2_500)
    account.wait(30)
    until(lambda: not account.sandbox.control("GET", "/_sandbox/state")["deliveries"]["pending"])
    got = Counter(
        event["id"]
        for event in (json.loads(one.body) for one in receiver.received)
        if event["type"].startswith("payout.")
    )
    happened = account.client.v1.events.list({"type": "payout.*", "limit": 100}).data
    assert len(happened) == 7
    assert 0 < len(got) < len(happened)
    assert max(got.values()) > 1


def assert_ledger_adds_up(account: PaidAccount) -> None:
    net, available, paid_out = Counter[str](), Counter[str](), Counter[str]()
    for line in account.lines():
        net[line.currency] += line.net
        is_available = line.status == "available" or line.type == "payout"
        available[line.currency] += line.net if is_available else 0
        if line.reporting_category in ("payout", "payout_reversal"):
            paid_out[line.currency] -= line.amount
    balance = {
        currency: amount + amounts(account, "pending")[currency]
        for currency, amount in amounts(account, "available").items()
    }
    assert balance == dict(net)
    assert amounts(account, "available") == dict(available)
    sent = Counter[str]()
    for payout in account.payouts():
        sent[payout.currency] += payout.amount * (payout.status not in ("failed", "canceled"))
    assert +sent == +paid_out
    assert -sent == -paid_out
