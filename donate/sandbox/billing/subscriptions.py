"""Subscriptions: begun by a checkout session, renewed each period, changed, paused and ended.

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
from donate.sandbox.objects.payment_methods import GENERIC_DECLINE
from donate.sandbox.objects.subscriptions import new_customer, new_subscription
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

ENDED = ("canceled", "incomplete_expired")
EndReason = Literal["cancellation_requested", "payment_disputed", "payment_failed"]


def start_session_subscription(
    store: Store, session: StripeObject, attempt: Attempt
) -> StripeObject:
    """Charge a session's first invoice and return the charge; call again after a decline."""
    if attempt.outcome == "processing":
        raise Refusal("A subscription is not begun by a payment that takes days.")
    subscription = _subscription_of(store, session, attempt)
    invoice = store.find(store.invoices, subscription["latest_invoice"])
    charge = collect(store, invoice, attempt)
    if not charge["paid"]:
        return charge
    del store.pending_subscriptions[session["id"]]
    session["customer"] = subscription["customer"]
    session["invoice"] = invoice["id"]
    session["subscription"] = subscription["id"]
    # The card becomes the subscription's own, and not the customer's default.
    method = save_method(store, attempt, subscription["customer"], charge["payment_method"])
    store.saved_methods[subscription["id"]] = store.attempts[method]
    update_subscription(store, subscription, status="active", default_payment_method=method)
    return charge


def start_subscription(
    store: Store,
    customer: StripeObject,
    items: list[StripeObject],
    request: dict[str, Any],
    saved: Attempt | None = None,
) -> StripeObject:
    """Make a subscription and its first invoice, which nobody has tried to collect yet."""
    subscription = new_subscription(store, customer, items, request)
    store.subscriptions.put(subscription)
    if saved:
        store.saved_methods[subscription["id"]] = saved
    invoice = draft_invoice(store, subscription, "subscription_create")
    store.announce("customer.subscription.created", subscription)
    finalize(store, invoice)
    return subscription


def abandon_subscription(store: Store, session_id: str) -> None:
    """End what a session began, when it expires with only declines behind it."""
    subscription_id = store.pending_subscriptions.pop(session_id, None)
    if subscription_id is None:
        return
    subscription = store.find(store.subscriptions, subscription_id)
    close_unpaid(store, store.find(store.invoices, subscription["latest_invoice"]), "void")
    update_subscription(store, subscription, status="incomplete_expired", ended_at=store.now())


def renew(
    store: Store, subscription: StripeObject, *, succeeds: bool | None
) -> StripeObject | None:
    """Begin the next period, as if the last one had passed, and collect for it.

    Returns the new invoice; None when the subscription was to end with its period, and has.
    """
    if subscription["status"] not in ("active", "past_due"):
        raise Refusal(f"A subscription that is {subscription['status']} is not renewed.")
    if subscription["cancel_at_period_end"] or ends_with_its_period(subscription):
        end_subscription(store, subscription)
        return None
    before = {name: deep_copy(subscription[name]) for name in ("items", "latest_invoice")}
    for item in subscription["items"]["data"]:
        _move_to_next_period(item, subscription["billing_cycle_anchor"])
    invoice = draft_invoice(store, subscription, "subscription_cycle")
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
    """Try an open invoice with the saved method; the subscription follows. Returns the charge.

    How it ends is up to the method where `succeeds` does not say.
    """
    subscription_id = invoice["parent"]["subscription_details"]["subscription"]
    subscription = store.find(store.subscriptions, subscription_id)
    saved = saved_method_of(store, subscription_id)
    if saved is None:
        raise Refusal("This invoice is a checkout session's to pay.")
    if succeeds is not None:
        outcome: Outcome = "paid" if succeeds else "declined"
        saved = replace(saved, outcome=outcome, decline=GENERIC_DECLINE)
    charge = collect(store, invoice, saved)
    _follow(store, subscription, invoice, charge)
    return charge


def settle_debit(store: Store, invoice: StripeObject, *, succeeds: bool) -> StripeObject:
    """Bring an invoice's debit that was under way to its end; returns the charge."""
    charge = finish_debit(store, invoice, succeeds=succeeds)
    subscription_id = invoice["parent"]["subscription_details"]["subscription"]
    _follow(store, store.find(store.subscriptions, subscription_id), invoice, charge)
    return charge


def ends_with_its_period(subscription: StripeObject) -> bool:
    """Whether the moment at which it is to end comes no later than the period's end."""
    ends = [item["current_period_end"] for item in subscription["items"]["data"]]
    return subscription["cancel_at"] is not None and subscription["cancel_at"] <= min(ends)


def end_due_subscriptions(store: Store) -> None:
    """End those whose moment has come."""
    for subscription in store.subscriptions:
        ends_at = subscription["cancel_at"]
        is_due = ends_at is not None and ends_at <= store.now()
        if is_due and subscription["status"] not in ENDED:
            end_subscription(store, subscription)


def end_subscription(
    store: Store, subscription: StripeObject, reason: EndReason = "cancellation_requested"
) -> None:
    """End it now, however it came to that."""
    now = store.now()
    subscription["canceled_at"] = subscription["canceled_at"] or now
    subscription["ended_at"] = now
    subscription["status"] = "canceled"
    subscription["cancellation_details"]["reason"] = reason
    store.announce("customer.subscription.deleted", subscription)


def update_subscription(store: Store, subscription: StripeObject, **values: Any) -> None:
    """Set these fields and announce what they were; nothing is said where nothing changed."""
    before = {
        name: deep_copy(subscription[name])
        for name, value in values.items()
        if subscription[name] != value
    }
    if before:
        subscription.update(values)
        store.announce("customer.subscription.updated", subscription, previous=before)


def _subscription_of(store: Store, session: StripeObject, attempt: Attempt) -> StripeObject:
    """Made at the first try and not before; later tries pay the same first invoice."""
    begun = store.pending_subscriptions.get(session["id"])
    if begun is not None:
        return store.find(store.subscriptions, begun)
    customer = new_customer(store, attempt.email, attempt.name, session["currency"])
    store.customers.put(customer)
    store.announce("customer.created", customer)
    items, request = store.line_items[session["id"]], store.subscription_data[session["id"]]
    subscription = start_subscription(store, customer, items, request)
    store.pending_subscriptions[session["id"]] = subscription["id"]
    return subscription


def _follow(
    store: Store, subscription: StripeObject, invoice: StripeObject, charge: StripeObject
) -> None:
    """What a try to collect makes of the subscription: it runs while a first debit is under way."""
    if subscription["status"] in ENDED or subscription["latest_invoice"] != invoice["id"]:
        return
    if charge["status"] == "failed":
        # A first month that was declined at once has begun nothing.
        if subscription["status"] != "incomplete":
            update_subscription(store, subscription, status="past_due")
    elif charge["paid"] or subscription["status"] == "incomplete":
        update_subscription(store, subscription, status="active")


def _move_to_next_period(item: StripeObject, anchor: int) -> None:
    recurring = item["price"]["recurring"]
    months = MONTHS_IN[recurring["interval"]] * recurring["interval_count"]
    start = item["current_period_end"]
    item["current_period_start"] = start
    # Counted from the anchor, so that the 31st comes back after a short month.
    item["current_period_end"] = months_after(anchor, months_between(anchor, start) + months)
