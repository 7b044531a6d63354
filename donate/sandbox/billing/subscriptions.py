"""Subscriptions: started by a session, renewed each period, changed, paused and ended.

https://docs.stripe.com/billing/subscriptions/overview
"""

from dataclasses import replace
from typing import Any, Literal

from donate.sandbox.billing.invoices import (
    close_unpaid,
    collect,
    draft_invoice,
    finalize,
    finish_debit,
)
from donate.sandbox.charging.saved_methods import save_method, saved_method_of
from donate.sandbox.copies import deep_copy
from donate.sandbox.errors import Refusal
from donate.sandbox.months import MONTHS_IN, months_after, months_between
from donate.sandbox.objects.attempts import Attempt, Outcome
from donate.sandbox.objects.cards import GENERIC_DECLINE
from donate.sandbox.objects.subscriptions import new_customer, new_subscription
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

ENDED = ("canceled", "incomplete_expired")
EndReason = Literal["cancellation_requested", "payment_disputed", "payment_failed"]


def start_session_subscription(
    store: Store, session: StripeObject, attempt: Attempt
) -> StripeObject:
    """Charge a session's first invoice and return the charge. Call it again after a decline."""
    if attempt.outcome == "processing":
        raise Refusal("A payment that takes days cannot start a subscription.")
    subscription = _subscription_of(store, session, attempt)
    invoice = store.find(store.invoices, subscription["latest_invoice"])
    charge = collect(store, invoice, attempt)
    if not charge["paid"]:
        return charge
    del store.pending_subscriptions[session["id"]]
    session["customer"] = subscription["customer"]
    session["invoice"] = invoice["id"]
    session["subscription"] = subscription["id"]
    # Stripe makes the card the subscription's default, not the customer's.
    method = save_method(store, attempt, subscription["customer"], charge["payment_method"])
    store.saved_methods[subscription["id"]] = store.attempts[method]
    update_subscription(store, subscription, status="active", default_payment_method=method)
    return charge


def start_subscription(
    store: Store,
    customer: StripeObject,
    items: list[StripeObject],
    request: dict[str, Any],
    method: Attempt | None = None,
) -> StripeObject:
    """Create a subscription and its first invoice, without collecting it."""
    subscription = new_subscription(store, customer, items, request)
    store.subscriptions.put(subscription)
    if method:
        store.saved_methods[subscription["id"]] = method
    invoice = draft_invoice(store, subscription, "subscription_create")
    store.announce("customer.subscription.created", subscription)
    finalize(store, invoice)
    return subscription


def abandon_subscription(store: Store, session_id: str) -> None:
    """End the unpaid subscription of a session that expired after declines."""
    subscription_id = store.pending_subscriptions.pop(session_id, None)
    if subscription_id is None:
        return
    subscription = store.find(store.subscriptions, subscription_id)
    close_unpaid(store, store.find(store.invoices, subscription["latest_invoice"]), "void")
    update_subscription(store, subscription, status="incomplete_expired", ended_at=store.now())


def renew(
    store: Store, subscription: StripeObject, *, succeeds: bool | None
) -> StripeObject | None:
    """Start the next period and collect its invoice, as if the current one had passed.

    Returns the new invoice, or None if the subscription ended with its period.
    """
    if subscription["status"] not in ("active", "past_due"):
        raise Refusal(f"A subscription that is {subscription['status']} cannot be renewed.")
    if subscription["cancel_at_period_end"] or ends_with_its_period(subscription):
        end_subscription(store, subscription)
        return None
    changes = ("items", "latest_invoice", "pause_collection")
    before = {name: deep_copy(subscription[name]) for name in changes}
    for item in subscription["items"]["data"]:
        _move_to_next_period(item, subscription["billing_cycle_anchor"])
    _end_pause(subscription)
    invoice = draft_invoice(store, subscription, "subscription_cycle")
    before = {name: value for name, value in before.items() if value != subscription[name]}
    store.announce("customer.subscription.updated", subscription, previous=before)
    paused = subscription["pause_collection"]
    if paused and paused["behavior"] == "keep_as_draft":
        invoice["auto_advance"] = False
        return invoice
    finalize(store, invoice)
    if paused:
        status = "void" if paused["behavior"] == "void" else "uncollectible"
        close_unpaid(store, invoice, status)
        return invoice
    collect_with_saved_method(store, invoice, succeeds=succeeds)
    return invoice


