"""Reads what tells of a pledge: invoices, their payments, and the subscription itself. Pure.

Since API version 2025-03-31.basil an invoice names its subscription under `parent`, and its payment
in an event of its own; before, both stood on the invoice. Either is understood.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from donate.gifts.facts import Fact, FactKind
from donate.stripe_gateway.events.fields import (
    Claim,
    Envelope,
    IrrelevantEvent,
    Month,
    Reading,
    UnusableEvent,
    is_id,
    is_instant,
    read_attempt,
    read_count,
    read_currency,
    read_gift_id,
    read_instant,
    read_minor_units,
    read_text,
    read_word,
    stripe_fact,
)

# Stripe's own have some thirty characters. It becomes part of keys of ours, which have their width.
MAX_INVOICE_ID: Final = 100


def read_agreement(step: str, found: Mapping[str, Any], at: datetime) -> Reading | IrrelevantEvent:
    """Say what a session tells in which a donor agrees to be debited each month.

    No money is in it: the bank is asked by the subscription that begins with the agreement.
    """
    metadata = _object(found.get("metadata"))
    gift_id = read_gift_id(metadata)
    if gift_id is None:
        return IrrelevantEvent("a checkout session that this service did not open")
    status = read_word(found, "payment_status")
    if status != "no_payment_required":
        raise UnusableEvent(f"payment_status is {status!r} where nothing was to be paid")
    session_id, attempt = read_text(found, "id"), read_attempt(metadata)
    facts = [stripe_fact(FactKind.CHECKOUT_OPENED, session_id, at, evidence={"attempt": attempt})]
    match step:
        case "completed":
            evidence = {"agreement": session_id}
            facts.append(
                stripe_fact(FactKind.PAYMENT_PROCESSING, session_id, at, evidence=evidence)
            )
        case "async_payment_failed":  # as `retelling` says it: Stripe has no word for it
            facts.append(stripe_fact(FactKind.PAYMENT_FAILED, session_id, at))
        case "expired":
            facts.append(stripe_fact(FactKind.CHECKOUT_EXPIRED, session_id, at))
        case _:
            return IrrelevantEvent("nothing to record for this type of event")
    claim = Claim(
        reference=read_text(found, "client_reference_id"),
        monthly=True,
        currency=read_currency(_debits(found)),
        session_id=session_id,
        attempt=attempt,
    )
    return Reading(facts=tuple(facts), gift_id=gift_id, claim=claim)


def read_invoice(step: str, envelope: Envelope) -> Reading | IrrelevantEvent:
    """Say what an invoice that was paid, or could not be collected, tells of a month."""
    found = envelope.object
    metadata = _object(subscription_in(found).get("metadata"))
    gift_id = read_gift_id(metadata)
    if gift_id is None:
        return IrrelevantEvent("an invoice that this service did not bring about")
    # Before basil an invoice that was paid elsewhere said so, and that nothing was paid.
    is_outside = found.get("paid_out_of_band") is True
    asked_for = "amount_paid" if step == "paid" and not is_outside else "amount_due"
    if type(found.get(asked_for)) is int and found[asked_for] == 0:
        return IrrelevantEvent("an invoice over nothing")
    invoice_id = read_text(found, "id", MAX_INVOICE_ID)
    amount_minor = read_minor_units(found, asked_for)
    currency, first = read_currency(found), found.get("billing_reason") == "subscription_create"
    if step == "paid":
        facts = list(_paid(envelope, amount_minor, currency))
    elif first and is_id(metadata.get("session")):
        # The bank said no to the first debit: what the donor agreed to has come to nothing.
        told = {"agreement": metadata["session"], "invoice": invoice_id}
        facts = [_failed(metadata["session"], envelope.happened_at, told)]
    elif first:
        tried = f"{invoice_id}:{read_count(found, 'attempt_count')}"
        facts = [stripe_fact(FactKind.PAYMENT_DECLINED, tried, envelope.happened_at)]
    else:
        facts = [_failed(invoice_id, envelope.happened_at, {})]
    return Reading(
        facts=tuple(facts),
        gift_id=gift_id,
        claim=Claim(
            reference=read_text(metadata, "reference"),
            monthly=True,
            amount_minor=amount_minor if first else None,
            currency=currency,
        ),
        month=None
        if first
        else Month(invoice_id, amount_minor, currency, read_instant(found, "created")),
    )


def read_invoice_payment(envelope: Envelope) -> Reading | IrrelevantEvent:
    """Say which payment intent paid an invoice: refunds and disputes name only that."""
    found = envelope.object
    payment = _object(found.get("payment"))
    match payment.get("type"):
        case "payment_intent":
            invoice_id = read_text(found, "invoice")
            fact = _named(envelope, read_text(payment, "payment_intent"), invoice_id)
        case "payment_record":
            # Since basil this alone tells of it: neither the invoice nor its own event does.
            # https://docs.stripe.com/changelog/basil/2025-03-31/add-support-for-multiple-partial-payments-on-invoices
            invoice_id = read_text(found, "invoice")
            amount, currency = read_minor_units(found, "amount_paid"), read_currency(found)
            record = read_text(payment, "payment_record")
            fact = _outside(envelope, record, invoice_id, amount, currency)
        case _:
            return IrrelevantEvent("an invoice that no payment intent paid")
    return Reading(facts=(fact,), payment=invoice_id)


def read_subscription(envelope: Envelope) -> Reading | IrrelevantEvent:
    """Say what became of the pledge behind a subscription."""
    found, at = envelope.object, envelope.happened_at
    metadata = _object(found.get("metadata"))
    gift_id = read_gift_id(metadata)
    if gift_id is None:
        return IrrelevantEvent("a subscription that this service did not begin")
    subscription_id, status = read_text(found, "id"), read_text(found, "status")
    # Nothing began, and the page says so: "incomplete" becomes "active" when the month is paid.
    if status in ("incomplete", "incomplete_expired"):
        return IrrelevantEvent("a subscription whose first month is not paid")
    is_over = envelope.type == "customer.subscription.deleted" or status == "canceled"
    facts = []
    if is_over:
        facts.append(
            stripe_fact(FactKind.PLEDGE_ENDED, subscription_id, at, evidence=_why_ended(found))
        )
    elif envelope.type == "customer.subscription.created":
        facts.append(stripe_fact(FactKind.PLEDGE_STARTED, subscription_id, at))
    # A start says by itself that it is active.
    if not is_over and (not facts or status != "active"):
        evidence = {
            "subscription": subscription_id,
            "status": status,
            "paused": found.get("pause_collection") is not None,
            **_when_it_ends(found),
        }
        facts.append(
            stripe_fact(
                FactKind.PLEDGE_CHANGED,
                envelope.event_id,
                at,
                **_each_month(found),
                evidence=evidence,
            )
        )
    claim = Claim(
        reference=read_text(metadata, "reference"), monthly=True, currency=read_currency(found)
    )
    return Reading(facts=tuple(facts), gift_id=gift_id, claim=claim)


def _failed(source: str, at: datetime, evidence: dict[str, str]) -> Fact:
    return stripe_fact(FactKind.PAYMENT_FAILED, source, at, evidence=evidence)


def _debits(session: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a session says about debits. A setup has no currency but theirs."""
    return _object(_object(session.get("payment_method_options")).get("acss_debit"))


