"""Payouts from their creation to their end, with their balance transactions and events.

Statuses: https://docs.stripe.com/api/payouts/object. An automatic payout includes its own
transaction, and all available transactions that no earlier payout includes:
https://docs.stripe.com/payouts/reconciliation
"""

import heapq
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any, Literal

from donate.sandbox.errors import Refusal
from donate.sandbox.objects.balance import DAY_S, book, fee_detail
from donate.sandbox.objects.parts import null_fields
from donate.sandbox.payouts.schedule import business_days_after
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

Method = Literal["standard", "instant"]

ARRIVES_AFTER_BUSINESS_DAYS = 2
_HOUR_S = 3_600
_SUBMITTED_AFTER_S = 4 * _HOUR_S
_LISTED_AFTER_S = 6 * _HOUR_S
_INSTANT_AFTER_S = _HOUR_S // 2
# https://docs.stripe.com/payouts/trace-id
_TRACED_AFTER_S = 2 * DAY_S
_UNTRACED_AFTER_S = 10 * DAY_S
# https://docs.stripe.com/api/payouts/failures
FAILURES = {
    "account_closed": "The bank account has been closed",
    "account_frozen": "The bank account has been frozen",
    "could_not_process": "The bank could not process this payout.",
    "debit_not_authorized": "Debit transactions are not approved on this account.",
    "insufficient_funds": "Your Stripe account has insufficient funds to cover the payout.",
    "no_account": "The bank account could not be located.",
}


def play_payouts(store: Store) -> None:
    """Make the automatic payouts that are due, and move all payouts to their state as of now."""
    now = store.now()
    while True:
        day = store.next_payout_day or now + 1
        step = store.payout_steps[0][0] if store.payout_steps else now + 1
        if min(day, step) > now:
            return
        with store.at_time(min(day, step)):
            if step <= day:
                _, _, payout_id, name = heapq.heappop(store.payout_steps)
                _take_step(store, store.payouts.get(payout_id), name)
            else:
                store.next_payout_day += DAY_S
                _pay_out_available(store)


def available_balance(store: Store) -> dict[str, int]:
    """Return the available balance of each currency, in minor units."""
    sums: dict[str, int] = defaultdict(int)
    for transaction in store.balance_transactions:
        if _is_available(store, transaction):
            sums[transaction["currency"]] += transaction["net"]
    return dict(sums)


def pending_balance(store: Store) -> dict[str, int]:
    """Return the balance that is not available yet, for each currency that has transactions."""
    sums: dict[str, int] = defaultdict(int)
    for transaction in store.balance_transactions:
        if _is_in_balance(transaction):
            is_available = _is_available(store, transaction)
            sums[transaction["currency"]] += 0 if is_available else transaction["net"]
    return dict(sums)


def new_payout(
    store: Store,
    amount: int,
    currency: str,
    *,
    automatic: bool,
    method: Method = "standard",
    **more: Any,
) -> StripeObject:
    """Create a pending payout and its transaction. A negative `amount` debits the bank account."""
    is_instant = method == "instant"
    fee = instant_fee(amount) if is_instant else 0
    arrival = business_days_after(store.now(), ARRIVES_AFTER_BUSINESS_DAYS)
    payout: StripeObject = {
        "id": store.new_id("po_1"),
        "object": "payout",
        **null_fields("application_fee application_fee_amount failure_balance_transaction"),
        **null_fields("failure_code failure_message original_payout payout_method reversed_by"),
        "amount": amount,
        "arrival_date": store.now() if is_instant else arrival,
        "automatic": automatic,
        "created": store.now(),
        "currency": currency,
        "description": "STRIPE PAYOUT" if automatic else None,
        "destination": bank_account(store, currency)["id"],
        "livemode": False,
        "metadata": {},
        "method": method,
        "reconciliation_status": "in_progress" if automatic else "not_applicable",
        "source_type": "card",
        "statement_descriptor": None,
        "status": "pending",
        "trace_id": {"status": "pending", "value": None},
        "type": "bank_account",
        **more,
    }
    transaction = book(
        store,
        payout,
        kind="payout",
        category="payout",
        amount=-amount,
        available_on=payout["arrival_date"],
        fees=[fee_detail(fee, currency, "Instant payout fee")] if fee else [],
        description=payout["description"] or "STRIPE PAYOUT",
    )
    payout["balance_transaction"] = transaction["id"]
    store.payouts.put(payout)
    store.announce("payout.created", payout)
    submitted = payout["created"] + (0 if is_instant else _SUBMITTED_AFTER_S)
    _plan(store, submitted, payout, "submit")
    _plan(store, payout["arrival_date"] + is_instant * _INSTANT_AFTER_S, payout, "pay")
    if automatic:
        _plan(store, payout["created"] + _LISTED_AFTER_S, payout, "list")
    return payout


