"""Monthly gifts that are paused until a date or end on a date, and how months are counted."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from donate.gifts.monthly.schedule import monthly_from
from donate.stripe_gateway.assumptions import sources, subscriptions
from donate.stripe_gateway.assumptions.model import Cost, Topic, expect, expect_equal
from donate.stripe_gateway.assumptions.world import Json, World
from donate.stripe_gateway.events.synthetic import as_subscription_event

PAUSES: Final = Topic("Months, pauses and ends to come")
# A donor's pause ends at the start of the day of the next payment, so some hours before it is due.
_BEFORE_A_MONTH: Final = timedelta(hours=2)
# If a pause ends this long after the current month, it leaves out one invoice: that of the month
# which begins then.
_AFTER_THE_MONTH: Final = timedelta(days=3)


@PAUSES.assumption(
    sources.PAUSE,
    fields="subscription.pause_collection.resumes_at",
    cost=Cost.UNTRUE_WORDS,
    if_false="Staff pause a monthly gift until a date, and the donor does not read the date.",
)
def a_pause_can_have_an_end(world: World) -> None:
    """A subscription can be paused until a time, and resumes_at then contains this time."""
    subscription = _paused(world, proving=True)
    (item,) = subscription["items"]["data"]
    expected = item["current_period_end"] + int(_AFTER_THE_MONTH.total_seconds())
    expect_equal(subscription["pause_collection"]["resumes_at"], expected, "resumes_at")
    fact = world.read(as_subscription_event(subscription, world.clock.now())).facts[0]
    expect(fact.evidence["paused"], "the subscription is not paused")
    expect_equal(fact.evidence["resumes_at"], expected, "the end of the pause")


@PAUSES.assumption(
    sources.PAUSE,
    cost=Cost.WRONG_MONEY,
    if_false="A donor whose monthly gift is paused until a date is charged before that date.",
)
def a_month_before_the_end_of_a_pause_is_void(world: World) -> None:
    """If a month begins before resumes_at, its invoice is void."""
    invoice = _month_in_the_pause(world)
    expect_equal(invoice["status"], "void", "the invoice's status")
    expect_equal(invoice["amount_paid"], 0, "amount_paid")


@PAUSES.assumption(
    sources.PAUSE,
    cost=Cost.NO_GIFT,
    if_false="A monthly gift that was paused until a date is never collected again.",
)
def a_month_after_the_end_of_a_pause_is_collected(world: World) -> None:
    """If a month begins after resumes_at, its invoice is paid, and the pause has ended."""
    _month_in_the_pause(world)
    pledge = subscriptions.pledge_to_pause(world)
    invoice = subscriptions.next_month(world, pledge)
    expect_equal(invoice["status"], "paid", "the invoice's status")
    subscription = subscriptions.subscription_of(world, pledge)
    (item,) = subscription["items"]["data"]
    at = datetime.fromtimestamp(item["current_period_start"], UTC)
    fact = world.read(as_subscription_event(subscription, at)).facts[0]
    expect(not fact.evidence["paused"], "the subscription is still paused")


@PAUSES.assumption(
    sources.CHANGE_SUBSCRIPTION,
    fields="subscription.current_period_end",
    cost=Cost.WRONG_MONEY,
    if_false="A monthly gift that staff ended with its month is collected once more.",
)
def an_end_with_the_month_is_shown(world: World) -> None:
    """A subscription can be set to end with the current month. Only its item says when that is."""
    pledge = subscriptions.second_pledge(world)
    key = f"donate-check-{pledge.subscription_id}:end"
    subscription = world.billing.cancel_after_month(pledge.subscription_id, key)
    (item,) = subscription["items"]["data"]
    expect_equal(subscription["status"], "active", "status")
    expect_equal(subscription.get("current_period_end"), None, "current_period_end")
    fact = world.read(as_subscription_event(subscription, world.clock.now())).facts[0]
    expect_equal(fact.evidence["ends_at"], item["current_period_end"], "the end")


@PAUSES.assumption(
    sources.FLEXIBLE,
    fields="""
        subscription.cancel_at subscription.cancel_at_period_end
        subscription_item.current_period_end
    """,
    cost=Cost.WRONG_MONEY,
    if_false="A monthly gift that a donor ended in Stripe's portal is shown as going on.",
)
def a_scheduled_end_shows_in_cancel_at(world: World) -> None:
    """A scheduled end is in cancel_at, and cancel_at_period_end stays false."""
    pledge = subscriptions.second_pledge(world)
    (item,) = subscriptions.subscription_of(world, pledge)["items"]["data"]
    params: Any = {"cancel_at": item["current_period_end"]}
    subscription = world.call(
        lambda sdk: sdk.v1.subscriptions.update(pledge.subscription_id, params), "subscription"
    )
    expect_equal(subscription["cancel_at"], item["current_period_end"], "cancel_at")
    expect(subscription["cancel_at_period_end"] is False, "cancel_at_period_end is not false")
    fact = world.read(as_subscription_event(subscription, world.clock.now())).facts[0]
    expect_equal(fact.evidence["ends_at"], subscription["cancel_at"], "the end in the subscription")


@PAUSES.assumption(
    sources.PAUSE,
    cost=Cost.NO_GIFT,
    if_false="After a donor’s pause, one more month than they chose is not collected.",
)
def a_pause_may_end_hours_before_a_month(world: World) -> None:
    """If a pause ends hours before a month begins, the invoice of that month is paid."""
    pledge = subscriptions.pledge_to_pause_briefly(world)
    (item,) = subscriptions.subscription_of(world, pledge)["items"]["data"]
    until = datetime.fromtimestamp(item["current_period_end"], UTC) - _BEFORE_A_MONTH
    world.billing.pause(pledge.subscription_id, f"donate-check-{pledge.gift_id}:brief", until)
    invoice = subscriptions.next_month(world, pledge)
    expect_equal(invoice["status"], "paid", "the invoice's status")


@PAUSES.assumption(
    sources.FLEXIBLE,
    cost=Cost.UNTRUE_WORDS,
    if_false="The end of a subscription is in a different field from the one we expect.",
)
def billing_is_flexible(world: World) -> None:
    """In our API version a new subscription has the billing mode flexible."""
    subscription = subscriptions.subscription_of(world, subscriptions.pledge(world))
    expect_equal(subscription["billing_mode"]["type"], "flexible", "billing_mode.type")


@PAUSES.assumption(
    sources.CANCEL_SUBSCRIPTION,
    cost=Cost.STAFF_WORK,
    if_false="A repeated cancellation looks like a failure.",
)
def an_end_is_refused_the_second_time(world: World) -> None:
    """Cancelling a cancelled subscription is refused with the code resource_missing."""
    ended_id = subscriptions.ended_pledge(world)["id"]
    refusal = world.refusal(lambda: world.billing.cancel(ended_id, f"{ended_id}:again"))
    expect_equal(refusal.code, "resource_missing", "the code of the refusal")


@PAUSES.assumption(
    sources.SUBSCRIPTION,
    fields="subscription.billing_cycle_anchor",
    cost=Cost.UNTRUE_WORDS,
    if_false="A donor reads wrong days on which their monthly gift is collected.",
)
def months_are_counted_from_the_anchor(world: World) -> None:
    """Each month ends a number of calendar months after billing_cycle_anchor."""
    pledge = subscriptions.pledge_to_pause_briefly(world)
    subscription = subscriptions.subscription_of(world, pledge)
    (item,) = subscription["items"]["data"]
    ends_at = datetime.fromtimestamp(item["current_period_end"], UTC)
    anchor = datetime.fromtimestamp(subscription["billing_cycle_anchor"], UTC)
    expect_equal(monthly_from(anchor, ends_at), ends_at, "the end of the month")


def _paused(world: World, *, proving: bool = False) -> Json:
    pledge = subscriptions.pledge_to_pause(world)

    def pause() -> Json:
        (item,) = subscriptions.subscription_of(world, pledge)["items"]["data"]
        until = datetime.fromtimestamp(item["current_period_end"], UTC) + _AFTER_THE_MONTH
        key = f"donate-check-{pledge.subscription_id}:pause"
        return world.billing.pause(pledge.subscription_id, key, until)

    return world.make_once("monthly gift paused until a date", pause, proving=proving)


def _month_in_the_pause(world: World) -> Json:
    _paused(world)
    pledge = subscriptions.pledge_to_pause(world)
    return world.make_once(
        "month before the end of a pause", lambda: subscriptions.next_month(world, pledge)
    )
