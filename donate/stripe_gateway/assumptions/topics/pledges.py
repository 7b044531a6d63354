"""Monthly gifts: the subscription, and what a donor may change of it."""

from functools import partial
from typing import Any, Final

from donate.gifts.facts import FactKind
from donate.stripe_gateway.assumptions import objects, sources, subscriptions
from donate.stripe_gateway.assumptions.model import Cost, Topic, expect, expect_equal
from donate.stripe_gateway.assumptions.world import World
from donate.stripe_gateway.events.synthetic import as_begun_event, as_subscription_event

PLEDGES: Final = Topic("Monthly gifts")


@PLEDGES.assumption(
    sources.SUBSCRIPTIONS_WORK,
    routes="GET /v1/subscriptions/{id}",
    fields="subscription.created subscription.id subscription.livemode subscription.status",
    cost=Cost.WRONG_BOOKS,
    if_false="A monthly gift that runs is not shown as one.",
)
def a_subscription_runs_once_it_is_paid(world: World) -> None:
    """A subscription whose first month was paid is active, bears our metadata, and has one item."""
    begun = subscriptions.pledge(world, proving=True)
    found = subscriptions.subscription_of(world, begun)
    expect_equal(found["status"], "active", "status")
    reading = world.read(as_begun_event(found, world.clock.now()))
    expect_equal(reading.facts[0].kind, FactKind.PLEDGE_STARTED, "what the subscription tells")
    expect_equal(str(reading.gift_id), begun.gift_id, "metadata.gift_id")


@PLEDGES.assumption(
    sources.EVENT_TYPES,
    fields="subscription.metadata",
    cost=Cost.WRONG_BOOKS,
    if_false="That a monthly debit has begun is known only when somebody asks.",
)
def a_new_subscription_sends_an_event(world: World) -> None:
    """customer.subscription.created tells of a subscription that begins."""
    begun = subscriptions.pledge(world)
    event = world.event("customer.subscription.created", begun.subscription_id)
    expect_equal(event["data"]["object"]["metadata"]["gift_id"], begun.gift_id, "metadata.gift_id")


@PLEDGES.assumption(
    sources.FLEXIBLE,
    cost=Cost.UNTRUE_WORDS,
    if_false="How a subscription ends is told in another field than the one we expect.",
)
def billing_is_flexible(world: World) -> None:
    """In our version of the API a new subscription has the billing mode flexible."""
    found = subscriptions.subscription_of(world, subscriptions.pledge(world))
    expect_equal(found["billing_mode"]["type"], "flexible", "billing_mode.type")


@PLEDGES.assumption(
    sources.CHANGE_SUBSCRIPTION,
    routes="POST /v1/subscriptions/{id}",
    fields="""
        price.unit_amount subscription.items subscription.items.data subscription_item.price
        subscription_item.quantity
    """,
    cost=Cost.WRONG_MONEY,
    if_false="A donor cannot change what is collected each month.",
)
def the_amount_changes(world: World) -> None:
    """The price of a subscription's one item can be replaced, on the same active product."""
    found = subscriptions.changed_pledge(world, proving=True)
    (item,) = found["items"]["data"]
    expect_equal(item["price"]["unit_amount"], subscriptions.CHANGED_AMOUNT, "unit_amount")
    expect_equal(item["quantity"], 1, "quantity")


@PLEDGES.assumption(
    sources.CHANGE_SUBSCRIPTION,
    fields="invoice.billing_reason subscription.latest_invoice",
    cost=Cost.WRONG_MONEY,
    if_false="A donor pays twice in the month in which they change the amount.",
)
def a_change_charges_nothing_now(world: World) -> None:
    """With proration_behavior none a changed amount makes no invoice before the next month."""
    begun = subscriptions.pledge(world)
    found = subscriptions.changed_pledge(world)
    asked: Any = {"subscription": begun.subscription_id, "limit": 10}
    page = world.client.list_page("invoices", asked)
    listed = [one for one in page.objects if one["billing_reason"] == "subscription_update"]
    expect_equal(listed, [], "the list of invoices for the change")
    expect(found["latest_invoice"], "the subscription names no latest_invoice")


