"""A monthly gift on a test clock: begun, changed, paused, resumed, failed and ended, by the API."""

from dataclasses import dataclass
from typing import Any, Final

from donate.money import Money
from donate.stripe_gateway.assumptions import objects
from donate.stripe_gateway.assumptions.world import Json, World

CHANGED_AMOUNT: Final = 6_000
GOOD_CARD: Final = "pm_card_visa"
# It can be saved, and declines whenever it is charged.
BAD_CARD: Final = "pm_card_chargeCustomerFail"
# A month's invoice is drafted first, and collected an hour later.
_COLLECTED_AFTER_S: Final = 3 * 3_600


@dataclass(frozen=True, slots=True)
class Pledge:
    """A subscription by card, as Checkout begins one, and what it hangs on."""

    clock_id: str
    customer_id: str
    product_id: str
    subscription_id: str
    reference: str
    gift_id: str
    first_invoice: str


def pledge(world: World, *, proving: bool = False) -> Pledge:
    """Return a running pledge on a clock of its own."""
    found: Pledge = world.make_once(
        "monthly gift", lambda: _begin(world, GOOD_CARD), proving=proving
    )
    return found


def second_pledge(world: World) -> Pledge:
    """Return a second running pledge, for what would be in the way of the first one's months."""
    found: Pledge = world.make_once("second monthly gift", lambda: _begin(world, GOOD_CARD))
    return found


def declined_pledge(world: World) -> Pledge:
    """Return a pledge whose first month was declined."""
    found: Pledge = world.make_once(
        "monthly gift whose first month is declined", lambda: _begin(world, BAD_CARD)
    )
    return found


def _begin(world: World, card: str) -> Pledge:
    gift = objects.new_gift(world, objects.CARD_MONTHLY)
    asked: Any = {"frozen_time": int(world.clock.now().timestamp()), "name": gift.reference}
    clock = world.call(
        lambda sdk: sdk.v1.test_helpers.test_clocks.create(asked), "test_helpers.test_clock"
    )["id"]
    world.remove_later(
        f"test clock {clock}",
        lambda: world.call(
            lambda sdk: sdk.v1.test_helpers.test_clocks.delete(clock), "test_helpers.test_clock"
        ),
    )
    who: Any = {"email": "check@example.com", "name": "Ann Check", "test_clock": clock}
    customer = world.call(lambda sdk: sdk.v1.customers.create(who), "customer")["id"]
    product = objects.new_product(world, gift.reference)
    method = save_card(world, customer, card)
    monthly: Any = {
        "customer": customer,
        "default_payment_method": method,
        "description": gift.reference,
        "items": [{"price_data": monthly_price(product, objects.AMOUNT), "quantity": 1}],
        "metadata": objects.metadata_of(gift),
    }
    found = world.call(lambda sdk: sdk.v1.subscriptions.create(monthly), "subscription")
    return Pledge(
        clock_id=clock,
        customer_id=customer,
        product_id=product,
        subscription_id=found["id"],
        reference=gift.reference,
        gift_id=str(gift.id),
        first_invoice=found["latest_invoice"],
    )


def monthly_price(product: str, amount_minor: int) -> Json:
    """Return the price of a month."""
    return {
        "currency": "cad",
        "product": product,
        "recurring": {"interval": "month"},
        "unit_amount": amount_minor,
    }


def save_card(world: World, customer: str, card: str) -> str:
    """Save one of test mode's cards for a customer; returns its id."""
    asked: Any = {"customer": customer}
    found = world.call(lambda sdk: sdk.v1.payment_methods.attach(card, asked), "payment_method")
    return str(found["id"])


def pay_with(world: World, begun: Pledge, card: str) -> None:
    """Have a pledge collected with another card from now on."""
    asked: Any = {"default_payment_method": save_card(world, begun.customer_id, card)}
    world.call(
        lambda sdk: sdk.v1.subscriptions.update(begun.subscription_id, asked), "subscription"
    )


def subscription_of(world: World, begun: Pledge) -> Json:
    """Return a pledge's subscription as it is now."""
    return world.billing.subscription(begun.subscription_id)


def next_month(world: World, begun: Pledge) -> Json:
    """Let a month pass; returns its invoice with what paid it."""
    before = subscription_of(world, begun)
    end = before["items"]["data"][0]["current_period_end"]
    asked: Any = {"frozen_time": end + _COLLECTED_AFTER_S}
    clock = "test_helpers.test_clock"
    world.call(lambda sdk: sdk.v1.test_helpers.test_clocks.advance(begun.clock_id, asked), clock)

    def is_ready() -> bool:
        found = world.call(
            lambda sdk: sdk.v1.test_helpers.test_clocks.retrieve(begun.clock_id), clock
        )
        return bool(found["status"] == "ready")

    world.wait_for("clock that is ready", is_ready, 180.0)
    return world.billing.invoice(subscription_of(world, begun)["latest_invoice"])


def changed_pledge(world: World, *, proving: bool = False) -> Json:
    """Return the subscription once its amount was changed, as a donor does."""
    begun, amount = pledge(world), Money(CHANGED_AMOUNT, "CAD")

    def change() -> Json:
        key = f"donate-check-{begun.subscription_id}:amount"
        return world.billing.change_amount(
            begun.subscription_id,
            amount,
            key,
            name=begun.subscription_id,
            gift_id=begun.subscription_id,
        )

    found: Json = world.make_once("changed monthly gift", change, proving=proving)
    return found


def second_month(world: World) -> Json:
    """Return the invoice of the month after the amount was changed."""
    changed_pledge(world)
    found: Json = world.make_once("second month", lambda: next_month(world, pledge(world)))
    return found


def paused_pledge(world: World, *, proving: bool = False) -> Json:
    """Return the subscription once it was paused, after its second month."""
    second_month(world)
    begun = pledge(world).subscription_id
    found: Json = world.make_once(
        "paused monthly gift",
        lambda: world.billing.pause(begun, f"donate-check-{begun}:pause"),
        proving=proving,
    )
    return found


def paused_month(world: World) -> Json:
    """Return the invoice of a month that passed while the pledge was paused."""
    paused_pledge(world)
    found: Json = world.make_once("paused month", lambda: next_month(world, pledge(world)))
    return found


def resumed_pledge(world: World, *, proving: bool = False) -> Json:
    """Return the subscription once it goes on."""
    paused_month(world)
    begun = pledge(world).subscription_id
    found: Json = world.make_once(
        "resumed monthly gift",
        lambda: world.billing.resume(begun, f"donate-check-{begun}:resume"),
        proving=proving,
    )
    return found


def failed_month(world: World) -> Json:
    """Return the invoice of a month whose card was declined."""
    resumed_pledge(world)

    def fail() -> Json:
        pay_with(world, pledge(world), BAD_CARD)
        return next_month(world, pledge(world))

    found: Json = world.make_once("failed month", fail)
    return found


def retried_month(world: World, *, proving: bool = False) -> Json:
    """Return the failed month's invoice once it was paid with another card."""
    invoice = failed_month(world)["id"]

    def pay() -> Json:
        pay_with(world, pledge(world), GOOD_CARD)
        return world.billing.pay_invoice(invoice)

    found: Json = world.make_once("month paid after all", pay, proving=proving)
    return found


def ended_pledge(world: World, *, proving: bool = False) -> Json:
    """Return the subscription once it was ended, as a donor does."""
    retried_month(world)
    begun = pledge(world).subscription_id
    found: Json = world.make_once(
        "ended monthly gift",
        lambda: world.billing.cancel(begun, f"donate-check-{begun}:cancel"),
        proving=proving,
    )
    return found
