"""The steps that a person is asked for, and what they lead to."""

from typing import Final

from donate.gifts.models import Gift
from donate.money import Money
from donate.stripe_gateway.assumptions import things
from donate.stripe_gateway.assumptions.endings import CouldNotBeTried
from donate.stripe_gateway.assumptions.world import Json, Step, World

_BY_CARD: Final = "pay with 4242 4242 4242 4242, any date to come and any CVC"
_BY_DEBIT: Final = "choose a test bank, or type 000, 11000 and 000123456789, and agree"
WHAT_TO_DO: Final = {
    things.CARD: _BY_CARD,
    things.CARD_MONTHLY: _BY_CARD,
    things.DEBIT: _BY_DEBIT,
    things.DEBIT_MONTHLY: _BY_DEBIT,
}


def ask_for_all(world: World) -> None:
    """Tell the person each page at once, so that nobody waits while the rest is checked."""
    for kind in WHAT_TO_DO:
        try:
            _told(world, kind)
        except CouldNotBeTried:
            continue  # the check that needs it says why


def _told(world: World, kind: str) -> things.Asked:
    def tell() -> things.Asked:
        # A session of their own: others look at one that nobody pays.
        asked = things.Asked(world, kind)
        world.have_done(Step(kind, asked.opened.url, WHAT_TO_DO[kind]))
        return asked

    found: things.Asked = world.once(f"person who pays the {kind} gift", tell)
    return found


def gift_of(world: World, kind: str) -> Gift:
    """Return the gift whose session the person pays."""
    return _told(world, kind).gift


def complete(world: World, kind: str) -> Json:
    """Return a session once somebody has completed it, with its payment or setup."""
    session_id = _told(world, kind).opened.session_id

    def completed() -> Json | None:
        found = world.client.retrieve_session(session_id)
        return found if found["status"] == "complete" else None

    found: Json = world.once(
        f"completed {kind} session", lambda: world.until_done("completed session", completed)
    )
    return found


def subscription(world: World) -> Json:
    """Return the subscription that Checkout began, to be ended when all is checked."""
    subscription_id = complete(world, things.CARD_MONTHLY)["subscription"]

    def begun() -> Json:
        world.remove_later(
            f"subscription {subscription_id}",
            lambda: world.billing.cancel(subscription_id, f"{subscription_id}:clean-up"),
        )
        return world.billing.subscription(subscription_id)

    found: Json = world.once("subscription that Checkout began", begun)
    return found


def debits(world: World) -> Json:
    """Return the subscription that the service begins after an agreement."""
    session = complete(world, things.DEBIT_MONTHLY)
    gift = gift_of(world, things.DEBIT_MONTHLY)

    def begin() -> Json:
        product = things.new_product(world, gift.reference)
        found = world.billing.begin_debits(
            session["customer"],
            session["setup_intent"]["payment_method"],
            Money(things.AMOUNT, "CAD"),
            product_id=product,
            metadata=things.metadata_of(gift) | {"session": session["id"]},
            key=f"donate-check-{session['id']}:begin",
        )
        world.remove_later(
            f"subscription {found['id']}",
            lambda: world.billing.cancel(found["id"], f"{found['id']}:clean-up"),
        )
        return found

    found: Json = world.once("monthly debits", begin)
    return found