@PLEDGES.assumption(
    sources.EVENT_TYPES,
    fields="""
        subscription.cancel_at_period_end subscription.currency subscription.pause_collection
    """,
    cost=Cost.WRONG_BOOKS,
    if_false="The donor's page goes on to show the old amount.",
)
def a_changed_amount_sends_an_event(world: World) -> None:
    """customer.subscription.updated tells the new price of the one item, and its quantity."""
    subscriptions.changed_pledge(world)
    subscription_id = subscriptions.pledge(world).subscription_id
    told = [
        world.read(event).facts[0]
        for event in world.wait_for(
            "event customer.subscription.updated",
            lambda: world.events("customer.subscription.updated", subscription_id),
        )
    ]
    amounts = [fact.amount_minor for fact in told if fact.kind == FactKind.PLEDGE_CHANGED]
    expect(subscriptions.CHANGED_AMOUNT in amounts, f"the events tell of {amounts}")


@PLEDGES.assumption(
    sources.PAUSE,
    cost=Cost.WRONG_MONEY,
    if_false="A donor who paused is charged all the same.",
)
def a_pledge_can_be_paused(world: World) -> None:
    """pause_collection with the behavior void is taken and shown; the status stays active."""
    found = subscriptions.paused_pledge(world, proving=True)
    expect_equal(found["pause_collection"]["behavior"], "void", "pause_collection.behavior")
    expect_equal(found["status"], "active", "status")
    reading = world.read(as_subscription_event(found, world.clock.now()))
    expect(reading.facts[0].evidence["paused"], "the subscription tells no pause")


@PLEDGES.assumption(
    sources.PAUSE,
    fields="invoice.amount_paid invoice.status",
    cost=Cost.WRONG_MONEY,
    if_false="A month that was paused is collected later after all.",
)
def a_paused_month_is_void(world: World) -> None:
    """The invoice of a month that passes while paused is void, and nothing of it is paid."""
    invoice = subscriptions.paused_month(world)
    expect_equal(invoice["status"], "void", "the invoice's status")
    expect_equal(invoice["amount_paid"], 0, "amount_paid")


@PLEDGES.assumption(
    sources.PAUSE,
    cost=Cost.NO_GIFT,
    if_false="A donor who wants to go on giving no longer does.",
)
def a_paused_pledge_can_be_resumed(world: World) -> None:
    """An empty pause_collection takes the pause away, and it is shown as null."""
    found = subscriptions.resumed_pledge(world, proving=True)
    expect_equal(found["pause_collection"], None, "pause_collection")


@PLEDGES.assumption(
    sources.CANCEL_SUBSCRIPTION,
    routes="DELETE /v1/subscriptions/{id}",
    fields="invoice.id subscription.ended_at subscription.canceled_at",
    cost=Cost.WRONG_MONEY,
    if_false="A donor who ended their monthly gift is charged again.",
)
def cancelling_ends_a_subscription_immediately(world: World) -> None:
    """Cancelling ends a subscription at once: canceled, with the time in ended_at."""
    found = subscriptions.ended_pledge(world, proving=True)
    expect_equal(found["status"], "canceled", "status")
    expect(isinstance(found["ended_at"], int), "ended_at is missing")
    expect(isinstance(found["canceled_at"], int), "canceled_at is missing")
    reading = world.read(as_subscription_event(found, world.clock.now()))
    expect_equal(reading.facts[0].kind, FactKind.PLEDGE_ENDED, "what the subscription tells")


@PLEDGES.assumption(
    sources.EVENT_TYPES,
    fields="subscription.cancellation_details subscription.cancellation_details.reason",
    cost=Cost.WRONG_BOOKS,
    if_false="An ended monthly gift is shown as one that runs.",
)
def an_ended_subscription_sends_an_event(world: World) -> None:
    """customer.subscription.deleted tells that a subscription has ended."""
    found = subscriptions.ended_pledge(world)
    event = world.event("customer.subscription.deleted", found["id"])
    reading = world.read(event)
    details = event["data"]["object"]["cancellation_details"]
    expect_equal(details["reason"], "cancellation_requested", "cancellation_details.reason")
    expect_equal(reading.facts[0].kind, FactKind.PLEDGE_ENDED, "what the event tells")


@PLEDGES.assumption(
    sources.LIST_SUBSCRIPTIONS,
    routes="GET /v1/subscriptions",
    cost=Cost.WRONG_MONEY,
    if_false="A monthly debit that was begun is not found again, and begins a second time.",
)
def a_customers_subscriptions_are_listed(world: World) -> None:
    """The list of a customer's subscriptions with the status all has those that are over too."""
    found = subscriptions.ended_pledge(world)
    listed = world.billing.subscription_of(subscriptions.pledge(world).customer_id)
    expect_equal(listed and listed["id"], found["id"], "the newest subscription of the customer")


