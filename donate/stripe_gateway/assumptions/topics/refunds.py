"""Refunds: asked for by our desk, done at once or later, and sometimes undone by the bank."""

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
    """Stripe takes exactly what our desk sends, and refunds a part of a card payment at once."""
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
    if_false="A refund is not known as the answer to its request, which stays open for ever.",
)
def a_refund_names_its_payment_and_request(world: World) -> None:
    """A refund names the payment intent, the currency and our request, in its answer and event."""
    refund = objects.refund(world)
    reading = world.read(world.event("refund.created", refund["id"]))
    fact = reading.facts[0]
    expect_equal(reading.payment, objects.card_payment(world)["id"], "payment_intent")
    expect_equal(fact.kind, FactKind.REFUND_SUCCEEDED, "what the event tells")
    expect_equal(fact.evidence["request"], refund["metadata"]["request"], "metadata.request")
    expect_equal(fact.evidence["reason"], "requested_by_customer", "reason")
    expect_equal((fact.amount_minor, fact.currency), (objects.PART, "CAD"), "the money")


@REFUNDS.assumption(
    sources.IDEMPOTENCY,
    cost=Cost.WRONG_MONEY,
    if_false="When we or Stripe fall over, money is sent back twice.",
)
def a_repeated_refund_is_the_same(world: World) -> None:
    """The same refund under the same idempotency key is the same refund again."""
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
    if_false="A refund whose answer was lost is not found again, and is sent a second time.",
)
def refunds_of_a_payment_are_listed(world: World) -> None:
    """The refunds of one payment intent are listed with their metadata, whoever made them."""
    refund = objects.refund(world)
    found = world.client.refunds_of(refund["payment_intent"])
    by_id = {one["id"]: one for one in found}
    expect(refund["id"] in by_id, "the refund is not in the list of its payment")
    listed = by_id[refund["id"]]
    expect_equal(listed["metadata"]["request"], refund["metadata"]["request"], "request")
    event = as_refund_event(listed, world.clock.now()) | {"livemode": False}
    expect_equal(event["created"], listed["created"], "created")
    told = world.read(event)
    expect_equal(told.facts[0].kind, FactKind.REFUND_SUCCEEDED, "what the refund itself tells")


@REFUNDS.assumption(
    sources.CREATE_REFUND,
    cost=Cost.WRONG_MONEY,
    if_false="More is sent back than came in.",
)
def more_than_is_left_is_refused(world: World) -> None:
    """A refund of more than is left of a payment is refused, and names the parameter amount."""
    objects.refund(world)
    payment = objects.card_payment(world)["id"]
    refusal = world.refusal(
        lambda: objects.request_refund(world, payment, "too-much", objects.AMOUNT)
    )
    expect_equal((refusal.status, refusal.param), (400, "amount"), "the refusal")


@REFUNDS.assumption(
    sources.REFUNDS,
    cost=Cost.UNTRUE_WORDS,
    if_false="A donor is told that money went back which is still under way.",
)
def a_refund_may_be_pending_first(world: World) -> None:
    """A refund can be pending first, and a refund.updated tells when it has succeeded."""
    payment = objects.card_payment(world, "pm_card_pendingRefund")["id"]
    refund = objects.request_refund(world, payment, "pending")
    expect_equal(refund["status"], "pending", "status at first")
    told = world.read(objects.refund_event(world, "refund.updated", refund["id"], "succeeded"))
    expect_equal(told.facts[0].kind, FactKind.REFUND_SUCCEEDED, "what refund.updated tells")


@REFUNDS.assumption(
    sources.REFUNDS,
    cost=Cost.WRONG_BOOKS,
    if_false="A donor believes that money came back which did not, and staff are not told.",
)
def a_refund_can_fail_after_it_succeeded(world: World) -> None:
    """A refund that succeeded can fail later; refund.failed tells, and the list says failed."""
    payment = objects.card_payment(world, "pm_card_refundFail")["id"]
    refund = objects.request_refund(world, payment, "fails")
    expect(refund["status"] in ("succeeded", "pending"), f"status is {refund['status']} at first")
    told = world.read(objects.refund_event(world, "refund.failed", refund["id"], "failed"))
    expect_equal(told.facts[0].kind, FactKind.REFUND_FAILED, "what refund.failed tells")
    now = {one["id"]: one["status"] for one in world.client.refunds_of(payment)}
    expect_equal(now[refund["id"]], "failed", "status in the list")


@REFUNDS.assumption(
    sources.DISPUTES_WORK,
    fields="dispute.payment_intent dispute.status",
    cost=Cost.WRONG_MONEY,
    if_false="A donor gets the same money back twice: from their bank and from us.",
)
def a_disputed_payment_is_not_refunded(world: World) -> None:
    """What the donor's bank took back cannot be refunded as well: the code is charge_disputed."""
    payment = objects.dispute(world, objects.LOSING)["payment_intent"]
    refusal = world.refusal(lambda: objects.request_refund(world, payment, "disputed"))
    expect_equal(refusal.code, "charge_disputed", "the code of the refusal")
