"""Refunds that staff request. Stripe refunds immediately or later, and a refund may fail."""

from typing import Final

from donate.gifts.facts import FactKind
from donate.stripe_gateway.assumptions import objects, sources
from donate.stripe_gateway.assumptions.model import Cost, Topic, expect, expect_equal
from donate.stripe_gateway.assumptions.world import World
from donate.stripe_gateway.events.synthetic import as_refund_event

REFUNDS: Final = Topic("Refunds")


@REFUNDS.assumption(
    sources.CREATE_REFUND,
    routes="POST /v1/refunds",
    fields="refund.amount refund.status",
    cost=Cost.WRONG_MONEY,
    if_false="Staff cannot send money back.",
)
def a_part_is_refunded(world: World) -> None:
    """Stripe accepts our refund parameters and refunds part of a card payment immediately."""
    refund = objects.refund(world, proving=True)
    expect_equal(refund["amount"], objects.PART, "amount")
    expect_equal(refund["status"], "succeeded", "status")


@REFUNDS.assumption(
    sources.REFUND,
    fields="""
        refund.currency refund.failure_reason refund.id refund.metadata refund.payment_intent
        refund.reason
    """,
    cost=Cost.WRONG_BOOKS,
    if_false="A refund is not matched to its request, which stays open for ever.",
)
def a_refund_names_its_payment_and_request(world: World) -> None:
    """A refund and its event have the payment intent, currency and our request id."""
    refund = objects.refund(world)
    reading = world.read(world.event("refund.created", refund["id"]))
    fact = reading.facts[0]
    expect_equal(reading.payment, objects.card_payment(world)["id"], "payment_intent")
    expect_equal(fact.kind, FactKind.REFUND_SUCCEEDED, "the fact in the event")
    expect_equal(fact.evidence["request"], refund["metadata"]["request"], "metadata.request")
    expect_equal(fact.evidence["reason"], "requested_by_customer", "reason")
    expect_equal((fact.amount_minor, fact.currency), (objects.PART, "CAD"), "amount and currency")


@REFUNDS.assumption(
    sources.IDEMPOTENCY,
    cost=Cost.WRONG_MONEY,
    if_false="After a crash or a lost answer, money is sent back twice.",
)
def a_repeated_refund_is_the_same(world: World) -> None:
    """The same refund request with the same idempotency key returns the same refund."""
    first = objects.refund(world)
    again = objects.request_refund(
        world, objects.card_payment(world)["id"], first["metadata"]["request"]
    )
    expect_equal(again["id"], first["id"], "the id of the second answer")


@REFUNDS.assumption(
    sources.LIST_REFUNDS,
    routes="GET /v1/refunds",
    fields="refund.created refund.livemode",
    cost=Cost.WRONG_MONEY,
    if_false="A refund whose answer was lost is not found, and is sent a second time.",
)
def refunds_of_a_payment_are_listed(world: World) -> None:
    """All refunds of a payment intent are listed with their metadata."""
    refund = objects.refund(world)
    refunds = world.client.refunds_of(refund["payment_intent"])
    by_id = {item["id"]: item for item in refunds}
    expect(refund["id"] in by_id, "the refund is not in the list of its payment")
    listed = by_id[refund["id"]]
    expect_equal(listed["metadata"]["request"], refund["metadata"]["request"], "request")
    event = as_refund_event(listed, world.clock.now()) | {"livemode": False}
    expect_equal(event["created"], listed["created"], "created")
    reading = world.read(event)
    expect_equal(reading.facts[0].kind, FactKind.REFUND_SUCCEEDED, "the fact in the refund")


@REFUNDS.assumption(
    sources.CREATE_REFUND,
    cost=Cost.WRONG_MONEY,
    if_false="More is sent back than came in.",
)
def more_than_is_left_is_refused(world: World) -> None:
    """Stripe refuses a refund above the remaining amount, and names amount as the parameter."""
    objects.refund(world)
    payment = objects.card_payment(world)["id"]
    refusal = world.refusal(
        lambda: objects.request_refund(world, payment, "too-much", objects.AMOUNT)
    )
    expect_equal((refusal.status, refusal.param), (400, "amount"), "the refusal")


@REFUNDS.assumption(
    sources.REFUNDS,
    cost=Cost.UNTRUE_WORDS,
    if_false="A donor is told that a pending refund has arrived.",
)
def a_refund_may_be_pending_first(world: World) -> None:
    """A refund can start as pending; refund.updated later reports that it succeeded."""
    payment = objects.card_payment(world, "pm_card_pendingRefund")["id"]
    refund = objects.request_refund(world, payment, "pending")
    expect_equal(refund["status"], "pending", "status at first")
    reading = world.read(objects.refund_event(world, "refund.updated", refund["id"], "succeeded"))
    expect_equal(reading.facts[0].kind, FactKind.REFUND_SUCCEEDED, "the fact in refund.updated")


@REFUNDS.assumption(
    sources.REFUNDS,
    cost=Cost.WRONG_BOOKS,
    if_false="A donor expects money that never arrives, and staff do not know.",
)
def a_refund_can_fail_after_it_succeeded(world: World) -> None:
    """A succeeded refund can fail later; refund.failed reports it, and the list shows failed."""
    payment = objects.card_payment(world, "pm_card_refundFail")["id"]
    refund = objects.request_refund(world, payment, "fails")
    expect(refund["status"] in ("succeeded", "pending"), f"status is {refund['status']} at first")
    reading = world.read(objects.refund_event(world, "refund.failed", refund["id"], "failed"))
    expect_equal(reading.facts[0].kind, FactKind.REFUND_FAILED, "the fact in refund.failed")
    statuses = {item["id"]: item["status"] for item in world.client.refunds_of(payment)}
    expect_equal(statuses[refund["id"]], "failed", "status in the list")


@REFUNDS.assumption(
    sources.DISPUTES_WORK,
    fields="dispute.payment_intent dispute.status",
    cost=Cost.WRONG_MONEY,
    if_false="A donor gets the same money back twice: from their bank and from us.",
)
def a_disputed_payment_is_not_refunded(world: World) -> None:
    """A refund of a disputed payment is refused with the code charge_disputed."""
    payment = objects.dispute(world, objects.LOSING)["payment_intent"]
    refusal = world.refusal(lambda: objects.request_refund(world, payment, "disputed"))
    expect_equal(refusal.code, "charge_disputed", "the code of the refusal")
