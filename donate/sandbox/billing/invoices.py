"""Invoices: each is drafted for a subscription, finalized, and paid by its own payment intent.

https://docs.stripe.com/billing/invoices/subscription
"""

from donate.sandbox.charging.charges import charge_intent, fail_charge, succeed_charge
from donate.sandbox.charging.saved_methods import saved_method_of
from donate.sandbox.errors import Refusal
from donate.sandbox.objects.attempts import Attempt
from donate.sandbox.objects.cards import BANK_REFUSED
from donate.sandbox.objects.invoices import new_invoice, new_invoice_payment
from donate.sandbox.objects.payments import new_payment_intent
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

DAYS_UNTIL_RETRY = 3

_DAY_S = 86_400
_DESCRIPTIONS = {
    "subscription_create": "Subscription creation",
    "subscription_cycle": "Subscription update",
}


def draft_invoice(store: Store, subscription: StripeObject, reason: str) -> StripeObject:
    customer = store.find(store.customers, subscription["customer"])
    invoice = new_invoice(store, subscription, customer, reason)
    store.invoices.put(invoice)
    subscription["latest_invoice"] = invoice["id"]
    store.announce("invoice.created", invoice)
    return invoice


def finalize(store: Store, invoice: StripeObject) -> None:
    """Give a draft invoice its number, and create the payment intent that will pay it."""
    customer = store.find(store.customers, invoice["customer"])
    number = customer["next_invoice_sequence"]
    customer["next_invoice_sequence"] += 1
    invoice["number"] = f"{customer['invoice_prefix']}-{number:04}"
    invoice["status"] = "open"
    invoice["effective_at"] = invoice["status_transitions"]["finalized_at"] = store.now()
    is_first = invoice["billing_reason"] == "subscription_create"
    request = {
        "customer": customer["id"],
        "description": _DESCRIPTIONS[invoice["billing_reason"]],
        "setup_future_usage": "off_session" if is_first else None,
    }
    method = saved_method_of(store, invoice["parent"]["subscription_details"]["subscription"])
    methods = [method.method_details["type"] if method else "card"]
    intent = new_payment_intent(store, invoice["amount_due"], invoice["currency"], methods, request)
    store.payment_intents.put(intent)
    payment = new_invoice_payment(store, invoice, intent)
    store.invoice_payments.put(payment)
    store.payments_of_invoices[invoice["id"]] = payment
    store.invoices_of_intents[intent["id"]] = invoice["id"]
    store.announce("invoice.finalized", invoice)
    store.announce("payment_intent.created", intent)


def collect(store: Store, invoice: StripeObject, attempt: Attempt) -> StripeObject:
    """Charge an open invoice and return the charge, whether it succeeded or not."""
    if invoice["status"] != "open":
        raise Refusal(f"This invoice is {invoice['status']}, so it cannot be collected.")
    intent = _intent_of(store, invoice)
    if intent["status"] == "processing":
        raise Refusal(
            "This invoice's payment is already processing.",
            code="payment_intent_unexpected_state",
            is_final=True,
        )
    charge = charge_intent(store, intent, attempt)
    invoice["attempted"] = True
    invoice["attempt_count"] += 1
    _update_from_charge(store, invoice, charge)
    return charge


def finish_debit(store: Store, invoice: StripeObject, *, succeeds: bool) -> StripeObject:
    """Finish a processing bank debit, as the bank does after some days, and return the charge."""
    intent = _intent_of(store, invoice) if invoice["status"] == "open" else None
    if intent is None or intent["status"] != "processing":
        raise Refusal("This invoice has no processing payment.")
    charge = store.find(store.charges, intent["latest_charge"])
    if succeeds:
        succeed_charge(store, charge, intent)
    else:
        fail_charge(store, charge, intent, BANK_REFUSED)
    _update_from_charge(store, invoice, charge)
    return charge


def is_processing(store: Store, invoice: StripeObject) -> bool:
    """Return whether this invoice's payment is a debit that the bank has not answered yet."""
    return bool(
        invoice["status"] == "open" and _intent_of(store, invoice)["status"] == "processing"
    )


