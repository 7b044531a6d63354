"""The calls about pledges: what a subscription is, what is to change, a month tried once more.

Each raises StripeRefused, StripeKeyRefused or StripeUnavailable, as every call does.
"""

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
    )
    from stripe.params.billing_portal import SessionCreateParams


_PAYMENTS: Final = "payments.data.payment.payment_intent"
# Which gift's product it is, in the product's metadata.
_GIFT: Final = "gift_id"


class Billing:
    """Stripe's billing, as far as a donor's wishes reach."""

    def __init__(self, client: StripeClient) -> None:
        self._client = client

    def session(self, session_id: str) -> dict[str, Any]:
        """Return a checkout session with what was set up in it, as Stripe's JSON."""
        return self._client.retrieve_session(session_id)

    def is_known(self, url: str) -> bool:
        """Tell whether a donor may be sent to an address."""
        return self._client.is_known(url)

    def subscription(self, subscription_id: str) -> dict[str, Any]:
        """Return a subscription as Stripe's JSON."""
        return self._client.ask(
            lambda sdk: sdk.v1.subscriptions.retrieve(subscription_id), "subscription"
        )

    def subscription_of(self, customer_id: str) -> dict[str, Any] | None:
        """Return the newest subscription of a customer, whatever became of it, or None."""
        asked = {"customer": customer_id, "status": "all", "limit": 1}
        found = self._client.list_page("subscriptions", asked).objects
        return found[0] if found else None

    def create_product(self, name: str, gift_id: str, key: str) -> str:
        """Make what the prices of a gift are the prices of; returns its id."""
        options: Any = {"idempotency_key": key}
        asked: ProductCreateParams = {"name": name, "metadata": {_GIFT: gift_id}}
        found = self._client.ask(lambda sdk: sdk.v1.products.create(asked, options), "product")
        return str(found.get("id"))

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
        """Begin to debit a saved account, now and each month; the same key gives the same again."""
        options: Any = {"idempotency_key": key}
        asked: SubscriptionCreateParams = {
            "customer": customer_id,
            "default_payment_method": method_id,
            "description": metadata["reference"],
            "items": [{"price_data": _monthly(amount, product_id), "quantity": 1}],
            "metadata": metadata,
            "off_session": True,
            "payment_settings": {"payment_method_types": ["acss_debit"]},
        }
        return self._client.ask(
            lambda sdk: sdk.v1.subscriptions.create(asked, options), "subscription"
        )

    def pause(self, subscription_id: str, key: str) -> dict[str, Any]:
        """Let months pass without collecting; their invoices are void."""
        return self._change(subscription_id, {"pause_collection": {"behavior": "void"}}, key)

    def resume(self, subscription_id: str, key: str) -> dict[str, Any]:
        """Collect again from the next month on."""
        return self._change(subscription_id, {"pause_collection": ""}, key)

    def change_amount(
        self, subscription_id: str, amount: Money, key: str, *, name: str, gift_id: str
    ) -> dict[str, Any]:
        """Collect another amount from the next month on; nothing is charged for the running one.

        The new price needs a product that is active. The one that Checkout made inline is not, so
        that a first change makes a product of our own, which later ones use again.
        """
        expand: Any = {"expand": ["items.data.price.product"]}
        found = self._client.ask(
            lambda sdk: sdk.v1.subscriptions.retrieve(subscription_id, expand), "subscription"
        )
        item = _only_item(found)
        product_id = _usable_product(item, gift_id)
        if product_id is None:
            product_id = self.create_product(name, gift_id, f"{key}:product")
        changed: SubscriptionUpdateParams = {
            "proration_behavior": "none",
            "items": [{"id": item["id"], "price_data": _monthly(amount, product_id)}],
        }
        return self._change(subscription_id, changed, key)

    def cancel(self, subscription_id: str, key: str) -> dict[str, Any]:
        """End it now."""
        options: Any = {"idempotency_key": key}
        return self._client.ask(
            lambda sdk: sdk.v1.subscriptions.cancel(subscription_id, options=options),
            "subscription",
        )

    def pay_invoice(self, invoice_id: str) -> dict[str, Any]:
        """Try an open invoice once more with what was saved; returns it, paid or under way.

        Needs no key: an invoice is paid once. A decline is StripeRefused with Stripe's code.
        """
        expand: Any = {"expand": [_PAYMENTS]}
        return self._client.ask(lambda sdk: sdk.v1.invoices.pay(invoice_id, expand), "invoice")

    def invoice(self, invoice_id: str) -> dict[str, Any]:
        """Return an invoice with its payments and their intents, as Stripe's JSON."""
        expand: Any = {"expand": [_PAYMENTS]}
        return self._client.ask(lambda sdk: sdk.v1.invoices.retrieve(invoice_id, expand), "invoice")

    def void_invoice(self, invoice_id: str) -> dict[str, Any]:
        """Make sure that nobody is ever asked for this month's money again."""
        return self._client.ask(lambda sdk: sdk.v1.invoices.void_invoice(invoice_id), "invoice")

    def card_page(self, subscription_id: str, back: str, saved: str, *, french: bool) -> str:
        """Return the address of Stripe's page where a donor replaces their card, and only that.

        It leads `back`, or to `saved` when there is a new card. That page changes the customer's
        default and not the subscription's own card, which goes on being charged until
        `charge_new_card`. https://docs.stripe.com/customer-management/portal-deep-links
        """
        asked: SessionCreateParams = {
            "customer": self._customer_with_this_card(subscription_id),
            "return_url": back,
            "locale": "fr-CA" if french else "en",
            "flow_data": {
                "type": "payment_method_update",
                "after_completion": {"type": "redirect", "redirect": {"return_url": saved}},
            },
        }
        try:
            return self._portal(asked)
        except StripeRefused:
            # Where the Dashboard's settings were never saved, there is no default to open with.
            asked["configuration"] = self._configuration_of_ours()
            if not asked["configuration"]:
                raise
        return self._portal(asked)

    def charge_new_card(self, subscription_id: str) -> None:
        """Charge the card that the donor typed into Stripe's page; without one, change nothing."""
        _, default, own = self._cards_of(subscription_id)
        if own and default and default != own:
            changed: SubscriptionUpdateParams = {"default_payment_method": default}
            self._client.ask(
                lambda sdk: sdk.v1.subscriptions.update(subscription_id, changed), "subscription"
            )

    def _portal(self, asked: "SessionCreateParams") -> str:
        return self._client.leads_to(
            self._client.ask(
                lambda sdk: sdk.v1.billing_portal.sessions.create(asked), "billing_portal.session"
            )
        )

    def _configuration_of_ours(self) -> str:
        """Return the portal's configuration that `donate stripe setup` made, if it made one."""
        listed = self._client.list_page("portal_configurations", {"active": True, "limit": 100})
        return next((str(one["id"]) for one in listed.objects if is_ours(one)), "")

    def _customer_with_this_card(self, subscription_id: str) -> str:
        """Make the customer's default the card that is charged now; returns the customer's id.

        A default that differs is a card that was typed into Stripe's page before: it is charged
        from now on, for its donor may not have come back to us.
        """
        customer_id, default, own = self._cards_of(subscription_id)
        if own and default and default != own:
            self.charge_new_card(subscription_id)
        elif own and not default:
            changed: Any = {"invoice_settings": {"default_payment_method": own}}
            self._client.ask(lambda sdk: sdk.v1.customers.update(customer_id, changed), "customer")
        return customer_id

    def _cards_of(self, subscription_id: str) -> tuple[str, str, str]:
        """Return a customer's id and default card, and the subscription's own card, '' for none."""
        expand: Any = {"expand": ["customer"]}
        found = self._client.ask(
            lambda sdk: sdk.v1.subscriptions.retrieve(subscription_id, expand), "subscription"
        )
        customer = found.get("customer")
        if not isinstance(customer, dict) or not isinstance(customer.get("id"), str):
            raise StripeUnavailable("the subscription has no customer")
        settings = customer.get("invoice_settings")
        default = settings.get("default_payment_method") if isinstance(settings, dict) else None
        own = found.get("default_payment_method")
        return (
            customer["id"],
            default if isinstance(default, str) else "",
            own if isinstance(own, str) else "",
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
            found: dict[str, Any] = item
            return found
    except (KeyError, TypeError, ValueError):
        pass
    raise StripeUnavailable("the subscription is not one that this service began")


def _usable_product(item: dict[str, Any], gift_id: str) -> str | None:
    """Return the product of an item's price, if it is ours and takes new prices."""
    product = item["price"]["product"]
    metadata = product.get("metadata")
    is_ours = isinstance(metadata, dict) and metadata.get(_GIFT) == gift_id
    return str(product["id"]) if is_ours and product.get("active") is True else None
