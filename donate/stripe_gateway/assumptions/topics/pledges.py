"""Monthly gifts: the subscription and a donor's changes to it."""

from functools import partial
from typing import Any, Final

from donate.gifts.facts import FactKind
from donate.stripe_gateway.assumptions import objects, sources, subscriptions
from donate.stripe_gateway.assumptions.model import Cost, Topic, expect, expect_equal
from donate.stripe_gateway.assumptions.world import World
from donate.stripe_gateway.events.synthetic import as_start_event, as_subscription_event

PLEDGES: Final = Topic("Monthly gifts")


@PLEDGES.assumption(
    sources.SUBSCRIPTIONS_WORK,
    routes="GET /v1/subscriptions/{id}",
    fields="subscription.created subscription.id subscription.livemode subscription.status",
    cost=Cost.WRONG_BOOKS,
    if_false="A running monthly gift is not shown as running.",
)
def a_subscription_runs_once_it_is_paid(world: World) -> None:
    """A subscription whose first payment succeeded is active, and has our metadata and one item."""
    begun = subscriptions.pledge(world, proving=True)
    found = subscriptions.subscription_of(world, begun)
    expect_equal(found["status"], "active", "status")
    reading = world.read(as_start_event(found, world.clock.now()))
    expect_equal(reading.facts[0].kind, FactKind.PLEDGE_STARTED, "what the subscription tells")
    expect_equal(str(reading.gift_id), begun.gift_id, "metadata.gift_id")


@PLEDGES.assumption(
    sources.EVENT_TYPES,
    fields="subscription.metadata",
    cost=Cost.WRONG_BOOKS,
    if_false="The start of a monthly debit is known only after somebody checks.",
)
def a_new_subscription_sends_an_event(world: World) -> None:
    """A new subscription sends customer.subscription.created with our metadata."""
    pledge = subscriptions.pledge(world)
    event = world.event("customer.subscription.created", pledge.subscription_id)
    expect_equal(event["data"]["object"]["metadata"]["gift_id"], pledge.gift_id, "metadata.gift_id")


@PLEDGES.assumption(
    sources.CHANGE_SUBSCRIPTION,
    routes="POST /v1/subscriptions/{id}",
    fields="""
        price.unit_amount subscription.items subscription.items.data subscription_item.price
        subscription_item.quantity
    """,
    cost=Cost.WRONG_MONEY,
    if_false="A donor cannot change the monthly amount.",
)
def the_amount_changes(world: World) -> None:
    """A subscription item can get a new price that belongs to the same active product."""
    subscription = subscriptions.changed_pledge(world, proving=True)
    (item,) = subscription["items"]["data"]
    expect_equal(item["price"]["unit_amount"], subscriptions.CHANGED_AMOUNT, "unit_amount")
    expect_equal(item["quantity"], 1, "quantity")


@PLEDGES.assumption(
    sources.CHANGE_SUBSCRIPTION,
    fields="invoice.billing_reason subscription.latest_invoice",
    cost=Cost.WRONG_MONEY,
    if_false="A donor who changes the amount pays twice in that month.",
)
def a_change_charges_nothing_now(world: World) -> None:
    """With proration_behavior none, changing the amount makes no invoice before the next month."""
    pledge = subscriptions.pledge(world)
    subscription = subscriptions.changed_pledge(world)
    params: Any = {"subscription": pledge.subscription_id, "limit": 10}
    page = world.client.list_page("invoices", params)
    invoices = [
        invoice for invoice in page.objects if invoice["billing_reason"] == "subscription_update"
    ]
    expect_equal(invoices, [], "the list of invoices for the change")
    expect(subscription["latest_invoice"], "the subscription has no latest_invoice")


@PLEDGES.assumption(
    sources.EVENT_TYPES,
    fields="""
        subscription.cancel_at_period_end subscription.currency subscription.pause_collection
    """,
    cost=Cost.WRONG_BOOKS,
    if_false="The donor's page still shows the old amount.",
)
def a_changed_amount_sends_an_event(world: World) -> None:
    """After a change of amount, customer.subscription.updated has the item's price and quantity."""
    subscriptions.changed_pledge(world)
    subscription_id = subscriptions.pledge(world).subscription_id
    facts = [
        world.read(event).facts[0]
        for event in world.wait_for(
            "event customer.subscription.updated",
            lambda: world.events("customer.subscription.updated", subscription_id),
        )
    ]
    amounts = [fact.amount_minor for fact in facts if fact.kind == FactKind.PLEDGE_CHANGED]
    expect(subscriptions.CHANGED_AMOUNT in amounts, f"the amounts in the events are {amounts}")