def _update_from_charge(store: Store, invoice: StripeObject, charge: StripeObject) -> None:
    if charge["paid"]:
        _mark_paid(store, invoice, store.payments_of_invoices[invoice["id"]])
    elif charge["status"] == "failed":
        is_card = charge["payment_method_details"]["type"] == "card"
        is_cycle = invoice["billing_reason"] == "subscription_cycle"
        retry_at = store.now() + DAYS_UNTIL_RETRY * _DAY_S
        # Stripe does not retry a debit that the bank refused.
        invoice["next_payment_attempt"] = retry_at if is_cycle and is_card else None
        store.announce("invoice.payment_failed", invoice)


def _intent_of(store: Store, invoice: StripeObject) -> StripeObject:
    payment = store.payments_of_invoices[invoice["id"]]
    return store.find(store.payment_intents, payment["payment"]["payment_intent"])


def void_invoice(store: Store, invoice: StripeObject) -> None:
    """Void an unpaid invoice, so that it is never collected. Raises Refusal for a paid invoice."""
    if invoice["status"] not in ("open", "uncollectible"):
        raise Refusal(
            "You can only pass in open or uncollectible invoices. This invoice isn't open.",
            is_final=True,
        )
    if is_processing(store, invoice):
        raise Refusal("This invoice has a processing payment and cannot be voided.", is_final=True)
    close_unpaid(store, invoice, "void")


def close_unpaid(store: Store, invoice: StripeObject, status: str) -> None:
    """Make an invoice void or uncollectible; either way it is never collected."""
    moment = {"void": "voided_at", "uncollectible": "marked_uncollectible_at"}[status]
    invoice.update(status=status, auto_advance=False, next_payment_attempt=None)
    invoice["status_transitions"][moment] = store.now()
    payment = store.payments_of_invoices[invoice["id"]]
    payment["status"] = "canceled"
    payment["status_transitions"]["canceled_at"] = store.now()
    intent = _intent_of(store, invoice)
    intent.update(status="canceled", canceled_at=store.now(), cancellation_reason="void_invoice")
    store.announce("payment_intent.canceled", intent)
    kind = "invoice.voided" if status == "void" else "invoice.marked_uncollectible"
    store.announce(kind, invoice)


def mark_paid_out_of_band(store: Store, invoice: StripeObject) -> None:
    """Mark an invoice as paid outside Stripe: charge nothing and cancel its payment intent.

    https://docs.stripe.com/api/invoices/pay#pay_invoice-paid_out_of_band
    """
    replaced = store.payments_of_invoices[invoice["id"]]
    intent = _intent_of(store, invoice)
    if intent["status"] == "processing":
        raise Refusal("This invoice has a processing payment.", is_final=True)
    intent.update(status="canceled", canceled_at=store.now(), cancellation_reason="void_invoice")
    replaced["status"] = "canceled"
    replaced["status_transitions"]["canceled_at"] = store.now()
    store.announce("payment_intent.canceled", intent)
    payment = new_invoice_payment(store, invoice, intent)
    payment["payment"] = {"payment_record": store.new_id("pr_1"), "type": "payment_record"}
    store.invoice_payments.put(payment)
    store.payments_of_invoices[invoice["id"]] = payment
    _mark_paid(store, invoice, payment)


def _mark_paid(store: Store, invoice: StripeObject, payment: StripeObject) -> None:
    amount, now = invoice["amount_due"], store.now()
    invoice.update(
        amount_paid=amount,
        amount_remaining=0,
        auto_advance=False,
        next_payment_attempt=None,
        status="paid",
    )
    invoice["status_transitions"]["paid_at"] = now
    payment.update(amount_paid=amount, status="paid")
    payment["status_transitions"]["paid_at"] = now
    store.announce("invoice.paid", invoice)
    if payment["payment"]["type"] == "payment_intent":
        store.announce("invoice.payment_succeeded", invoice)
    store.announce("invoice_payment.paid", payment)
