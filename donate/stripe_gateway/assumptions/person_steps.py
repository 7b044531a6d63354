"""What the operator has to do on Stripe's pages during the checks, and the resulting objects.

In each step, a person makes one payment or agreement on a page of Stripe, because the API cannot do
it.
"""

from typing import Final

from donate.gifts.models import Gift
from donate.money import Money
from donate.stripe_gateway.assumptions import objects
from donate.stripe_gateway.assumptions.outcomes import CouldNotBeTried
from donate.stripe_gateway.assumptions.world import Json, Step, World

_BY_CARD: Final = "pay with 4242 4242 4242 4242, any future date and any CVC"
_BY_DEBIT: Final = "choose a test bank, or type 000, 11000 and 000123456789, and agree"
WHAT_TO_DO: Final = {
    objects.CARD: _BY_CARD,
    objects.CARD_MONTHLY: _BY_CARD,
    objects.DEBIT: _BY_DEBIT,
    objects.DEBIT_MONTHLY: _BY_DEBIT,
}


def request_all(world: World) -> None:
    """Print all steps at the start, so that the operator can do them while other checks run."""
    for kind in WHAT_TO_DO:
        try:
            _requested_session(world, kind)
        except CouldNotBeTried:
            continue  # The check that needs this session will report the error.


def _requested_session(world: World, kind: str) -> objects.RequestedSession:
    def request() -> objects.RequestedSession:
        # Open a separate session, because other checks need one that stays unpaid.
        session = objects.RequestedSession(world, kind)
        world.request_step(Step(kind, session.opened.url, WHAT_TO_DO[kind]))
        return session

    return world.make_once(f"person who pays the {kind} gift", request)


def gift_of(world: World, kind: str) -> Gift:
    """Return the gift whose checkout session the operator pays."""
    return _requested_session(world, kind).gift


def completed_session(world: World, kind: str) -> Json:
    """Return the completed session with its payment or setup intent expanded."""
    session_id = _requested_session(world, kind).opened.session_id

    def completed() -> Json | None:
        session = world.client.retrieve_session(session_id)
        return session if session["status"] == "complete" else None

    return world.make_once(
        f"completed {kind} session", lambda: world.wait_for_person("completed session", completed)
    )


def subscription(world: World) -> Json:
    """Return the subscription that Checkout created. The clean-up cancels it."""
    subscription_id = completed_session(world, objects.CARD_MONTHLY)["subscription"]

    def read() -> Json:
        world.remove_later(
            f"subscription {subscription_id}",
            lambda: world.billing.cancel(subscription_id, f"{subscription_id}:clean-up"),
        )
        return world.billing.subscription(subscription_id)

    return world.make_once("subscription created by Checkout", read)


def debit_subscription(world: World) -> Json:
    """Return a subscription that is created as the service does after an agreement."""
    session = completed_session(world, objects.DEBIT_MONTHLY)
    gift = gift_of(world, objects.DEBIT_MONTHLY)

    def create() -> Json:
        product = objects.new_product(world, gift.reference)
        subscription = world.billing.begin_debits(
            session["customer"],
            session["setup_intent"]["payment_method"],
            Money(objects.AMOUNT, "CAD"),
            product_id=product,
            metadata=objects.metadata_of(gift) | {"session": session["id"]},
            key=f"donate-check-{session['id']}:begin",
        )
        world.remove_later(
            f"subscription {subscription['id']}",
            lambda: world.billing.cancel(subscription["id"], f"{subscription['id']}:clean-up"),
        )
        return subscription

    return world.make_once("monthly debits", create)