def subscription_in(invoice: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what an invoice says of its subscription, in today's place or in the one before."""
    parent = invoice.get("parent")
    return _object((parent if isinstance(parent, dict) else invoice).get("subscription_details"))


def _paid(envelope: Envelope, amount_minor: int, currency: str) -> Iterator[Fact]:
    found, invoice_id = envelope.object, read_text(envelope.object, "id")
    yield stripe_fact(
        FactKind.PAYMENT_SUCCEEDED,
        invoice_id,
        envelope.happened_at,
        amount_minor=amount_minor,
        currency=currency,
        evidence={"billing_reason": read_word(found, "billing_reason")},
    )
    if found.get("paid_out_of_band") is True:
        yield _outside(envelope, invoice_id, invoice_id, amount_minor, currency)
    elif is_id(found.get("payment_intent")):
        yield _named(envelope, found["payment_intent"], invoice_id)


def _outside(
    envelope: Envelope, source: str, invoice_id: str, amount_minor: int, currency: str
) -> Fact:
    return stripe_fact(
        FactKind.PAID_OUTSIDE,
        source,
        envelope.happened_at,
        amount_minor=amount_minor,
        currency=currency,
        evidence={"invoice": invoice_id},
    )


def _named(envelope: Envelope, intent: str, invoice_id: str) -> Fact:
    return stripe_fact(
        FactKind.PAYMENT_NAMED, intent, envelope.happened_at, evidence={"invoice": invoice_id}
    )


def _when_it_ends(subscription: Mapping[str, Any]) -> dict[str, Any]:
    """Return whether a subscription is to end, and at which second, where that is told.

    Under flexible billing, the default of our API version, Stripe's portal sets `cancel_at` and
    leaves the flag alone; before, and by the API, it is the flag. Either means that it ends.
    https://docs.stripe.com/billing/subscriptions/billing-mode/compare
    """
    with_the_month = subscription.get("cancel_at_period_end") is True
    told: dict[str, Any] = {"ends_with_the_month": with_the_month}
    if subscription.get("cancel_at") is not None:
        told["ends_at"] = int(read_instant(subscription, "cancel_at").timestamp())
    elif with_the_month:
        told["ends_at"] = _period_end(subscription)
    return told


def _period_end(subscription: Mapping[str, Any]) -> int | None:
    """Return when the running month ends: since basil its items say so, before it did itself."""
    places = [subscription, *_items_of(subscription)]
    ends = [place.get("current_period_end") for place in places]
    return min((end for end in ends if is_instant(end)), default=None)


def _why_ended(subscription: Mapping[str, Any]) -> dict[str, str]:
    reason = read_word(_object(subscription.get("cancellation_details")), "reason")
    return {"reason": reason} if reason else {}


def _each_month(subscription: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the pledge is about each month, where its one item says so."""
    match _items_of(subscription):
        case [{"price": dict(price), "quantity": 1}]:
            amount_minor = read_minor_units(price, "unit_amount")
            return {"amount_minor": amount_minor, "currency": read_currency(subscription)}
        case _:
            return {}


def _items_of(subscription: Mapping[str, Any]) -> list[dict[str, Any]]:
    items = _object(subscription.get("items")).get("data")
    return [_object(item) for item in items] if isinstance(items, list) else []


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
