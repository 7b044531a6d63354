"""The laws of the sandbox's ledger, under random bookings, payouts, failures and clocks."""

import random
from collections import Counter

import pytest

from donate.sandbox.errors import Refusal
from donate.sandbox.objects.balance import DAY_S, book_line, midnight_after
from donate.sandbox.payouts.payouts import (
    available_balance,
    cancel_payout,
    fail_payout,
    new_payout,
    pending_balance,
    play_payouts,
)
from donate.sandbox.payouts.schedule import Interval, Schedule
from donate.sandbox.store import Store
from tests.sandbox.paid_account import MONDAY

CURRENCIES = ("cad", "usd", "jpy")
INTERVALS: tuple[Interval, ...] = ("daily", "weekly", "monthly", "manual")


def store_with(schedule: Schedule) -> Store:
    store = Store(1, "http://127.0.0.1:9")
    store.set_clock(MONDAY)
    set_schedule(store, schedule)
    return store


def set_schedule(store: Store, schedule: Schedule) -> None:
    store.payout_schedule = schedule
    store.next_payout_day = midnight_after(store.now(), 1)


def act(rng: random.Random, store: Store) -> None:
    """Do one random thing to the balance, or let up to four days pass."""
    currency = rng.choice(CURRENCIES)
    payouts = list(store.payouts)
    match rng.choice(("book", "book", "book", "wait", "wait", "fail", "cancel", "pay out")):
        case "book":
            book_line(
                store,
                amount=rng.randint(-3_000, 9_000),
                available_on=midnight_after(store.now(), rng.randint(0, 7)),
                currency=currency,
                description=None,
                fee_details=[],
                reporting_category="other_adjustment",
                source=None,
                type="adjustment",
            )
        case "wait":
            store.set_clock(store.now() + rng.randint(1, 4 * DAY_S))
            play_payouts(store)
        case "pay out" if available_balance(store).get(currency, 0) > 0:
            most = available_balance(store)[currency]
            new_payout(store, rng.randint(1, most), currency, automatic=False)
        case "fail" | "cancel" as end if payouts:
            try:
                payout = rng.choice(payouts)
                if end == "fail":
                    fail_payout(store, payout, "account_closed")
                else:
                    cancel_payout(store, payout)
            except Refusal:
                return


@pytest.mark.parametrize("seed", range(12))
def test_nothing_is_lost_and_nothing_is_paid_out_twice(seed: int) -> None:
    """The balance is the sum of all transactions; those of an automatic payout add up to zero."""
    rng = random.Random(seed)
    store = store_with(Schedule("daily", debit_negative_balances=True))
    for _ in range(250):
        if rng.random() < 0.02:
            set_schedule(store, Schedule(rng.choice(INTERVALS), debit_negative_balances=True))
        act(rng, store)
        net = Counter[str]()
        for line in store.balance_transactions:
            net[line["currency"]] += line["net"]
        available, pending = available_balance(store), pending_balance(store)
        assert net == {one: available.get(one, 0) + pending[one] for one in pending}
    set_schedule(store, Schedule("daily", debit_negative_balances=True))
    store.set_clock(store.now() + 60 * DAY_S)
    play_payouts(store)
    assert set(available_balance(store).values()) == {0}
    rest = sum(line["net"] for line in store.not_paid_out.values())
    assert rest == 0
    inside = Counter[str]()
    for line in store.balance_transactions:
        inside[store.payout_of.get(line["id"], "none")] += line["net"]
    assert set(inside.values()) == {0}


def test_the_bank_has_what_stripe_paid() -> None:
    """The bank's lines add up to the payouts that are paid, less those that came back."""
    rng = random.Random(5)
    store = store_with(Schedule("daily", debit_negative_balances=True))
    for _ in range(400):
        act(rng, store)
    paid, booked = Counter[str](), Counter[str]()
    for payout in store.payouts:
        paid[payout["currency"]] += payout["amount"] if payout["status"] == "paid" else 0
    for line in store.bank:
        booked[line.currency] += line.amount
    assert any(payout["status"] == "failed" for payout in store.payouts)
    assert paid == booked
