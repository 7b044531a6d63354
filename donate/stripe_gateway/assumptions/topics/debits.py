"""Monthly debits: a bank account that is saved at Stripe, and the subscription that debits it."""

from typing import Any, Final

from donate.money import Money
from donate.stripe_gateway.assumptions import objects, sources
from donate.stripe_gateway.assumptions.model import Cost, Topic, expect, expect_equal
from donate.stripe_gateway.assumptions.world import Json, World
from donate.stripe_gateway.events.synthetic import is_under_way

DEBITS: Final = Topic("Monthly debits")
# Stripe's id of a test bank account. A check can save it without a person, because nobody has to
# type an account number or confirm microdeposits.
_ACCOUNT: Final = "pm_acssDebit_success"


@DEBITS.assumption(
    sources.ACSS_SETUP,
    cost=Cost.NO_GIFT,
    if_false="Donors cannot agree to monthly debits.",
)
def an_account_is_saved_for_invoices_and_subscriptions(world: World) -> None:
    """A mandate without a payment schedule can have invoice and subscription in default_for."""
    setup_intent = _saved_account(world, proving=True)
    expect_equal(setup_intent["status"], "succeeded", "setup_intent.status")


@DEBITS.assumption(
    sources.ACSS_SETUP,
    cost=Cost.NO_GIFT,
    if_false="Nothing breaks; our text would not have to say when debits are made.",
)
def a_mandate_for_subscriptions_has_no_schedule(world: World) -> None:
    """Stripe refuses a mandate with subscription in default_for and a payment schedule."""
    gift = objects.new_gift(world, objects.DEBIT_MONTHLY)
    params = objects.request_params(world, gift)
    mandate = params["payment_method_options"]["acss_debit"]["mandate_options"]
    mandate |= {"payment_schedule": "interval", "interval_description": "every month"}
    refusal = world.refusal(lambda: world.client.create_session(params, f"donate-{gift.id}:1"))
    expect_equal(refusal.status, 400, "the status of the refusal")


@DEBITS.assumption(
    sources.ACSS_SUBSCRIPTION,
    routes="POST /v1/subscriptions",
    cost=Cost.NO_GIFT,
    if_false="A donor agrees to monthly debits, but no debit is made.",
)
def debits_begin_on_a_saved_account(world: World) -> None:
    """Stripe accepts our subscription on a saved bank account while the donor is not present."""
    subscription = _subscription(world, proving=True)
    expect(
        subscription["status"] in ("active", "incomplete"), f"status is {subscription['status']}"
    )


@DEBITS.assumption(
    sources.ACSS_SUBSCRIPTION,
    cost=Cost.WRONG_MONEY,
    if_false="A donor whose debit is processing is asked to pay that month again.",
)
def a_first_debit_is_processing(world: World) -> None:
    """Until the bank answers, the first invoice is open and its payment is processing."""
    invoice = world.billing.invoice(_subscription(world)["latest_invoice"])
    expect(
        is_under_way(invoice) or invoice["status"] == "paid",
        f"the invoice is {invoice['status']} and no payment is processing",
    )


@DEBITS.assumption(
    sources.EXPAND,
    fields="payment_method.acss_debit payment_method.acss_debit.last4",
    cost=Cost.UNTRUE_WORDS,
    if_false="A monthly donor does not read which bank account is debited.",
)
def a_subscription_shows_its_account(world: World) -> None:
    """An expanded default_payment_method has the last four digits of the bank account."""
    subscription = world.billing.subscription_with_method(_subscription(world)["id"])
    digits = subscription["default_payment_method"]["acss_debit"]["last4"]
    expect(len(digits) == 4 and digits.isdigit(), f"last4 is {digits!r}")


@DEBITS.assumption(
    sources.IDEMPOTENCY,
    cost=Cost.WRONG_MONEY,
    if_false="After a crash or a lost answer, a donor is debited twice every month.",
)
def a_repeated_debit_subscription_is_the_same(world: World) -> None:
    """Stripe returns the same subscription for the same request with the same idempotency key."""
    again = _create_subscription(world, _saved_account(world))
    expect_equal(again["id"], _subscription(world)["id"], "the id of the second answer")


@DEBITS.assumption(
    sources.ACSS_SETUP,
    fields="""
        setup_intent.next_action.verify_with_microdeposits.arrival_date
        setup_intent.next_action.verify_with_microdeposits.hosted_verification_url
        setup_intent.next_action.verify_with_microdeposits.microdeposit_type
    """,
    cost=Cost.NO_GIFT,
    if_false="The donor never learns that the account must be confirmed, and the debit fails.",
)
def a_typed_account_needs_confirmation(world: World) -> None:
    """A typed bank account needs microdeposits; Stripe gives their date and a page to confirm."""
    setup_intent = _save(
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
    expect_equal(setup_intent["status"], "requires_action", "setup_intent.status")
    deposits = setup_intent["next_action"]["verify_with_microdeposits"]
    expect(deposits["hosted_verification_url"], "hosted_verification_url is missing")
    expect(isinstance(deposits["arrival_date"], int), "arrival_date is missing")
    kinds = ("amounts", "descriptor_code")
    expect(deposits["microdeposit_type"] in kinds, "microdeposit_type is unknown")


def _saved_account(world: World, *, proving: bool = False) -> Json:
    return world.make_once(
        "saved bank account", lambda: _save(world, {"payment_method": _ACCOUNT}), proving=proving
    )


def _save(world: World, method: Json) -> Json:
    customer_params: Any = {"email": "check@example.com", "name": "Ann Check"}
    customer = world.call(lambda sdk: sdk.v1.customers.create(customer_params), "customer")["id"]
    world.remove_later(
        f"customer {customer}",
        lambda: world.call(lambda sdk: sdk.v1.customers.delete(customer), "customer"),
    )
    mandate = {"default_for": ["invoice", "subscription"]}
    params: Any = method | {
        "allowed_payment_method_types": ["acss_debit"],
        "confirm": True,
        "customer": customer,
        "mandate_data": {"customer_acceptance": {"type": "offline"}},
        "payment_method_options": {"acss_debit": {"currency": "cad", "mandate_options": mandate}},
    }
    return world.call(lambda sdk: sdk.v1.setup_intents.create(params), "setup_intent")


def _subscription(world: World, *, proving: bool = False) -> Json:
    setup_intent = _saved_account(world)
    return world.make_once(
        "monthly debit on a saved account",
        lambda: _create_subscription(world, setup_intent),
        proving=proving,
    )


def _create_subscription(world: World, setup_intent: Json) -> Json:
    gift = world.make_once("gift by debit", lambda: objects.new_gift(world, objects.DEBIT_MONTHLY))
    product = world.make_once(
        "product of the debits", lambda: objects.new_product(world, gift.reference)
    )
    return world.billing.begin_debits(
        setup_intent["customer"],
        setup_intent["payment_method"],
        Money(objects.AMOUNT, "CAD"),
        product_id=product,
        metadata=objects.metadata_of(gift),
        key=f"donate-check-{gift.id}:begin",
    )
