"""What happens on Stripe's own pages, where a person has to click."""

from typing import Final

from donate.gifts.facts import FactKind
from donate.money import Money
from donate.stripe_gateway.assumptions import objects, person_steps, sources
from donate.stripe_gateway.assumptions.model import Cost, Topic, expect, expect_equal
from donate.stripe_gateway.assumptions.subscriptions import CHANGED_AMOUNT
from donate.stripe_gateway.assumptions.world import World
from donate.stripe_gateway.events.fields import is_id
from donate.stripe_gateway.events.synthetic import as_session_event

HOSTED: Final = Topic("Stripe's own pages")


@HOSTED.assumption(
    sources.FULFILL,
    by_hand=True,
    cost=Cost.WRONG_BOOKS,
    if_false="A gift that was paid stays unpaid in the books.",
)
def a_paid_session_sends_an_event(world: World) -> None:
    """checkout.session.completed says that a card paid, how much, by which intent, for whom."""
    session = person_steps.completed_session(world, objects.CARD)
    reading = world.read(world.event("checkout.session.completed", session["id"]))
    paid = reading.facts[-1]
    expect_equal(paid.kind, FactKind.PAYMENT_SUCCEEDED, "what the event tells")
    expect_equal(paid.amount_minor, objects.AMOUNT, "amount_total")
    expect(paid.source_id.startswith("pi_"), "payment_intent is no payment intent")
    gift = person_steps.gift_of(world, objects.CARD)
    expect(reading.claim and reading.claim.reference == gift.reference, "the reference")


@HOSTED.assumption(
    sources.SESSION,
    by_hand=True,
    cost=Cost.WRONG_BOOKS,
    if_false="A gift whose webhook was lost stays unpaid in the books.",
)
def a_paid_session_has_its_payment(world: World) -> None:
    """A paid session says the same whenever we ask, with the charge that says when."""
    session = person_steps.completed_session(world, objects.CARD)
    reading = world.read(as_session_event(session, world.clock.now()) or {})
    expect_equal(reading.facts[-1].kind, FactKind.PAYMENT_SUCCEEDED, "what the session tells")
    expect_equal(reading.facts[-1].source_id, session["payment_intent"]["id"], "payment_intent")


@HOSTED.assumption(
    sources.METADATA,
    by_hand=True,
    cost=Cost.WRONG_BOOKS,
    if_false="A declined try is not known as its gift's.",
)
def metadata_is_copied_to_the_payment(world: World) -> None:
    """What we give as payment_intent_data.metadata stands on the payment and on its charge."""
    intent = person_steps.completed_session(world, objects.CARD)["payment_intent"]
    wanted = objects.metadata_of(person_steps.gift_of(world, objects.CARD))
    expect_equal(dict(intent["metadata"]), wanted, "the intent's metadata")
    expect_equal(dict(intent["latest_charge"]["metadata"]), wanted, "the charge's metadata")


@HOSTED.assumption(
    sources.LIST_SESSIONS,
    by_hand=True,
    cost=Cost.WRONG_BOOKS,
    if_false="Catch-up does not find what was paid while we were away.",
)
def a_paid_session_is_listed_with_its_charge(world: World) -> None:
    """The list of complete sessions has the payment with its charge and balance transaction."""
    session = person_steps.completed_session(world, objects.CARD)
    whole = "data.payment_intent.latest_charge.balance_transaction"
    asked = {"status": "complete", "limit": 100, "expand": [whole]}
    listed = {one["id"]: one for one in world.client.list_page("sessions", asked).objects}
    expect(session["id"] in listed, "the session is not in the list")
    charge = listed[session["id"]]["payment_intent"]["latest_charge"]
    expect_equal(charge["balance_transaction"]["object"], "balance_transaction", "the balance")


@HOSTED.assumption(
    sources.SESSION,
    by_hand=True,
    fields="checkout.session.created checkout.session.invoice checkout.session.subscription",
    cost=Cost.WRONG_BOOKS,
    if_false="The first month is counted twice, or not at all.",
)
def a_monthly_session_names_its_invoice(world: World) -> None:
    """A session that began a subscription names it and its first invoice, and no other payment."""
    session = person_steps.completed_session(world, objects.CARD_MONTHLY)
    reading = world.read(world.event("checkout.session.completed", session["id"]))
    by_kind = {fact.kind: fact for fact in reading.facts}
    paid, begun = by_kind[FactKind.PAYMENT_SUCCEEDED], by_kind[FactKind.PLEDGE_STARTED]
    expect(paid.source_id.startswith("in_"), "invoice is no invoice")
    expect(begun.source_id.startswith("sub_"), "subscription is no subscription")
    expect_equal(session["payment_intent"], None, "payment_intent")
    retold = world.read(as_session_event(session, world.clock.now()) or {})
    expect_equal({fact.kind for fact in retold.facts}, set(by_kind), "what the session tells")


