"""Control routes that renew and end subscriptions, and that change unpaid invoices."""

from typing import Any, Literal

from fastapi import APIRouter

from donate.sandbox.billing.subscriptions import (
    ENDED,
    EndReason,
    collect_with_saved_method,
    end_subscription,
    renew,
    settle_debit,
    update_subscription,
)
from donate.sandbox.control.bodies import ControlBody
from donate.sandbox.errors import Refusal
from donate.sandbox.objects.expand import answers
from donate.sandbox.store import Store


class Collect(ControlBody):
    succeed: bool | None = True
    """Whether the payment succeeds. If None, the saved method decides; debits stay processing."""


class End(ControlBody):
    reason: EndReason = "cancellation_requested"
    """Stripe gives the reason `payment_failed` after its last attempt to collect failed."""


class Become(ControlBody):
    """The body of a request to set a subscription's status.

    At Stripe, other causes lead to this status, such as a trial or a missing card.
    """

    status: Literal["active", "past_due", "paused", "trialing", "unpaid"]


class Settle(ControlBody):
    succeed: bool


def add_subscriptions(router: APIRouter, store: Store) -> None:
    @router.post("/subscriptions/{subscription_id}/renew")
    async def renew_subscription(subscription_id: str, body: Collect) -> dict[str, Any]:
        subscription = store.find(store.subscriptions, subscription_id)
        invoice = renew(store, subscription, succeeds=body.succeed)
        return answers(store, subscription=subscription, invoice=invoice)

    @router.post("/subscriptions/{subscription_id}/cancel")
    async def cancel(subscription_id: str, body: End | None = None) -> dict[str, Any]:
        subscription = store.find(store.subscriptions, subscription_id)
        if subscription["status"] in ENDED:
            raise Refusal(f"This subscription is already {subscription['status']}.")
        end_subscription(store, subscription, (body or End()).reason)
        return answers(store, subscription=subscription)

    @router.post("/subscriptions/{subscription_id}/status")
    async def become(subscription_id: str, body: Become) -> dict[str, Any]:
        subscription = store.find(store.subscriptions, subscription_id)
        if subscription["status"] in ENDED:
            raise Refusal(f"This subscription is already {subscription['status']}.")
        update_subscription(store, subscription, status=body.status)
        return answers(store, subscription=subscription)

    @router.post("/invoices/{invoice_id}/settle")
    async def settle_invoice(invoice_id: str, body: Settle) -> dict[str, Any]:
        invoice = store.find(store.invoices, invoice_id)
        charge = settle_debit(store, invoice, succeeds=body.succeed)
        return answers(store, invoice=invoice, charge=charge)

    @router.post("/invoices/{invoice_id}/pay")
    async def pay_invoice(invoice_id: str, body: Collect) -> dict[str, Any]:
        invoice = store.find(store.invoices, invoice_id)
        charge = collect_with_saved_method(store, invoice, succeeds=body.succeed)
        return answers(store, invoice=invoice, charge=charge)
