"""Disputes: the donor's bank takes a payment back, and perhaps gives it back again."""

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
    if_false="Money that a bank took back stands in the books as a gift.",
)
def a_dispute_names_the_payment(world: World) -> None:
    """charge.dispute.created names the payment intent, the amount and why, needing a response."""
    dispute = objects.dispute(world, objects.WINNING)
    reading = world.read(world.event("charge.dispute.created", dispute["id"]))
    fact = reading.facts[0]
    expect_equal(fact.kind, FactKind.DISPUTE_OPENED, "what the event tells")
    expect_equal(reading.payment, dispute["payment_intent"], "payment_intent")
    expect_equal((fact.amount_minor, fact.currency), (objects.AMOUNT, "CAD"), "the money")
    expect_equal(fact.evidence["reason"], "fraudulent", "reason")
    retold = world.read(as_dispute_event(dispute, world.clock.now()))
    expect_equal(retold.facts[0].kind, FactKind.DISPUTE_OPENED, "what the dispute itself tells")


@DISPUTES.assumption(
    sources.DISPUTE,
    cost=Cost.WRONG_BOOKS,
    if_false="What a dispute costs in fees is not known to staff.",
)
def a_dispute_lists_its_balance_transactions(world: World) -> None:
    """A dispute that took money lists what it moved, each with amount, fee, currency and time."""
    dispute = objects.dispute(world, objects.WINNING)
    moves = dispute["balance_transactions"]
    expect(moves, "balance_transactions is empty")
    expect(moves[0]["amount"] < 0, "the first balance transaction takes no money")
    expect(isinstance(moves[0]["fee"], int), "the balance transaction has no fee")
    expect(isinstance(moves[0]["created"], int), "the balance transaction has no time")
    expect(isinstance(moves[0]["currency"], str), "the balance transaction has no currency")


@DISPUTES.assumption(
    sources.TESTING,
    cost=Cost.WRONG_BOOKS,
    if_false="Money that came back after a dispute stays missing in the books.",
)
def a_dispute_can_be_won(world: World) -> None:
    """A dispute that is won is closed with the status won; the money's return is dated."""
    dispute = objects.ended_dispute(world, objects.WINNING)
    told = world.read(world.event("charge.dispute.closed", dispute["id"]))
    expect_equal(told.facts[0].kind, FactKind.DISPUTE_WON, "what charge.dispute.closed tells")
    retold = world.read(as_dispute_event(dispute, world.clock.now()) | {"livemode": False})
    expect_equal(retold.facts[0].kind, FactKind.DISPUTE_WON, "what the dispute itself tells")


@DISPUTES.assumption(
    sources.TESTING,
    cost=Cost.WRONG_BOOKS,
    if_false="A gift whose money is gone for good stays disputed for ever.",
)
def a_dispute_can_be_lost(world: World) -> None:
    """A dispute that is lost is closed with the status lost."""
    dispute = objects.ended_dispute(world, objects.LOSING)
    told = world.read(world.event("charge.dispute.closed", dispute["id"]))
    expect_equal(told.facts[0].kind, FactKind.DISPUTE_LOST, "what charge.dispute.closed tells")


@DISPUTES.assumption(
    sources.DISPUTES_WORK,
    fields="dispute.created",
    cost=Cost.WRONG_BOOKS,
    if_false="A gift is shown as disputed although its money is in hand, or the other way round.",
)
def an_inquiry_takes_no_money(world: World) -> None:
    """An inquiry needs a response by a day that it names, and moves no money."""
    dispute = objects.inquiry(world)
    expect_equal(dispute["balance_transactions"], [], "balance_transactions")
    reading = world.read(world.event("charge.dispute.created", dispute["id"]))
    expect_equal(reading.facts[0].kind, FactKind.INQUIRY_OPENED, "what the event tells")
    expect(reading.facts[0].evidence.get("due_by"), "evidence_details.due_by is missing")
    event = as_dispute_event(dispute, world.clock.now())
    expect_equal(event["created"], dispute["created"], "created")


@DISPUTES.assumption(
    sources.DISPUTES_WORK,
    cost=Cost.WRONG_BOOKS,
    if_false="Money that a bank took back after an inquiry stands in the books as a gift.",
)
def an_inquiry_becomes_a_chargeback(world: World) -> None:
    """The same dispute takes the money later, which charge.dispute.funds_withdrawn tells."""
    dispute = objects.inquiry(world)
    objects.answer_dispute(world, dispute["id"], objects.ESCALATING)
    now = objects.dispute_of(world, dispute["payment_intent"], "needs_response")
    expect_equal(now["id"], dispute["id"], "the dispute's id")
    event = world.event("charge.dispute.funds_withdrawn", dispute["id"])
    reading = world.read(event)
    expect_equal(reading.facts[0].kind, FactKind.DISPUTE_OPENED, "what the event tells")