@PLEDGES.assumption(
    sources.PAUSE,
    cost=Cost.WRONG_MONEY,
    if_false="A donor who paused is still charged.",
)
def a_pledge_can_be_paused(world: World) -> None:
    """A subscription can be paused with the behavior void; its status stays active."""
    subscription = subscriptions.paused_pledge(world, proving=True)
    expect_equal(subscription["pause_collection"]["behavior"], "void", "pause_collection.behavior")
    expect_equal(subscription["status"], "active", "status")
    reading = world.read(as_subscription_event(subscription, world.clock.now()))
    expect(reading.facts[0].evidence["paused"], "the subscription is not paused")


@PLEDGES.assumption(
    sources.PAUSE,
    fields="invoice.amount_paid invoice.status",
    cost=Cost.WRONG_MONEY,
    if_false="A paused month is collected later.",
)
def a_paused_month_is_void(world: World) -> None:
    """The invoice of a month in the pause is void, and its amount_paid is 0."""
    invoice = subscriptions.paused_month(world)
    expect_equal(invoice["status"], "void", "the invoice's status")
    expect_equal(invoice["amount_paid"], 0, "amount_paid")


@PLEDGES.assumption(
    sources.PAUSE,
    cost=Cost.NO_GIFT,
    if_false="A donor who resumes is not charged any more.",
)
def a_paused_pledge_can_be_resumed(world: World) -> None:
    """An empty pause_collection ends the pause; the field is null afterwards."""
    subscription = subscriptions.resumed_pledge(world, proving=True)
    expect_equal(subscription["pause_collection"], None, "pause_collection")


@PLEDGES.assumption(
    sources.CANCEL_SUBSCRIPTION,
    routes="DELETE /v1/subscriptions/{id}",
    fields="invoice.id subscription.ended_at subscription.canceled_at",
    cost=Cost.WRONG_MONEY,
    if_false="A donor who ended their monthly gift is charged again.",
)
def cancelling_ends_a_subscription_immediately(world: World) -> None:
    """Cancelling a subscription ends it immediately: it is canceled and ended_at is set."""
    subscription = subscriptions.ended_pledge(world, proving=True)
    expect_equal(subscription["status"], "canceled", "status")
    expect(isinstance(subscription["ended_at"], int), "ended_at is missing")
    expect(isinstance(subscription["canceled_at"], int), "canceled_at is missing")
    reading = world.read(as_subscription_event(subscription, world.clock.now()))
    expect_equal(reading.facts[0].kind, FactKind.PLEDGE_ENDED, "the fact")


@PLEDGES.assumption(
    sources.EVENT_TYPES,
    fields="subscription.cancellation_details subscription.cancellation_details.reason",
    cost=Cost.WRONG_BOOKS,
    if_false="An ended monthly gift is shown as running.",
)
def an_ended_subscription_sends_an_event(world: World) -> None:
    """The end of a subscription sends customer.subscription.deleted."""
    subscription = subscriptions.ended_pledge(world)
    event = world.event("customer.subscription.deleted", subscription["id"])
    reading = world.read(event)
    details = event["data"]["object"]["cancellation_details"]
    expect_equal(details["reason"], "cancellation_requested", "cancellation_details.reason")
    expect_equal(reading.facts[0].kind, FactKind.PLEDGE_ENDED, "the fact")


@PLEDGES.assumption(
    sources.LIST_SUBSCRIPTIONS,
    routes="GET /v1/subscriptions",
    cost=Cost.WRONG_MONEY,
    if_false="An existing monthly debit is not found, and is created a second time.",
)
def a_customers_subscriptions_are_listed(world: World) -> None:
    """With the status all, a customer's subscription list includes the ended ones."""
    subscription = subscriptions.ended_pledge(world)
    newest = world.billing.subscription_of(subscriptions.pledge(world).customer_id)
    expect_equal(newest and newest["id"], subscription["id"], "the customer's newest subscription")


@PLEDGES.assumption(
    sources.PORTAL,
    routes="POST /v1/billing_portal/sessions",
    cost=Cost.NO_GIFT,
    if_false="A donor whose card expired cannot enter a new one.",
)
def the_portal_opens_on_the_card_page(world: World) -> None:
    """With the parameters we send, the portal shows only the page for replacing a card."""
    _card_page(world, proving=True)