@HOSTED.assumption(
    sources.METADATA,
    by_hand=True,
    cost=Cost.WRONG_BOOKS,
    if_false="Later months are not known as the pledge's.",
)
def metadata_is_copied_to_the_subscription(world: World) -> None:
    """What we give as subscription_data.metadata stands on the subscription and its invoices."""
    subscription = person_steps.subscription(world)
    wanted = objects.metadata_of(person_steps.gift_of(world, objects.CARD_MONTHLY))
    expect_equal(dict(subscription["metadata"]), wanted, "the subscription's metadata")
    invoice = world.billing.invoice(subscription["latest_invoice"])
    details = invoice["parent"]["subscription_details"]
    expect_equal(dict(details["metadata"]), wanted, "the invoice's metadata")


@HOSTED.assumption(
    sources.INACTIVE_PRODUCT,
    by_hand=True,
    cost=Cost.WRONG_MONEY,
    if_false="A donor who began by card can never change the amount.",
)
def a_pledge_from_checkout_changes(world: World) -> None:
    """The amount of a subscription that Checkout began can be changed as the service does it."""
    subscription = person_steps.subscription(world)
    key = f"donate-check-{subscription['id']}:amount"
    amount = Money(CHANGED_AMOUNT, "CAD")
    gift_id = subscription["metadata"]["gift_id"]
    found = world.billing.change_amount(
        subscription["id"], amount, key, name=gift_id, gift_id=gift_id
    )
    (item,) = found["items"]["data"]
    expect_equal(item["price"]["unit_amount"], CHANGED_AMOUNT, "unit_amount")


@HOSTED.assumption(
    sources.ACSS_PAYMENT,
    by_hand=True,
    cost=Cost.WRONG_BOOKS,
    if_false="A debit that is under way is confirmed too early, or a donor is asked to pay again.",
)
def a_debit_is_processing_first(world: World) -> None:
    """A session paid by debit completes unpaid, and tells that the bank has yet to answer."""
    session = person_steps.completed_session(world, objects.DEBIT)
    reading = world.read(world.event("checkout.session.completed", session["id"]))
    expect_equal(reading.facts[-1].kind, FactKind.PAYMENT_PROCESSING, "what the event tells")


@HOSTED.assumption(
    sources.FULFILL,
    by_hand=True,
    cost=Cost.WRONG_BOOKS,
    if_false="A debit that came stays under way for ever.",
)
def a_debit_arrives(world: World) -> None:
    """checkout.session.async_payment_succeeded tells that a debit has come."""
    session_id = person_steps.completed_session(world, objects.DEBIT)["id"]
    event = world.event("checkout.session.async_payment_succeeded", session_id)
    fact = world.read(event).facts[-1]
    expect_equal(fact.kind, FactKind.PAYMENT_SUCCEEDED, "what the event tells")
    found = world.client.retrieve_session(session_id)
    retold = world.read(as_session_event(found, world.clock.now()) or {})
    expect_equal(retold.facts[-1].kind, FactKind.PAYMENT_SUCCEEDED, "what the session tells")


@HOSTED.assumption(
    sources.ACSS_SETUP,
    by_hand=True,
    fields="setup_intent.id checkout.session.customer setup_intent.payment_method",
    cost=Cost.NO_GIFT,
    if_false="A donor agrees to monthly debits, and none is ever made.",
)
def an_agreement_names_customer_and_account(world: World) -> None:
    """A setup session completes with a customer, and its setup intent with a payment method."""
    session = person_steps.completed_session(world, objects.DEBIT_MONTHLY)
    reading = world.read(world.event("checkout.session.completed", session["id"]))
    expect_equal(reading.facts[-1].kind, FactKind.PAYMENT_PROCESSING, "what the event tells")
    retold = world.read(as_session_event(session, world.clock.now()) or {})
    expect_equal(retold.facts[-1].kind, FactKind.PAYMENT_PROCESSING, "what the session tells")
    expect(is_id(session["customer"]), "the session names no customer")
    expect_equal(session["setup_intent"]["status"], "succeeded", "setup_intent.status")
    expect(is_id(session["setup_intent"]["payment_method"]), "the setup names no account")


@HOSTED.assumption(
    sources.ACSS_SUBSCRIPTION,
    by_hand=True,
    routes="POST /v1/subscriptions",
    cost=Cost.NO_GIFT,
    if_false="A donor agrees to monthly debits, and none is ever made.",
)
def monthly_debits_begin_after_the_agreement(world: World) -> None:
    """A subscription begins on the account that a donor agreed with, from just what we send."""
    found = person_steps.debit_subscription(world)
    expect(found["status"] in ("active", "incomplete"), f"status is {found['status']}")
