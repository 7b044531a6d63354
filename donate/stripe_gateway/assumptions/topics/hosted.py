"""Checks for which the operator first has to pay, or agree to debits, on Stripe's own pages."""

from typing import Final

from donate.gifts.facts import FactKind
from donate.money import Money
from donate.stripe_gateway.assumptions import objects, person_steps, sources
from donate.stripe_gateway.assumptions.model import Cost, Topic, expect, expect_equal
from donate.stripe_gateway.assumptions.subscriptions import CHANGED_AMOUNT
from donate.stripe_gateway.assumptions.world import World
from donate.stripe_gateway.events.fields import is_id
from donate.stripe_gateway.events.synthetic import as_session_event

HOSTED: Final = Topic("Stripe's own pages", by_hand=True)


@HOSTED.assumption(
    sources.FULFILL,
    cost=Cost.WRONG_BOOKS,
    if_false="A paid gift stays unpaid in the books.",
)
def a_paid_session_sends_an_event(world: World) -> None:
    """checkout.session.completed has the amount, payment intent and reference of a card payment."""
    session = person_steps.completed_session(world, objects.CARD)
    reading = world.read(world.event("checkout.session.completed", session["id"]))
    fact = reading.facts[-1]
    expect_equal(fact.kind, FactKind.PAYMENT_SUCCEEDED, "the fact in the event")
    expect_equal(fact.amount_minor, objects.AMOUNT, "amount_total")
    expect(fact.source_id.startswith("pi_"), "payment_intent is not the id of a payment intent")
    gift = person_steps.gift_of(world, objects.CARD)
    expect(reading.claim and reading.claim.reference == gift.reference, "the reference")


@HOSTED.assumption(
    sources.SESSION,
    cost=Cost.WRONG_BOOKS,
    if_false="A gift whose webhook was lost stays unpaid in the books.",
)
def a_paid_session_has_its_payment(world: World) -> None:
    """A paid session, when we fetch it, contains its payment intent and the date of its charge."""
    session = person_steps.completed_session(world, objects.CARD)
    reading = world.read(as_session_event(session, world.clock.now()) or {})
    expect_equal(reading.facts[-1].kind, FactKind.PAYMENT_SUCCEEDED, "the fact in the session")
    expect_equal(reading.facts[-1].source_id, session["payment_intent"]["id"], "payment_intent")


@HOSTED.assumption(
    sources.METADATA,
    cost=Cost.WRONG_BOOKS,
    if_false="A declined attempt is not matched to its gift.",
)
def metadata_is_copied_to_the_payment(world: World) -> None:
    """Stripe copies payment_intent_data.metadata to the payment intent and its charge."""
    intent = person_steps.completed_session(world, objects.CARD)["payment_intent"]
    metadata = objects.metadata_of(person_steps.gift_of(world, objects.CARD))
    expect_equal(dict(intent["metadata"]), metadata, "the intent's metadata")
    expect_equal(dict(intent["latest_charge"]["metadata"]), metadata, "the charge's metadata")


@HOSTED.assumption(
    sources.LIST_SESSIONS,
    cost=Cost.WRONG_BOOKS,
    if_false="Catch-up misses payments made while the service was down.",
)
def a_paid_session_is_listed_with_its_charge(world: World) -> None:
    """The list of complete sessions has the payment, its charge and its balance transaction."""
    session = person_steps.completed_session(world, objects.CARD)
    expansion = "data.payment_intent.latest_charge.balance_transaction"
    params = {"status": "complete", "limit": 100, "expand": [expansion]}
    listed = {item["id"]: item for item in world.client.list_page("sessions", params).objects}
    expect(session["id"] in listed, "the session is not in the list")
    charge = listed[session["id"]]["payment_intent"]["latest_charge"]
    expect_equal(charge["balance_transaction"]["object"], "balance_transaction", "the balance")


@HOSTED.assumption(
    sources.SESSION,
    fields="checkout.session.created checkout.session.invoice checkout.session.subscription",
    cost=Cost.WRONG_BOOKS,
    if_false="The first month is counted twice, or not at all.",
)
def a_monthly_session_names_its_invoice(world: World) -> None:
    """A subscription session names its subscription and first invoice, and no payment intent."""
    session = person_steps.completed_session(world, objects.CARD_MONTHLY)
    reading = world.read(world.event("checkout.session.completed", session["id"]))
    by_kind = {fact.kind: fact for fact in reading.facts}
    payment, pledge = by_kind[FactKind.PAYMENT_SUCCEEDED], by_kind[FactKind.PLEDGE_STARTED]
    expect(payment.source_id.startswith("in_"), "invoice is not the id of an invoice")
    expect(pledge.source_id.startswith("sub_"), "subscription is not the id of a subscription")
    expect_equal(session["payment_intent"], None, "payment_intent")
    session_reading = world.read(as_session_event(session, world.clock.now()) or {})
    expect_equal(
        {fact.kind for fact in session_reading.facts}, set(by_kind), "the facts in the session"
    )


