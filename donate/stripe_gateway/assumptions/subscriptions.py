"""Monthly gifts for the checks. Checks start, change, pause and end them on a test clock.

`world` is Stripe in test mode. `proving` is true in the check that tests the creation itself; see
`World.make_once`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from donate.money import Money
from donate.stripe_gateway.assumptions import objects
from donate.stripe_gateway.assumptions.world import Json, World

CHANGED_AMOUNT: Final = 6_000
GOOD_CARD: Final = "pm_card_visa"
# The id of a test card that can be saved, but is declined whenever it is charged.
BAD_CARD: Final = "pm_card_chargeCustomerFail"
# How far past the end of a billing month to advance the test clock. Stripe drafts the next invoice
# at the end of the month and collects it about an hour later.
_COLLECTED_AFTER_S: Final = 3 * 3_600


@dataclass(frozen=True, slots=True)
class Pledge:
    """A card subscription like one from Checkout, with the objects it depends on."""

    clock_id: str
    customer_id: str
    product_id: str
    subscription_id: str
    reference: str
    gift_id: str
    first_invoice: str


def pledge(world: World, *, proving: bool = False) -> Pledge:
    """Return a running pledge on its own test clock."""
    return world.make_once("monthly gift", lambda: _create(world, GOOD_CARD), proving=proving)


def second_pledge(world: World) -> Pledge:
    """Return a second running pledge, for checks that would disturb the invoices of `pledge`."""
    return world.make_once("second monthly gift", lambda: _create(world, GOOD_CARD))


def pledge_to_pause(world: World) -> Pledge:
    """Return a third running pledge, for checks that pause it until a date."""
    return world.make_once("third monthly gift", lambda: _create(world, GOOD_CARD))


def pledge_to_pause_briefly(world: World) -> Pledge:
    """Return a fourth running pledge, for a pause that leaves out no month."""
    return world.make_once("fourth monthly gift", lambda: _create(world, GOOD_CARD))


def declined_pledge(world: World) -> Pledge:
    """Return a pledge whose first payment was declined."""
    return world.make_once(
        "monthly gift whose first month is declined", lambda: _create(world, BAD_CARD)
    )


def _create(world: World, card: str) -> Pledge:
    gift = objects.new_gift(world, objects.CARD_MONTHLY)
    clock_params: Any = {"frozen_time": int(world.clock.now().timestamp()), "name": gift.reference}
    clock = world.call(
        lambda sdk: sdk.v1.test_helpers.test_clocks.create(clock_params), "test_helpers.test_clock"
    )["id"]
    world.remove_later(
        f"test clock {clock}",
        lambda: world.call(
            lambda sdk: sdk.v1.test_helpers.test_clocks.delete(clock), "test_helpers.test_clock"
        ),
    )
    customer_params: Any = {"email": "check@example.com", "name": "Ann Check", "test_clock": clock}
    customer = world.call(lambda sdk: sdk.v1.customers.create(customer_params), "customer")["id"]
    product = objects.new_product(world, gift.reference)
    method = save_card(world, customer, card)
    subscription_params: Any = {
        "customer": customer,
        "default_payment_method": method,
        "description": gift.reference,
        "items": [{"price_data": monthly_price(product, objects.AMOUNT), "quantity": 1}],
        "metadata": objects.metadata_of(gift),
    }
    subscription = world.call(
        lambda sdk: sdk.v1.subscriptions.create(subscription_params), "subscription"
    )
    return Pledge(
        clock_id=clock,
        customer_id=customer,
        product_id=product,
        subscription_id=subscription["id"],
        reference=gift.reference,
        gift_id=str(gift.id),
        first_invoice=subscription["latest_invoice"],
    )


def monthly_price(product: str, amount_minor: int) -> Json:
    """Return the parameters of a monthly price."""
    return {
        "currency": "cad",
        "product": product,
        "recurring": {"interval": "month"},
        "unit_amount": amount_minor,
    }


def save_card(world: World, customer: str, card: str) -> str:
    """Save one of test mode's cards for a customer and return its id."""
    params: Any = {"customer": customer}
    method = world.call(lambda sdk: sdk.v1.payment_methods.attach(card, params), "payment_method")
    return str(method["id"])


