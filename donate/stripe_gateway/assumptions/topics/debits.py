"""Monthly debits: an account that a donor agreed with, and what is begun on it, by the API."""

from typing import Any, Final

from donate.money import Money
from donate.stripe_gateway.assumptions import objects, sources
from donate.stripe_gateway.assumptions.model import Cost, Topic, expect, expect_equal
from donate.stripe_gateway.assumptions.world import Json, World
from donate.stripe_gateway.events.synthetic import is_under_way

DEBITS: Final = Topic("Monthly debits")
# It is saved without anybody who types an account or reads small deposits.
_ACCOUNT: Final = "pm_acssDebit_success"


@DEBITS.assumption(
    sources.ACSS_SETUP,
    cost=Cost.NO_GIFT,
    if_false="Nobody can agree to monthly debits.",
)
def an_account_is_saved_for_invoices_and_subscriptions(world: World) -> None:
    """A mandate is default_for invoice and subscription together, and needs no payment schedule."""
    found = _agreed(world, proving=True)
    expect_equal(found["status"], "succeeded", "setup_intent.status")


@DEBITS.assumption(
    sources.ACSS_SETUP,
    cost=Cost.NO_GIFT,
    if_false="Nothing breaks; our own text could leave out when debits are made.",
)
def a_mandate_for_subscriptions_has_no_schedule(world: World) -> None:
    """A mandate that is default_for subscriptions is refused together with a payment schedule."""
    gift = objects.new_gift(world, objects.DEBIT_MONTHLY)
    asked = objects.request_params(world, gift)
    mandate = asked["payment_method_options"]["acss_debit"]["mandate_options"]
    mandate |= {"payment_schedule": "interval", "interval_description": "every month"}
    refusal = world.refusal(lambda: world.client.create_session(asked, f"donate-{gift.id}:1"))
    expect_equal(refusal.status, 400, "the status of the refusal")


@DEBITS.assumption(
    sources.ACSS_SUBSCRIPTION,
    routes="POST /v1/subscriptions",
    cost=Cost.NO_GIFT,
    if_false="A donor agrees to monthly debits, and none is ever made.",
)
def debits_begin_on_a_saved_account(world: World) -> None:
    """A subscription begins off session on a saved account, from just what we send."""
    found = _begun(world, proving=True)
    expect(found["status"] in ("active", "incomplete"), f"status is {found['status']}")


@DEBITS.assumption(
    sources.ACSS_SUBSCRIPTION,
    cost=Cost.WRONG_MONEY,
    if_false="A donor whose debit is under way is asked to pay that month again.",
)
def a_first_debit_is_processing(world: World) -> None:
    """The first debit's invoice is open and its payment processing until the bank answers."""
    invoice = world.billing.invoice(_begun(world)["latest_invoice"])
    expect(
        is_under_way(invoice) or invoice["status"] == "paid",
        f"the invoice is {invoice['status']}, and nothing is under way",
    )


@DEBITS.assumption(
    sources.IDEMPOTENCY,
    cost=Cost.WRONG_MONEY,
    if_false="When we or Stripe fall over, a donor is debited twice every month.",
)
def a_repeated_debit_subscription_is_the_same(world: World) -> None:
    """The same subscription under the same idempotency key is the same subscription again."""
    again = _begin(world, _agreed(world))
    expect_equal(again["id"], _begun(world)["id"], "the id of the second answer")


@DEBITS.assumption(
    sources.ACSS_SETUP,
    fields="""
        setup_intent.next_action.verify_with_microdeposits.arrival_date
        setup_intent.next_action.verify_with_microdeposits.hosted_verification_url
        setup_intent.next_action.verify_with_microdeposits.microdeposit_type
    """,
    cost=Cost.NO_GIFT,
    if_false="A donor is not told that their account has to be confirmed, and the debit dies.",
)
def a_typed_account_needs_confirmation(world: World) -> None:
    """An account that was typed waits for small deposits, and tells on which page, and when."""
    found = _save(
        world,
        {
            "payment_method_data": {
                "acss_debit": {
                    "account_number": "000123456789",
                    "institution_number": "000",
                    "transit_number": "11000",
                },
                "billing_details": {"email": "check@example.com", "name": "Ann Check"},
                "type": "acss_debit",
            }
        },
    )
    expect_equal(found["status"], "requires_action", "setup_intent.status")
    deposits = found["next_action"]["verify_with_microdeposits"]
    expect(deposits["hosted_verification_url"], "hosted_verification_url is missing")
    expect(isinstance(deposits["arrival_date"], int), "arrival_date is missing")
    kinds = ("amounts", "descriptor_code")
    expect(deposits["microdeposit_type"] in kinds, "microdeposit_type is another one")


def _agreed(world: World, *, proving: bool = False) -> Json:
    found: Json = world.make_once(
        "saved bank account", lambda: _save(world, {"payment_method": _ACCOUNT}), proving=proving
    )
    return found


def _save(world: World, how: Json) -> Json:
    who: Any = {"email": "check@example.com", "name": "Ann Check"}
    customer = world.call(lambda sdk: sdk.v1.customers.create(who), "customer")["id"]
    world.remove_later(
        f"customer {customer}",
        lambda: world.call(lambda sdk: sdk.v1.customers.delete(customer), "customer"),
    )
    mandate = {"default_for": ["invoice", "subscription"]}
    asked: Any = how | {
        "allowed_payment_method_types": ["acss_debit"],
        "confirm": True,
        "customer": customer,
        "mandate_data": {"customer_acceptance": {"type": "offline"}},
        "payment_method_options": {"acss_debit": {"currency": "cad", "mandate_options": mandate}},
    }
    return world.call(lambda sdk: sdk.v1.setup_intents.create(asked), "setup_intent")


def _begun(world: World, *, proving: bool = False) -> Json:
    agreed = _agreed(world)
    found: Json = world.make_once(
        "monthly debit on a saved account", lambda: _begin(world, agreed), proving=proving
    )
    return found


def _begin(world: World, agreed: Json) -> Json:
    gift = world.make_once("gift by debit", lambda: objects.new_gift(world, objects.DEBIT_MONTHLY))
    product = world.make_once(
        "product of the debits", lambda: objects.new_product(world, gift.reference)
    )
    return world.billing.begin_debits(
        agreed["customer"],
        agreed["payment_method"],
        Money(objects.AMOUNT, "CAD"),
        product_id=product,
        metadata=objects.metadata_of(gift),
        key=f"donate-check-{gift.id}:begin",
    )