def collect_with_saved_method(
    store: Store, invoice: StripeObject, *, succeeds: bool | None = None
) -> StripeObject:
    """Charge an open invoice with the saved payment method, and return the charge.

    The subscription is updated too. If `succeeds` is None, the test card or test bank account
    decides the outcome.
    """
    subscription_id = invoice["parent"]["subscription_details"]["subscription"]
    subscription = store.find(store.subscriptions, subscription_id)
    method = saved_method_of(store, subscription_id)
    if method is None:
        raise Refusal("Only the checkout session can pay this invoice.")
    if succeeds is not None:
        outcome: Outcome = "paid" if succeeds else "declined"
        method = replace(method, outcome=outcome, decline=GENERIC_DECLINE)
    charge = collect(store, invoice, method)
    _update_from_charge(store, subscription, invoice, charge)
    return charge


def settle_debit(store: Store, invoice: StripeObject, *, succeeds: bool) -> StripeObject:
    """Finish an invoice's processing debit and return the charge."""
    charge = finish_debit(store, invoice, succeeds=succeeds)
    subscription_id = invoice["parent"]["subscription_details"]["subscription"]
    _update_from_charge(store, store.find(store.subscriptions, subscription_id), invoice, charge)
    return charge


def ends_with_its_period(subscription: StripeObject) -> bool:
    """Return whether the subscription is scheduled to end with its current period or before."""
    ends = [item["current_period_end"] for item in subscription["items"]["data"]]
    return subscription["cancel_at"] is not None and subscription["cancel_at"] <= min(ends)


def end_due_subscriptions(store: Store) -> None:
    """End the subscriptions whose cancel_at has passed."""
    for subscription in store.subscriptions:
        ends_at = subscription["cancel_at"]
        is_due = ends_at is not None and ends_at <= store.now()
        if is_due and subscription["status"] not in ENDED:
            end_subscription(store, subscription)


def end_subscription(
    store: Store, subscription: StripeObject, reason: EndReason = "cancellation_requested"
) -> None:
    """End a subscription now."""
    now = store.now()
    subscription["canceled_at"] = subscription["canceled_at"] or now
    subscription["ended_at"] = now
    subscription["status"] = "canceled"
    subscription["cancellation_details"]["reason"] = reason
    store.announce("customer.subscription.deleted", subscription)


def update_subscription(store: Store, subscription: StripeObject, **values: Any) -> None:
    """Set these fields, and send an event with the old values if any field changed."""
    before = {
        name: deep_copy(subscription[name])
        for name, value in values.items()
        if subscription[name] != value
    }
    if before:
        subscription.update(values)
        store.announce("customer.subscription.updated", subscription, previous=before)


def _subscription_of(store: Store, session: StripeObject, attempt: Attempt) -> StripeObject:
    """Return a checkout session's subscription. It is created at the first attempt to pay."""
    subscription_id = store.pending_subscriptions.get(session["id"])
    if subscription_id is not None:
        return store.find(store.subscriptions, subscription_id)
    customer = new_customer(store, attempt.email, attempt.name, session["currency"])
    store.customers.put(customer)
    store.announce("customer.created", customer)
    items, request = store.line_items[session["id"]], store.subscription_data[session["id"]]
    subscription = start_subscription(store, customer, items, request)
    store.pending_subscriptions[session["id"]] = subscription["id"]
    return subscription


def _update_from_charge(
    store: Store, subscription: StripeObject, invoice: StripeObject, charge: StripeObject
) -> None:
    """Update the subscription after a charge. While its first debit is processing, it is active."""
    if subscription["status"] in ENDED or subscription["latest_invoice"] != invoice["id"]:
        return
    if charge["status"] == "failed":
        # A declined first payment leaves the subscription incomplete.
        if subscription["status"] != "incomplete":
            update_subscription(store, subscription, status="past_due")
    elif charge["paid"] or subscription["status"] == "incomplete":
        update_subscription(store, subscription, status="active")


def _move_to_next_period(item: StripeObject, anchor: int) -> None:
    recurring = item["price"]["recurring"]
    months = MONTHS_IN[recurring["interval"]] * recurring["interval_count"]
    start = item["current_period_end"]
    item["current_period_start"] = start
    # Count months from the billing anchor. If the anchor is the 31st, a period ends on the last day
    # of February, and the next period on the 31st again.
    item["current_period_end"] = months_after(anchor, months_between(anchor, start) + months)


def _end_pause(subscription: StripeObject) -> None:
    """End the pause if the new period begins at the pause's `resumes_at` or later.

    Stripe's documentation does not say that `pause_collection` is cleared earlier, or that an event
    reports it.
    """
    pause, items = subscription["pause_collection"], subscription["items"]["data"]
    start = min(item["current_period_start"] for item in items)
    if pause and pause["resumes_at"] and pause["resumes_at"] <= start:
        subscription["pause_collection"] = None