def pay_with(world: World, pledge: Pledge, card: str) -> None:
    """Make another card the default card of a pledge."""
    params: Any = {"default_payment_method": save_card(world, pledge.customer_id, card)}
    world.call(
        lambda sdk: sdk.v1.subscriptions.update(pledge.subscription_id, params), "subscription"
    )


def subscription_of(world: World, pledge: Pledge) -> Json:
    """Return a pledge's subscription in its present state."""
    return world.billing.subscription(pledge.subscription_id)


def next_month(world: World, pledge: Pledge) -> Json:
    """Advance the clock by a month; return the new month's invoice with its payments."""
    subscription = subscription_of(world, pledge)
    end = subscription["items"]["data"][0]["current_period_end"]
    params: Any = {"frozen_time": end + _COLLECTED_AFTER_S}
    clock = "test_helpers.test_clock"
    world.call(lambda sdk: sdk.v1.test_helpers.test_clocks.advance(pledge.clock_id, params), clock)

    def is_ready() -> bool:
        state = world.call(
            lambda sdk: sdk.v1.test_helpers.test_clocks.retrieve(pledge.clock_id), clock
        )
        return bool(state["status"] == "ready")

    world.wait_for("ready test clock", is_ready, 180.0)
    return world.billing.invoice(subscription_of(world, pledge)["latest_invoice"])


def changed_pledge(world: World, *, proving: bool = False) -> Json:
    """Return the subscription after its amount was changed, as a donor would do it."""
    subscription_id, amount = pledge(world).subscription_id, Money(CHANGED_AMOUNT, "CAD")

    def change() -> Json:
        key = f"donate-check-{subscription_id}:amount"
        return world.billing.change_amount(
            subscription_id, amount, key, name=subscription_id, gift_id=subscription_id
        )

    return world.make_once("changed monthly gift", change, proving=proving)


def second_month(world: World) -> Json:
    """Return the first invoice after the amount was changed."""
    changed_pledge(world)
    return world.make_once("second month", lambda: next_month(world, pledge(world)))


def paused_pledge(world: World, *, proving: bool = False) -> Json:
    """Return the subscription after it was paused, following its second monthly payment."""
    second_month(world)
    return _changed(world, "paused monthly gift", world.billing.pause, proving=proving)


def paused_month(world: World) -> Json:
    """Return an invoice of a month in which the pledge was paused."""
    paused_pledge(world)
    return world.make_once("paused month", lambda: next_month(world, pledge(world)))


def resumed_pledge(world: World, *, proving: bool = False) -> Json:
    """Return the subscription after it was resumed."""
    paused_month(world)
    return _changed(world, "resumed monthly gift", world.billing.resume, proving=proving)


def failed_month(world: World) -> Json:
    """Return a monthly invoice whose payment was declined."""
    resumed_pledge(world)

    def fail() -> Json:
        pay_with(world, pledge(world), BAD_CARD)
        return next_month(world, pledge(world))

    return world.make_once("failed month", fail)


def retried_month(world: World, *, proving: bool = False) -> Json:
    """Return that declined invoice after it was paid with another card."""
    invoice_id = failed_month(world)["id"]

    def pay() -> Json:
        pay_with(world, pledge(world), GOOD_CARD)
        return world.billing.pay_invoice(invoice_id)

    return world.make_once("failed month that was paid later", pay, proving=proving)


def ended_pledge(world: World, *, proving: bool = False) -> Json:
    """Return the subscription after it was cancelled, as a donor would do it."""
    retried_month(world)
    return _changed(world, "ended monthly gift", world.billing.cancel, proving=proving)


def _changed(world: World, name: str, change: Callable[[str, str], Json], *, proving: bool) -> Json:
    subscription_id = pledge(world).subscription_id
    key = f"donate-check-{subscription_id}:{name}"
    return world.make_once(name, lambda: change(subscription_id, key), proving=proving)