@PLEDGES.assumption(
    sources.CANCEL_SUBSCRIPTION,
    cost=Cost.STAFF_WORK,
    if_false="An end that was asked for twice looks like a failure.",
)
def an_end_is_refused_the_second_time(world: World) -> None:
    """Cancelling again is refused with resource_missing."""
    found = subscriptions.ended_pledge(world)
    refusal = world.refusal(lambda: world.billing.cancel(found["id"], f"{found['id']}:again"))
    expect_equal(refusal.code, "resource_missing", "the code of the refusal")


@PLEDGES.assumption(
    sources.PORTAL,
    routes="POST /v1/billing_portal/sessions",
    cost=Cost.NO_GIFT,
    if_false="A donor whose card has expired cannot give another one.",
)
def the_portal_opens_on_the_card_page(world: World) -> None:
    """The portal opens for a customer on the card alone, from just what the service sends."""
    _card_page(world, proving=True)


@PLEDGES.assumption(
    sources.OWN_CARD,
    routes="POST /v1/customers/{id}",
    fields="""
        customer.id
        customer.invoice_settings.default_payment_method
        subscription.customer
        subscription.default_payment_method
    """,
    cost=Cost.WRONG_MONEY,
    if_false="A donor replaces their card, and the old one goes on being charged.",
)
def a_new_card_can_be_charged(world: World) -> None:
    """A card that became its customer's default can be made the subscription's own."""
    _card_page(world)
    spare = subscriptions.second_pledge(world)
    card = subscriptions.save_card(world, spare.customer_id, subscriptions.GOOD_CARD)
    default: Any = {"invoice_settings": {"default_payment_method": card}}
    customer = world.call(
        lambda sdk: sdk.v1.customers.update(spare.customer_id, default), "customer"
    )
    settings = customer["invoice_settings"]
    expect_equal(settings["default_payment_method"], card, "the customer's default card")
    world.billing.charge_new_card(spare.subscription_id)
    found = subscriptions.subscription_of(world, spare)
    expect_equal(found["default_payment_method"], card, "the subscription's own card")


@PLEDGES.assumption(
    sources.FLEXIBLE,
    fields="""
        subscription.cancel_at
        subscription.cancel_at_period_end
        subscription_item.current_period_end
    """,
    cost=Cost.WRONG_MONEY,
    if_false="A monthly gift that a donor ended in Stripe's portal is shown as one that goes on.",
)
def a_scheduled_end_shows_in_cancel_at(world: World) -> None:
    """An end that is set for a day shows in cancel_at, and leaves cancel_at_period_end false."""
    spare = subscriptions.second_pledge(world)
    (item,) = subscriptions.subscription_of(world, spare)["items"]["data"]
    asked: Any = {"cancel_at": item["current_period_end"]}
    found = world.call(
        lambda sdk: sdk.v1.subscriptions.update(spare.subscription_id, asked), "subscription"
    )
    expect_equal(found["cancel_at"], item["current_period_end"], "cancel_at")
    expect(found["cancel_at_period_end"] is False, "cancel_at_period_end is not false")
    told = world.read(as_subscription_event(found, world.clock.now())).facts[0]
    expect_equal(told.evidence["ends_at"], found["cancel_at"], "what the subscription tells")


@PLEDGES.assumption(
    sources.INACTIVE_PRODUCT,
    routes="POST /v1/products",
    cost=Cost.WRONG_MONEY,
    if_false="We use products of our own without need; nothing breaks.",
)
def an_inactive_product_takes_no_new_price(world: World) -> None:
    """A subscription takes no new price on a product that is inactive."""
    begun = subscriptions.pledge(world)
    product = objects.new_product(world, f"{begun.reference} archived")
    world.call(lambda sdk: sdk.v1.products.update(product, {"active": False}), "product")
    (item,) = subscriptions.subscription_of(world, begun)["items"]["data"]
    asked: Any = {
        "items": [{"id": item["id"], "price_data": subscriptions.monthly_price(product, 7_000)}],
        "proration_behavior": "none",
    }
    refusal = world.refusal(
        lambda: world.call(
            lambda sdk: sdk.v1.subscriptions.update(begun.subscription_id, asked), "subscription"
        )
    )
    expect_equal(refusal.status, 400, "the status of the refusal")


def _card_page(world: World, *, proving: bool = False) -> str:
    spare, page = subscriptions.second_pledge(world).subscription_id, world.account.public_url
    ask = partial(world.billing.card_page, spare, page, page, french=True)
    return str(world.make_once("page for a card", ask, proving=proving))
