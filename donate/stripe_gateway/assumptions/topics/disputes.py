"""Disputes: the donor's bank takes a payment back, and may return it."""

from typing import Final

from donate.gifts.facts import FactKind
from donate.stripe_gateway.assumptions import objects, sources
from donate.stripe_gateway.assumptions.model import Cost, Topic, expect, expect_equal
from donate.stripe_gateway.assumptions.world import World
from donate.stripe_gateway.events.synthetic import as_dispute_event

DISPUTES: Final = Topic("Disputes")


@DISPUTES.assumption(
    sources.DISPUTE,
    routes="GET /v1/disputes",
    fields="""
        balance_transaction.amount balance_transaction.currency balance_transaction.fee
        dispute.amount dispute.balance_transactions dispute.currency dispute.evidence_details
        dispute.evidence_details.due_by dispute.id dispute.livemode dispute.reason
    """,
    cost=Cost.WRONG_BOOKS,
    if_false="The books count money that a bank took back.",
)
def a_dispute_names_the_payment(world: World) -> None:
    """charge.dispute.created has the payment intent, amount, reason and status needs_response."""
    dispute = objects.dispute(world, objects.WINNING)
    reading = world.read(world.event("charge.dispute.created", dispute["id"]))
    fact = reading.facts[0]
    expect_equal(fact.kind, FactKind.DISPUTE_OPENED, "the fact in the event")
    expect_equal(reading.payment, dispute["payment_intent"], "payment_intent")
    expect_equal((fact.amount_minor, fact.currency), (objects.AMOUNT, "CAD"), "amount and currency")
    expect_equal(fact.evidence["reason"], "fraudulent", "reason")
    reading_of_object = world.read(as_dispute_event(dispute, world.clock.now()))
    expect_equal(
        reading_of_object.facts[0].kind, FactKind.DISPUTE_OPENED, "the fact in the dispute"
    )


@DISPUTES.assumption(
    sources.DISPUTE,
    cost=Cost.WRONG_BOOKS,
    if_false="Staff do not see a dispute's fees.",
)
def a_dispute_lists_its_balance_transactions(world: World) -> None:
    """A dispute that took money has balance transactions with amount, fee, currency and time."""
    dispute = objects.dispute(world, objects.WINNING)
    moves = dispute["balance_transactions"]
    expect(moves, "balance_transactions is empty")
    expect(moves[0]["amount"] < 0, "the first balance transaction is not negative")
    expect(isinstance(moves[0]["fee"], int), "the balance transaction has no fee")
    expect(isinstance(moves[0]["created"], int), "the balance transaction has no time")
    expect(isinstance(moves[0]["currency"], str), "the balance transaction has no currency")


@DISPUTES.assumption(
    sources.TESTING,
    cost=Cost.WRONG_BOOKS,
    if_false="The books lack money that came back after a dispute.",
)
def a_dispute_can_be_won(world: World) -> None:
    """A won dispute is closed with status won, and the returned money has a date."""
    dispute = objects.ended_dispute(world, objects.WINNING)
    reading = world.read(world.event("charge.dispute.closed", dispute["id"]))
    expect_equal(reading.facts[0].kind, FactKind.DISPUTE_WON, "the fact in charge.dispute.closed")
    reading_of_object = world.read(
        as_dispute_event(dispute, world.clock.now()) | {"livemode": False}
    )
    expect_equal(reading_of_object.facts[0].kind, FactKind.DISPUTE_WON, "the fact in the dispute")


@DISPUTES.assumption(
    sources.TESTING,
    cost=Cost.WRONG_BOOKS,
    if_false="A gift whose money is lost stays disputed for ever.",
)
def a_dispute_can_be_lost(world: World) -> None:
    """A lost dispute is closed with status lost."""
    dispute = objects.ended_dispute(world, objects.LOSING)
    reading = world.read(world.event("charge.dispute.closed", dispute["id"]))
    expect_equal(reading.facts[0].kind, FactKind.DISPUTE_LOST, "the fact in charge.dispute.closed")


@DISPUTES.assumption(
    sources.DISPUTES_WORK,
    fields="dispute.created",
    cost=Cost.WRONG_BOOKS,
    if_false="A gift counts as disputed while we have its money, or as paid while we do not.",
)
def an_inquiry_takes_no_money(world: World) -> None:
    """An inquiry names the day by which it needs a response, and moves no money."""
    dispute = objects.inquiry(world)
    expect_equal(dispute["balance_transactions"], [], "balance_transactions")
    reading = world.read(world.event("charge.dispute.created", dispute["id"]))
    expect_equal(reading.facts[0].kind, FactKind.INQUIRY_OPENED, "the fact in the event")
    expect(reading.facts[0].evidence.get("due_by"), "evidence_details.due_by is missing")
    event = as_dispute_event(dispute, world.clock.now())
    expect_equal(event["created"], dispute["created"], "created")


@DISPUTES.assumption(
    sources.DISPUTES_WORK,
    cost=Cost.WRONG_BOOKS,
    if_false="The books count money that a bank took back after an inquiry.",
)
def an_inquiry_becomes_a_chargeback(world: World) -> None:
    """An escalated inquiry keeps its id and sends charge.dispute.funds_withdrawn."""
    dispute = objects.inquiry(world)
    objects.answer_dispute(world, dispute["id"], objects.ESCALATING)
    now = objects.dispute_of(world, dispute["payment_intent"], "needs_response")
    expect_equal(now["id"], dispute["id"], "the dispute's id")
    event = world.event("charge.dispute.funds_withdrawn", dispute["id"])
    reading = world.read(event)
    expect_equal(reading.facts[0].kind, FactKind.DISPUTE_OPENED, "the fact in the event")
