"""The steps that a person is asked for, and what they lead to."""

from typing import Final

from donate.gifts.models import Gift
from donate.money import Money
from donate.stripe_gateway.assumptions import objects
from donate.stripe_gateway.assumptions.outcomes import CouldNotBeTried
from donate.stripe_gateway.assumptions.world import Json, Step, World

_BY_CARD: Final = "pay with 4242 4242 4242 4242, any date to come and any CVC"
_BY_DEBIT: Final = "choose a test bank, or type 000, 11000 and 000123456789, and agree"
WHAT_TO_DO: Final = {
    objects.CARD: _BY_CARD,
    objects.CARD_MONTHLY: _BY_CARD,
    objects.DEBIT: _BY_DEBIT,
    objects.DEBIT_MONTHLY: _BY_DEBIT,
}


def request_all(world: World) -> None:
    """Tell the person each page at once, so that nobody waits while the rest is checked."""
    for kind in WHAT_TO_DO:
        try:
            _told(world, kind)
        except CouldNotBeTried:
            continue  # the check that needs it says why


def _told(world: World, kind: str) -> objects.RequestedSession:
    def tell() -> objects.RequestedSession:
        # A session of their own: others look at one that nobody pays.
        asked = objects.RequestedSession(world, kind)
        world.request_step(Step(kind, asked.opened.url, WHAT_TO_DO[kind]))
        return asked

    found: objects.RequestedSession = world.make_once(f"person who pays the {kind} gift", tell)
    return found


def gift_of(world: World, kind: str) -> Gift:
    """Return the gift whose session the person pays."""
    return _told(world, kind).gift


def completed_session(world: World, kind: str) -> Json:
    """Return a session once somebody has completed it, with its payment or setup."""
    session_id = _told(world, kind).opened.session_id

    def completed() -> Json | None:
        found = world.client.retrieve_session(session_id)
        return found if found["status"] == "complete" else None

    found: Json = world.make_once(
        f"completed {kind} session", lambda: world.wait_for_person("completed session", completed)
    )
    return found


def subscription(world: World) -> Json:
    """Return the subscription that Checkout began, to be ended when all is checked."""
    subscription_id = completed_session(world, objects.CARD_MONTHLY)["subscription"]

    def begun() -> Json:
        world.remove_later(
            f"subscription {subscription_id}",
            lambda: world.billing.cancel(subscription_id, f"{subscription_id}:clean-up"),
        )
        return world.billing.subscription(subscription_id)

    found: Json = world.make_once("subscription that Checkout began", begun)
    return found


def debit_subscription(world: World) -> Json:
    """Return the subscription that the service begins after an agreement."""
    session = completed_session(world, objects.DEBIT_MONTHLY)
    gift = gift_of(world, objects.DEBIT_MONTHLY)

    def begin() -> Json:
        product = objects.new_product(world, gift.reference)
        found = world.billing.begin_debits(
            session["customer"],
            session["setup_intent"]["payment_method"],
            Money(objects.AMOUNT, "CAD"),
            product_id=product,
            metadata=objects.metadata_of(gift) | {"session": session["id"]},
            key=f"donate-check-{session['id']}:begin",
        )
        world.remove_later(
            f"subscription {found['id']}",
            lambda: world.billing.cancel(found["id"], f"{found['id']}:clean-up"),
        )
        return found

    found: Json = world.make_once("monthly debits", begin)
    return found
