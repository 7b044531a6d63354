"""Card payments: charges, declines, and the time at which the money arrived."""

from typing import Final

from donate.gifts.facts import FactKind
from donate.stripe_gateway.assumptions import objects, sources
from donate.stripe_gateway.assumptions.model import Cost, Topic, expect, expect_equal
from donate.stripe_gateway.assumptions.world import World

PAYMENTS: Final = Topic("Payments")


@PAYMENTS.assumption(
    sources.CHARGE,
    routes="POST /v1/payment_intents",
    fields="""
        charge.created charge.paid charge.payment_method_details
        charge.payment_method_details.type payment_intent.latest_charge
    """,
    cost=Cost.WRONG_BOOKS,
    if_false="A card gift has the day of our request instead of the day it was given.",
)
def a_card_is_charged_immediately(world: World) -> None:
    """A card payment immediately has a paid charge, which has the type card and a time."""
    charge = objects.card_payment(world)["latest_charge"]
    expect_equal(charge["payment_method_details"]["type"], "card", "payment_method_details.type")
    expect(charge["paid"] is True, "the charge is not paid")
    expect(isinstance(charge["created"], int), "the charge has no time")


@PAYMENTS.assumption(
    sources.EXPAND,
    fields="balance_transaction.created charge.balance_transaction",
    cost=Cost.WRONG_BOOKS,
    if_false="A bank debit has the day of our request instead of the day it arrived.",
)
def the_balance_transaction_has_a_time(world: World) -> None:
    """A paid charge has a balance transaction with the time at which the money was booked."""
    balance_transaction = objects.card_payment(world)["latest_charge"]["balance_transaction"]
    expect_equal(
        balance_transaction["object"], "balance_transaction", "the expanded balance_transaction"
    )
    expect(isinstance(balance_transaction["created"], int), "the balance transaction has no time")


@PAYMENTS.assumption(
    sources.EVENT_TYPES,
    fields="""
        payment_intent.id payment_intent.last_payment_error
        payment_intent.last_payment_error.code payment_intent.last_payment_error.decline_code
        payment_intent.metadata
    """,
    cost=Cost.UNTRUE_WORDS,
    if_false="Donors do not learn that their card was declined, and card testing goes unseen.",
)
def a_declined_card_fails_its_payment_intent(world: World) -> None:
    """payment_intent.payment_failed has our metadata, the charge and the decline code."""
    intent = objects.declined_payment(world)
    reading = world.read(world.event("payment_intent.payment_failed", intent))
    fact = reading.facts[0]
    expect_equal(fact.kind, FactKind.PAYMENT_DECLINED, "the fact in the event")
    expect_equal(fact.evidence["code"], "card_declined", "last_payment_error.code")
    expect_equal(fact.evidence["decline_code"], "generic_decline", "decline_code")
    expect(fact.source_id.startswith(("ch_", "py_")), "latest_charge is not the id of a charge")
    expect(reading.gift_id, "metadata.gift_id is missing")


@PAYMENTS.assumption(
    sources.EVENT_TYPES,
    fields="charge.failure_code charge.id charge.metadata",
    cost=Cost.UNTRUE_WORDS,
    if_false="A declined attempt is missed when only its charge shows it.",
)
def a_declined_card_fails_its_charge(world: World) -> None:
    """charge.failed has our metadata and the same charge as the payment intent's event."""
    intent = objects.declined_payment(world)
    intent_reading = world.read(world.event("payment_intent.payment_failed", intent))
    charge = intent_reading.facts[0].source_id
    reading = world.read(world.event("charge.failed", charge))
    expect_equal(reading.facts[0].source_id, charge, "the charge that failed")
    expect_equal(reading.gift_id, intent_reading.gift_id, "metadata.gift_id")


@PAYMENTS.assumption(
    sources.ERROR_CODES,
    cost=Cost.UNTRUE_WORDS,
    if_false="Staff read a wrong reason for a failed payment.",
)
def a_decline_is_an_error_with_a_code(world: World) -> None:
    """A declined card gets 402 with the type card_error and the code card_declined."""
    refusal = world.refusal(lambda: objects.pay(world, "pm_card_chargeDeclined"))
    expect_equal(
        (refusal.status, refusal.kind, refusal.code),
        (402, "card_error", "card_declined"),
        "the refusal",
    )
    expect(refusal.request_id, "the refusal has no request id")


@PAYMENTS.assumption(
    sources.METADATA,
    routes="GET /v1/payment_intents/{id}",
    cost=Cost.WRONG_BOOKS,
    if_false="Our refund or dispute is taken for another shop's, or the other way round.",
)
def a_payment_keeps_its_metadata(world: World) -> None:
    """A payment intent can be fetched by its id and has the metadata it was created with."""
    payment = objects.card_payment(world)
    intent = world.call(
        lambda sdk: sdk.v1.payment_intents.retrieve(payment["id"]), "payment_intent"
    )
    expect_equal(dict(intent["metadata"]), dict(payment["metadata"]), "metadata")
    expect(intent["metadata"], "metadata is empty")
