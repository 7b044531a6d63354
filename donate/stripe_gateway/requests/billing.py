"""Calls to Stripe about pledges: subscriptions, their changes, and single monthly payments.

Each raises StripeRefused, StripeKeyRefused or StripeUnavailable, as every call does.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from donate.errors import StripeRefused, StripeUnavailable
from donate.money import Money
from donate.stripe_gateway.client import StripeClient
from donate.stripe_gateway.setup.portal import is_ours

if TYPE_CHECKING:
    from stripe.params import (
        ProductCreateParams,
        SubscriptionCreateParams,
        SubscriptionUpdateParams,
        SubscriptionUpdateParamsPauseCollection,
    )
    from stripe.params.billing_portal import SessionCreateParams


_PAYMENTS: Final = "payments.data.payment.payment_intent"
# The key in a product's metadata that holds the id of its gift.
_GIFT_ID_KEY: Final = "gift_id"


class Billing:
    """The calls to Stripe that start, change and end a monthly gift, or collect payments."""

    def __init__(self, client: StripeClient) -> None:
        self._client = client

    def session(self, session_id: str) -> dict[str, Any]:
        """Return a checkout session with its setup intent, as Stripe's JSON."""
        return self._client.retrieve_session(session_id)

    def is_allowed_url(self, url: str) -> bool:
        """Return whether a donor may be sent to a URL."""
        return self._client.is_allowed_url(url)

    def subscription(self, subscription_id: str) -> dict[str, Any]:
        """Return a subscription as Stripe's JSON."""
        return self._client.ask(
            lambda sdk: sdk.v1.subscriptions.retrieve(subscription_id), "subscription"
        )

    def subscription_with_method(self, subscription_id: str) -> dict[str, Any]:
        """Return a subscription. Its payment method is Stripe's object, not only the id of it."""
        expand: Any = {"expand": ["default_payment_method"]}
        return self._client.ask(
            lambda sdk: sdk.v1.subscriptions.retrieve(subscription_id, expand), "subscription"
        )

    def subscription_of(self, customer_id: str) -> dict[str, Any] | None:
        """Return the newest subscription of a customer in any status, or None."""
        params = {"customer": customer_id, "status": "all", "limit": 1}
        subscriptions = self._client.list_page("subscriptions", params).objects
        return subscriptions[0] if subscriptions else None

    def create_product(self, name: str, gift_id: str, key: str) -> str:
        """Create the product to which the prices of a gift belong; return the product's id."""
        options: Any = {"idempotency_key": key}
        params: ProductCreateParams = {"name": name, "metadata": {_GIFT_ID_KEY: gift_id}}
        product = self._client.ask(lambda sdk: sdk.v1.products.create(params, options), "product")
        return str(product.get("id"))

    def begin_debits(
        self,
        customer_id: str,
        method_id: str,
        amount: Money,
        *,
        product_id: str,
        metadata: dict[str, str],
        key: str,
    ) -> dict[str, Any]:
        """Debit a saved bank account now and each month; return the new subscription.

        A repeated call with the same idempotency key returns the same subscription.
        """
        options: Any = {"idempotency_key": key}
        params: SubscriptionCreateParams = {
            "customer": customer_id,
            "default_payment_method": method_id,
            "description": metadata["reference"],
            "items": [{"price_data": _monthly(amount, product_id), "quantity": 1}],
            "metadata": metadata,
            "off_session": True,
            "payment_settings": {"payment_method_types": ["acss_debit"]},
        }
        return self._client.ask(
            lambda sdk: sdk.v1.subscriptions.create(params, options), "subscription"
        )

    def pause(
        self, subscription_id: str, key: str, resumes_at: datetime | None = None
    ) -> dict[str, Any]:
        """Pause collection, until `resumes_at` if given. The invoices of paused months are void.

        https://docs.stripe.com/billing/subscriptions/pause-payment
        """
        pause: SubscriptionUpdateParamsPauseCollection = {"behavior": "void"}
        if resumes_at:
            pause["resumes_at"] = int(resumes_at.timestamp())
        return self._change(subscription_id, {"pause_collection": pause}, key)

    def resume(self, subscription_id: str, key: str) -> dict[str, Any]:
        """Resume collection, beginning with the next month."""
        return self._change(subscription_id, {"pause_collection": ""}, key)

    def change_amount(
        self, subscription_id: str, amount: Money, key: str, *, name: str, gift_id: str
    ) -> dict[str, Any]:
        """Collect another amount from the next month on, without a charge for the current month.

        The new price needs an active product. The product that Checkout created inline is not
        active. So the first change creates a product of ours, and later changes reuse it.
        """
        expand: Any = {"expand": ["items.data.price.product"]}
        subscription = self._client.ask(
            lambda sdk: sdk.v1.subscriptions.retrieve(subscription_id, expand), "subscription"
        )
        item = _only_item(subscription)
        product_id = _usable_product(item, gift_id)
        if product_id is None:
            product_id = self.create_product(name, gift_id, f"{key}:product")
        changes: SubscriptionUpdateParams = {
            "proration_behavior": "none",
            "items": [{"id": item["id"], "price_data": _monthly(amount, product_id)}],
        }
        return self._change(subscription_id, changes, key)

    def cancel(self, subscription_id: str, key: str) -> dict[str, Any]:
        """Cancel a subscription now."""
        options: Any = {"idempotency_key": key}
        return self._client.ask(
            lambda sdk: sdk.v1.subscriptions.cancel(subscription_id, options=options),
            "subscription",
        )

    def cancel_after_month(self, subscription_id: str, key: str) -> dict[str, Any]:
        """Cancel a subscription at the end of the month that is already paid for."""
        return self._change(subscription_id, {"cancel_at_period_end": True}, key)

    def pay_invoice(self, invoice_id: str) -> dict[str, Any]:
        """Retry an open invoice with the saved payment method; return it, paid or processing.

        The call needs no idempotency key, because Stripe pays an invoice only once. If the payment
        is declined, raises StripeRefused with Stripe's code.
        """
        expand: Any = {"expand": [_PAYMENTS]}
        return self._client.ask(lambda sdk: sdk.v1.invoices.pay(invoice_id, expand), "invoice")

    def invoice(self, invoice_id: str) -> dict[str, Any]:
        """Return an invoice with its payments and their intents, as Stripe's JSON."""
        expand: Any = {"expand": [_PAYMENTS]}
        return self._client.ask(lambda sdk: sdk.v1.invoices.retrieve(invoice_id, expand), "invoice")

    def void_invoice(self, invoice_id: str) -> dict[str, Any]:
        """Void an invoice, so that its amount is never collected."""
        return self._client.ask(lambda sdk: sdk.v1.invoices.void_invoice(invoice_id), "invoice")

    def card_page(self, subscription_id: str, back: str, saved: str, *, french: bool) -> str:
        """Return the URL of Stripe's page where a donor can only replace their card.

        The page returns to `back`, or to `saved` after a card was replaced. It changes the
        customer's default card. The subscription still charges its own card until `charge_new_card`
        is called.
        https://docs.stripe.com/customer-management/portal-deep-links
        """
        params: SessionCreateParams = {
            "customer": self._customer_with_default_card(subscription_id),
            "return_url": back,
            "locale": "fr-CA" if french else "en",
            "flow_data": {
                "type": "payment_method_update",
                "after_completion": {"type": "redirect", "redirect": {"return_url": saved}},
            },
        }
        try:
            return self._portal(params)
        except StripeRefused:
            # There is no default configuration if the portal's settings were never saved.
            params["configuration"] = self._our_configuration()
            if not params["configuration"]:
                raise
        return self._portal(params)

    def charge_new_card(self, subscription_id: str) -> bool:
        """If the donor entered a new card on Stripe's page, charge this card from now on.

        Return whether they did.
        """
        _, default_card, own_card = self._customer_and_cards(subscription_id)
        if own_card and default_card and default_card != own_card:
            changes: SubscriptionUpdateParams = {"default_payment_method": default_card}
            self._client.ask(
                lambda sdk: sdk.v1.subscriptions.update(subscription_id, changes), "subscription"
            )
            return True
        return False

    def _portal(self, params: "SessionCreateParams") -> str:
        return self._client.redirect_url(
            self._client.ask(
                lambda sdk: sdk.v1.billing_portal.sessions.create(params), "billing_portal.session"
            )
        )

    def _our_configuration(self) -> str:
        """Return the id of the portal configuration that `donate stripe setup` created, or ''."""
        page = self._client.list_page("portal_configurations", {"active": True, "limit": 100})
        return next((str(one["id"]) for one in page.objects if is_ours(one)), "")

    def _customer_with_default_card(self, subscription_id: str) -> str:
        """Make the default card the same as the card that we charge; return the customer's id.

        If the cards differ, charge the default card: the donor entered it on Stripe's page, perhaps
        without returning to us. If there is no default card, make the card that we charge the
        default card.
        """
        customer_id, default_card, own_card = self._customer_and_cards(subscription_id)
        if own_card and default_card and default_card != own_card:
            self.charge_new_card(subscription_id)
        elif own_card and not default_card:
            changes: Any = {"invoice_settings": {"default_payment_method": own_card}}
            self._client.ask(lambda sdk: sdk.v1.customers.update(customer_id, changes), "customer")
        return customer_id

    def _customer_and_cards(self, subscription_id: str) -> tuple[str, str, str]:
        """Return the customer's id, its default card and the subscription's card ('' if none)."""
        expand: Any = {"expand": ["customer"]}
        subscription = self._client.ask(
            lambda sdk: sdk.v1.subscriptions.retrieve(subscription_id, expand), "subscription"
        )
        customer = subscription.get("customer")
        if not isinstance(customer, dict) or not isinstance(customer.get("id"), str):
            raise StripeUnavailable("the subscription has no customer")
        settings = customer.get("invoice_settings")
        default_card = (
            settings.get("default_payment_method") if isinstance(settings, dict) else None
        )
        own_card = subscription.get("default_payment_method")
        return (
            customer["id"],
            default_card if isinstance(default_card, str) else "",
            own_card if isinstance(own_card, str) else "",
        )

    def _change(
        self, subscription_id: str, params: "SubscriptionUpdateParams", key: str
    ) -> dict[str, Any]:
        options: Any = {"idempotency_key": key}
        return self._client.ask(
            lambda sdk: sdk.v1.subscriptions.update(subscription_id, params, options=options),
            "subscription",
        )


def _monthly(amount: Money, product_id: str) -> Any:
    return {
        "currency": amount.currency.lower(),
        "product": product_id,
        "recurring": {"interval": "month"},
        "unit_amount": amount.amount_minor,
    }


def _only_item(subscription: dict[str, Any]) -> dict[str, Any]:
    try:
        (item,) = subscription["items"]["data"]
        if isinstance(item["id"], str) and isinstance(item["price"]["product"], dict):
            only_item: dict[str, Any] = item
            return only_item
    except (KeyError, TypeError, ValueError):
        pass
    raise StripeUnavailable("the subscription is not one that this service began")


def _usable_product(item: dict[str, Any], gift_id: str) -> str | None:
    """Return the product of an item's price if we created it and it is active, else None."""
    product = item["price"]["product"]
    metadata = product.get("metadata")
    is_ours = isinstance(metadata, dict) and metadata.get(_GIFT_ID_KEY) == gift_id
    return str(product["id"]) if is_ours and product.get("active") is True else None
