"""Reads events about a pledge's money: agreements, invoices, and their payments. Pure.

Since API version 2025-03-31.basil an invoice names its subscription under `parent`, and its payment
has an event of its own. In older versions the invoice itself named its subscription and payment.
This module reads either form.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from donate.gifts.evidence import Evidence
from donate.gifts.facts import Fact, FactKind
from donate.stripe_gateway.events.fields import (
    Claim,
    Envelope,
    IrrelevantEvent,
    Month,
    Reading,
    UnusableEvent,
    is_id,
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

# Stripe's invoice ids have about 30 characters. Much longer ids would not fit into our keys.
MAX_INVOICE_ID: Final = 100


def read_agreement(
    step: str, session: Mapping[str, Any], at: datetime
) -> Reading | IrrelevantEvent:
    """Return the facts of a checkout session in which a donor agrees to monthly debits.

    The session takes no money. The bank account is debited later, through a subscription. `step` is
    the last part of the event's type, such as `completed`.
    """
    metadata = _object(session.get("metadata"))
    gift_id = read_gift_id(metadata)
    if gift_id is None:
        return IrrelevantEvent("a checkout session that this service did not open")
    status = read_word(session, "payment_status")
    if status != "no_payment_required":
        raise UnusableEvent(f"payment_status is {status!r} where nothing was to be paid")
    session_id, attempt = read_text(session, "id"), read_attempt(metadata)
    facts = [stripe_fact(FactKind.CHECKOUT_OPENED, session_id, at, evidence={"attempt": attempt})]
    match step:
        case "completed":
            evidence: Evidence = {"agreement": session_id}
            facts.append(
                stripe_fact(FactKind.PAYMENT_PROCESSING, session_id, at, evidence=evidence)
            )
        case "async_payment_failed":  # This event is synthetic: Stripe does not send it.
            facts.append(stripe_fact(FactKind.PAYMENT_FAILED, session_id, at))
        case "expired":
            facts.append(stripe_fact(FactKind.CHECKOUT_EXPIRED, session_id, at))
        case _:
            return IrrelevantEvent("nothing to record for this type of event")
    claim = Claim(
        reference=read_text(session, "client_reference_id"),
        monthly=True,
        currency=read_currency(_debit_options(session)),
        session_id=session_id,
        attempt=attempt,
    )
    return Reading(facts=tuple(facts), gift_id=gift_id, claim=claim)


def read_invoice(step: str, envelope: Envelope) -> Reading | IrrelevantEvent:
    """Return the facts of an invoice that was paid or could not be collected.

    `step` is the last part of the event's type, such as `paid`.
    """
    invoice = envelope.object
    metadata = _object(subscription_in(invoice).get("metadata"))
    gift_id = read_gift_id(metadata)
    if gift_id is None:
        return IrrelevantEvent("an invoice that this service did not bring about")
    # Before API version basil, an invoice that was paid outside Stripe has `amount_paid` 0.
    is_paid_outside = invoice.get("paid_out_of_band") is True
    amount_field = "amount_paid" if step == "paid" and not is_paid_outside else "amount_due"
    if type(invoice.get(amount_field)) is int and invoice[amount_field] == 0:
        return IrrelevantEvent("an invoice over nothing")
    invoice_id = read_text(invoice, "id", MAX_INVOICE_ID)
    amount_minor = read_minor_units(invoice, amount_field)
    currency = read_currency(invoice)
    is_first = invoice.get("billing_reason") == "subscription_create"
    if step == "paid":
        facts = list(_paid_facts(envelope, amount_minor, currency))
    elif is_first and is_id(metadata.get("session")):
        # The first debit failed, so the agreement as a whole has failed.
        evidence: Evidence = {"agreement": metadata["session"], "invoice": invoice_id}
        facts = [_failed_fact(metadata["session"], envelope.happened_at, evidence)]
    elif is_first:
        attempt = f"{invoice_id}:{read_count(invoice, 'attempt_count')}"
        facts = [stripe_fact(FactKind.PAYMENT_DECLINED, attempt, envelope.happened_at)]
    else:
        facts = [_failed_fact(invoice_id, envelope.happened_at, {})]
    return Reading(
        facts=tuple(facts),
        gift_id=gift_id,
        claim=Claim(
            reference=read_text(metadata, "reference"),
            monthly=True,
            amount_minor=amount_minor if is_first else None,
            currency=currency,
        ),
        month=None
        if is_first
        else Month(invoice_id, amount_minor, currency, read_instant(invoice, "created")),
    )


def read_invoice_payment(envelope: Envelope) -> Reading | IrrelevantEvent:
    """Return a fact that links an invoice to the payment intent that paid it.

    Refunds and disputes name only the payment intent. The fact is PAID_OUTSIDE if staff recorded
    the payment at Stripe and nothing was paid through it.
    """
    invoice_payment = envelope.object
    payment = _object(invoice_payment.get("payment"))
    match payment.get("type"):
        case "payment_intent":
            invoice_id = read_text(invoice_payment, "invoice")
            fact = _named_fact(envelope, read_text(payment, "payment_intent"), invoice_id)
        case "payment_record":
            # Since API version basil, only invoice_payment.paid shows that an invoice was paid
            # outside of Stripe.
            # https://docs.stripe.com/changelog/basil/2025-03-31/add-support-for-multiple-partial-payments-on-invoices
            invoice_id = read_text(invoice_payment, "invoice")
            amount_minor = read_minor_units(invoice_payment, "amount_paid")
            currency = read_currency(invoice_payment)
            record = read_text(payment, "payment_record")
            fact = _paid_outside_fact(envelope, record, invoice_id, amount_minor, currency)
        case _:
            return IrrelevantEvent("an invoice that no payment intent paid")
    return Reading(facts=(fact,), payment=invoice_id)


def _failed_fact(source: str, at: datetime, evidence: Evidence) -> Fact:
    return stripe_fact(FactKind.PAYMENT_FAILED, source, at, evidence=evidence)


def _debit_options(session: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a session's settings for debits. In a setup session, only they name the currency."""
    return _object(_object(session.get("payment_method_options")).get("acss_debit"))


def subscription_in(invoice: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an invoice's subscription_details; since API version basil they are in `parent`."""
    parent = invoice.get("parent")
    return _object((parent if isinstance(parent, dict) else invoice).get("subscription_details"))


def _paid_facts(envelope: Envelope, amount_minor: int, currency: str) -> Iterator[Fact]:
    invoice, invoice_id = envelope.object, read_text(envelope.object, "id")
    yield stripe_fact(
        FactKind.PAYMENT_SUCCEEDED,
        invoice_id,
        envelope.happened_at,
        amount_minor=amount_minor,
        currency=currency,
        evidence={"billing_reason": read_word(invoice, "billing_reason")},
    )
    if invoice.get("paid_out_of_band") is True:
        yield _paid_outside_fact(envelope, invoice_id, invoice_id, amount_minor, currency)
    elif is_id(invoice.get("payment_intent")):
        yield _named_fact(envelope, invoice["payment_intent"], invoice_id)


def _paid_outside_fact(
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


def _named_fact(envelope: Envelope, intent: str, invoice_id: str) -> Fact:
    return stripe_fact(
        FactKind.PAYMENT_NAMED, intent, envelope.happened_at, evidence={"invoice": invoice_id}
    )


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