@PLEDGES.assumption(
    sources.OWN_CARD,
    routes="POST /v1/customers/{id}",
    fields="""
        customer.id customer.invoice_settings.default_payment_method
        subscription.customer subscription.default_payment_method
    """,
    cost=Cost.WRONG_MONEY,
    if_false="A donor replaces their card, but the old one is still charged.",
)
def a_new_card_can_be_charged(world: World) -> None:
    """After a card becomes the customer's default, it can become the subscription's default."""
    _card_page(world)
    pledge = subscriptions.second_pledge(world)
    card = subscriptions.save_card(world, pledge.customer_id, subscriptions.GOOD_CARD)
    default: Any = {"invoice_settings": {"default_payment_method": card}}
    customer = world.call(
        lambda sdk: sdk.v1.customers.update(pledge.customer_id, default), "customer"
    )
    settings = customer["invoice_settings"]
    expect_equal(settings["default_payment_method"], card, "the customer's default card")
    world.billing.charge_new_card(pledge.subscription_id)
    subscription = subscriptions.subscription_of(world, pledge)
    expect_equal(subscription["default_payment_method"], card, "the subscription's own card")


@PLEDGES.assumption(
    sources.EXPAND,
    routes="GET /v1/payment_methods",
    fields="""
        payment_method.id payment_method.type payment_method.card payment_method.card.brand
        payment_method.card.last4
    """,
    cost=Cost.UNTRUE_WORDS,
    if_false="A monthly donor does not read which card is charged.",
)
def a_subscription_shows_its_card(world: World) -> None:
    """An expanded default_payment_method has the brand and the last four digits of the card."""
    pledge = subscriptions.second_pledge(world)
    subscription = world.billing.subscription_with_method(pledge.subscription_id)
    fact = world.read(as_subscription_event(subscription, world.clock.now())).facts[0]
    expect_equal((fact.card_brand, fact.last4), ("visa", "4242"), "the card")
    params: Any = {"customer": pledge.customer_id, "limit": 1}
    methods = world.call(lambda sdk: sdk.v1.payment_methods.list(params), "list")
    expect(methods["data"], "the customer's payment methods are not listed")


@PLEDGES.assumption(
    sources.EVENT_TYPES,
    cost=Cost.UNTRUE_WORDS,
    if_false="A monthly donor gets no e-mail about a new card.",
)
def a_new_card_sends_an_event(world: World) -> None:
    """If another card becomes the subscription's own, an event names the card's id."""
    a_new_card_can_be_charged(world)
    pledge = subscriptions.second_pledge(world)
    card = subscriptions.subscription_of(world, pledge)["default_payment_method"]
    events = world.wait_for(
        "event customer.subscription.updated",
        lambda: world.events("customer.subscription.updated", pledge.subscription_id),
    )
    named = {world.read(event).facts[0].payment_method for event in events}
    expect(card in named, f"the events name {sorted(filter(None, named))}")


@PLEDGES.assumption(
    sources.INACTIVE_PRODUCT,
    routes="POST /v1/products",
    cost=Cost.WRONG_MONEY,
    if_false="We create products of our own needlessly; nothing breaks.",
)
def an_inactive_product_takes_no_new_price(world: World) -> None:
    """Stripe refuses a new subscription price if its product is inactive."""
    pledge = subscriptions.pledge(world)
    product = objects.new_product(world, f"{pledge.reference} archived")
    world.call(lambda sdk: sdk.v1.products.update(product, {"active": False}), "product")
    (item,) = subscriptions.subscription_of(world, pledge)["items"]["data"]
    params: Any = {
        "items": [{"id": item["id"], "price_data": subscriptions.monthly_price(product, 7_000)}],
        "proration_behavior": "none",
    }
    refusal = world.refusal(
        lambda: world.call(
            lambda sdk: sdk.v1.subscriptions.update(pledge.subscription_id, params), "subscription"
        )
    )
    expect_equal(refusal.status, 400, "the status of the refusal")


def _card_page(world: World, *, proving: bool = False) -> str:
    pledge, page = subscriptions.second_pledge(world), world.account.public_url
    open_page = partial(world.billing.card_page, pledge.subscription_id, page, page, french=True)
    return str(world.make_once("page for a card", open_page, proving=proving))
