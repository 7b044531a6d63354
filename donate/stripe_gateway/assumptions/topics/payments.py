"""Payments by card: what is taken, what is declined, and when the money comes."""

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
    if_false="A gift by card bears the day on which we asked, not the day on which it was given.",
)
def a_card_is_charged_immediately(world: World) -> None:
    """A payment by card has a paid charge at once, which says that it was a card and when."""
    charge = objects.card_payment(world)["latest_charge"]
    expect_equal(charge["payment_method_details"]["type"], "card", "payment_method_details.type")
    expect(charge["paid"] is True, "the charge is not paid")
    expect(isinstance(charge["created"], int), "the charge has no time")


@PAYMENTS.assumption(
    sources.EXPAND,
    fields="balance_transaction.created charge.balance_transaction",
    cost=Cost.WRONG_BOOKS,
    if_false="A bank debit bears the day on which we asked, not the day on which it came.",
)
def the_balance_transaction_has_a_time(world: World) -> None:
    """A charge that is paid leads to a balance transaction with the time at which it was booked."""
    found = objects.card_payment(world)["latest_charge"]["balance_transaction"]
    expect_equal(found["object"], "balance_transaction", "the expanded balance_transaction")
    expect(isinstance(found["created"], int), "the balance transaction has no time")


@PAYMENTS.assumption(
    sources.EVENT_TYPES,
    fields="""
        payment_intent.id payment_intent.last_payment_error
        payment_intent.last_payment_error.code payment_intent.last_payment_error.decline_code
        payment_intent.metadata
    """,
    cost=Cost.UNTRUE_WORDS,
    if_false="Donors are not told that their card was declined, and card testing goes unseen.",
)
def a_declined_card_fails_its_payment_intent(world: World) -> None:
    """payment_intent.payment_failed bears our metadata, the charge, and the code of the decline."""
    intent = objects.declined_payment(world)
    reading = world.read(world.event("payment_intent.payment_failed", intent))
    fact = reading.facts[0]
    expect_equal(fact.kind, FactKind.PAYMENT_DECLINED, "what the event tells")
    expect_equal(fact.evidence["code"], "card_declined", "last_payment_error.code")
    expect_equal(fact.evidence["decline_code"], "generic_decline", "decline_code")
    expect(fact.source_id.startswith(("ch_", "py_")), "latest_charge is no charge's id")
    expect(reading.gift_id, "metadata.gift_id is missing")


@PAYMENTS.assumption(
    sources.EVENT_TYPES,
    fields="charge.failure_code charge.id charge.metadata",
    cost=Cost.UNTRUE_WORDS,
    if_false="A declined try with a card is not seen where only its charge tells of it.",
)
def a_declined_card_fails_its_charge(world: World) -> None:
    """charge.failed bears our metadata too, and names the same charge as the intent's event."""
    intent = objects.declined_payment(world)
    told = world.read(world.event("payment_intent.payment_failed", intent))
    charge = told.facts[0].source_id
    reading = world.read(world.event("charge.failed", charge))
    expect_equal(reading.facts[0].source_id, charge, "the charge that failed")
    expect_equal(reading.gift_id, told.gift_id, "metadata.gift_id")


@PAYMENTS.assumption(
    sources.ERROR_CODES,
    cost=Cost.UNTRUE_WORDS,
    if_false="Staff read a wrong reason for a payment that failed.",
)
def a_decline_is_an_error_with_a_code(world: World) -> None:
    """A declined card is answered with 402, the type card_error and the code card_declined."""
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
    if_false="A refund or dispute of ours is taken for another shop's, or the other way round.",
)
def a_payment_keeps_its_metadata(world: World) -> None:
    """A payment intent can be asked for by its id, and bears the metadata that it was made with."""
    payment = objects.card_payment(world)
    found = world.call(lambda sdk: sdk.v1.payment_intents.retrieve(payment["id"]), "payment_intent")
    expect_equal(dict(found["metadata"]), dict(payment["metadata"]), "metadata")
    expect(found["metadata"], "metadata is empty")