@HOSTED.assumption(
    sources.METADATA,
    cost=Cost.WRONG_BOOKS,
    if_false="Later months are not matched to their pledge.",
)
def metadata_is_copied_to_the_subscription(world: World) -> None:
    """Stripe copies subscription_data.metadata to the subscription and its invoices."""
    subscription = person_steps.subscription(world)
    metadata = objects.metadata_of(person_steps.gift_of(world, objects.CARD_MONTHLY))
    expect_equal(dict(subscription["metadata"]), metadata, "the subscription's metadata")
    invoice = world.billing.invoice(subscription["latest_invoice"])
    details = invoice["parent"]["subscription_details"]
    expect_equal(dict(details["metadata"]), metadata, "the invoice's metadata")


@HOSTED.assumption(
    sources.INACTIVE_PRODUCT,
    cost=Cost.WRONG_MONEY,
    if_false="A donor who started by card can never change the amount.",
)
def a_pledge_from_checkout_changes(world: World) -> None:
    """Stripe accepts our change of amount on a subscription created by Checkout."""
    subscription = person_steps.subscription(world)
    key = f"donate-check-{subscription['id']}:amount"
    amount = Money(CHANGED_AMOUNT, "CAD")
    gift_id = subscription["metadata"]["gift_id"]
    updated = world.billing.change_amount(
        subscription["id"], amount, key, name=gift_id, gift_id=gift_id
    )
    (item,) = updated["items"]["data"]
    expect_equal(item["price"]["unit_amount"], CHANGED_AMOUNT, "unit_amount")


@HOSTED.assumption(
    sources.ACSS_PAYMENT,
    cost=Cost.WRONG_BOOKS,
    if_false="A debit is confirmed too early, or a donor is asked to pay it again.",
)
def a_debit_is_processing_first(world: World) -> None:
    """A session paid by bank debit is complete, but it is unpaid until the bank answers."""
    session = person_steps.completed_session(world, objects.DEBIT)
    reading = world.read(world.event("checkout.session.completed", session["id"]))
    expect_equal(reading.facts[-1].kind, FactKind.PAYMENT_PROCESSING, "the fact in the event")


@HOSTED.assumption(
    sources.FULFILL,
    cost=Cost.WRONG_BOOKS,
    if_false="A debit that arrived stays in processing for ever.",
)
def a_debit_arrives(world: World) -> None:
    """checkout.session.async_payment_succeeded reports that a debit arrived."""
    session_id = person_steps.completed_session(world, objects.DEBIT)["id"]
    event = world.event("checkout.session.async_payment_succeeded", session_id)
    fact = world.read(event).facts[-1]
    expect_equal(fact.kind, FactKind.PAYMENT_SUCCEEDED, "the fact in the event")
    session = world.client.retrieve_session(session_id)
    reading = world.read(as_session_event(session, world.clock.now()) or {})
    expect_equal(reading.facts[-1].kind, FactKind.PAYMENT_SUCCEEDED, "the fact in the session")


@HOSTED.assumption(
    sources.ACSS_SETUP,
    fields="setup_intent.id checkout.session.customer setup_intent.payment_method",
    cost=Cost.NO_GIFT,
    if_false="A donor agrees to monthly debits, but no debit is made.",
)
def an_agreement_names_customer_and_account(world: World) -> None:
    """A completed setup session has a customer, and its setup intent a payment method."""
    session = person_steps.completed_session(world, objects.DEBIT_MONTHLY)
    reading = world.read(world.event("checkout.session.completed", session["id"]))
    expect_equal(reading.facts[-1].kind, FactKind.PAYMENT_PROCESSING, "the fact in the event")
    session_reading = world.read(as_session_event(session, world.clock.now()) or {})
    expect_equal(
        session_reading.facts[-1].kind, FactKind.PAYMENT_PROCESSING, "the fact in the session"
    )
    expect(is_id(session["customer"]), "the session has no customer")
    expect_equal(session["setup_intent"]["status"], "succeeded", "setup_intent.status")
    expect(
        is_id(session["setup_intent"]["payment_method"]), "the setup intent has no payment method"
    )


@HOSTED.assumption(
    sources.ACSS_SUBSCRIPTION,
    routes="POST /v1/subscriptions",
    cost=Cost.NO_GIFT,
    if_false="A donor agrees to monthly debits, but no debit is made.",
)
def monthly_debits_begin_after_the_agreement(world: World) -> None:
    """Stripe creates a subscription on the bank account that the donor chose in Checkout."""
    subscription = person_steps.debit_subscription(world)
    expect(
        subscription["status"] in ("active", "incomplete"), f"status is {subscription['status']}"
    )