def instant_fee(amount: int) -> int:
    """Return the fee of an instant payout: 1%, at least 60 cents; a fraction is rounded up.

    https://stripe.com/en-ca/pricing
    """
    return max(60, -(-amount // 100))


def fail_payout(store: Store, payout: StripeObject, code: str) -> StripeObject:
    """Make a payout fail, even a paid one, and put its money back into the balance."""
    if payout["status"] in ("canceled", "failed"):
        raise Refusal(f"This payout is {payout['status']}, so it cannot fail.")
    if payout["status"] == "paid":
        _book_at_bank(store, payout, -payout["amount"])
    _put_back(store, payout, "payout_failure", "Payout failure")
    _change(
        store,
        payout,
        failure_code=code,
        failure_message=FAILURES[code],
        status="failed",
    )
    store.announce("payout.failed", payout)
    return payout


def cancel_payout(store: Store, payout: StripeObject) -> StripeObject:
    """Cancel a pending manual payout: https://docs.stripe.com/api/payouts/cancel."""
    if payout["automatic"] or payout["status"] != "pending":
        # Stripe documents this rule, but not the text of the message.
        raise Refusal("Only manual payouts that are pending can be canceled.", is_final=True)
    _put_back(store, payout, "payout_cancel", "Payout cancellation")
    _change(store, payout, status="canceled")
    store.announce("payout.canceled", payout)
    return payout


def bank_account(store: Store, currency: str) -> StripeObject:
    """Return the account's bank account for a currency. The first call creates it."""
    for account in store.bank_accounts:
        if account["currency"] == currency:
            return account
    account = {
        "id": store.new_id("ba_1"),
        "object": "bank_account",
        **null_fields("account_holder_name account_holder_type account_type fingerprint"),
        "account": store.account_id,
        "available_payout_methods": ["standard", "instant"],
        "bank_name": "STRIPE TEST BANK",
        "country": "CA",
        "currency": currency,
        "default_for_currency": True,
        "last4": "6789",
        "metadata": {},
        "routing_number": "11000-000",
        "status": "new",
        # Only the class `Shelf` needs this field. The API's answers leave it out, as Stripe's
        # answers do.
        "created": store.now(),
    }
    store.bank_accounts.put(account)
    return account


def _pay_out_available(store: Store) -> None:
    """For each currency, create an automatic payout of the whole available balance."""
    schedule, by_currency = store.payout_schedule, defaultdict[str, list[StripeObject]](list)
    for transaction in store.not_paid_out.values():
        if _is_available(store, transaction):
            by_currency[transaction["currency"]].append(transaction)
    for currency, transactions in sorted(by_currency.items()):
        total = sum(transaction["net"] for transaction in transactions)
        is_due = (
            schedule.debit_negative_balances
            if total < 0
            else schedule.pays_on(store.now()) and total >= schedule.minimum
        )
        if is_due:
            payout = new_payout(store, total, currency, automatic=True)
            own = store.not_paid_out[payout["balance_transaction"]]
            for transaction in (*transactions, own):
                del store.not_paid_out[transaction["id"]]
                store.payout_of[transaction["id"]] = payout["id"]


def _is_available(store: Store, transaction: StripeObject) -> bool:
    """Return whether a transaction counts in the available balance.

    A payout's transaction counts at once, even if its `available_on` is the payout's arrival date.
    """
    is_due = transaction["type"] == "payout" or transaction["available_on"] <= store.now()
    return is_due and _is_in_balance(transaction)


def _is_in_balance(transaction: StripeObject) -> bool:
    return bool(transaction["balance_type"] == "payments")


def _plan(store: Store, moment: int, payout: StripeObject, name: str) -> None:
    number = store.steps_planned = store.steps_planned + 1
    heapq.heappush(store.payout_steps, (moment, number, payout["id"], name))


def _take_step(store: Store, payout: StripeObject | None, name: str) -> None:
    assert payout is not None
    is_open = payout["status"] in ("pending", "in_transit")
    match name:
        case "submit" if is_open:
            _change(store, payout, status="in_transit")
        case "list":
            _change(store, payout, reconciliation_status="completed")
            store.announce("payout.reconciliation_completed", payout)
        case "pay" if is_open:
            _book_at_bank(store, payout, payout["amount"])
            _change(store, payout, status="paid")
            store.announce("payout.paid", payout)
            if store.payout_schedule.gives_trace_ids:
                _plan(store, store.now() + _TRACED_AFTER_S, payout, "trace")
            else:
                _plan(store, store.now() + _UNTRACED_AFTER_S, payout, "give_up_trace")
        case "trace":
            trace = {"status": "supported", "value": store.trace_ids[payout["id"]]}
            _change(store, payout, trace_id=trace)
        case "give_up_trace":
            _change(store, payout, trace_id={"status": "unsupported", "value": None})


def _book_at_bank(store: Store, payout: StripeObject, amount: int) -> None:
    day = datetime.fromtimestamp(store.now(), UTC).date()
    trace = store.trace_ids.setdefault(payout["id"], store.new_id("", 12).upper())
    store.bank.book(day, "payout", amount, payout["currency"], reference=trace)


def _change(store: Store, payout: StripeObject, **fields: Any) -> None:
    before = {name: payout[name] for name in fields}
    payout.update(fields)
    store.announce("payout.updated", payout, previous=before)


def _put_back(store: Store, payout: StripeObject, kind: str, description: str) -> None:
    transaction = book(
        store,
        payout,
        kind=kind,
        category="payout_reversal",
        amount=payout["amount"],
        available_on=store.now(),
        description=description,
    )
    payout["failure_balance_transaction"] = transaction["id"]
