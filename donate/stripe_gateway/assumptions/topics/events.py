"""Assumptions about events and lists: an event's fields, the order of lists, and their pages."""

import time
import uuid
from datetime import timedelta
from typing import Any, Final

from donate.stripe_gateway.assumptions import objects, sources
from donate.stripe_gateway.assumptions.model import Cost, Topic, expect, expect_equal
from donate.stripe_gateway.assumptions.world import Json, World
from donate.stripe_gateway.events.parser import envelope_of_event
from donate.stripe_gateway.events.types import EVENT_TYPES

EVENTS: Final = Topic("Events and lists")


@EVENTS.assumption(
    sources.EVENT,
    cost=Cost.WRONG_BOOKS,
    if_false="Every event is set aside as unreadable.",
)
def an_event_is_a_snapshot(world: World) -> None:
    """An event has an id, type, time and livemode; data.object is a copy of the object."""
    session = objects.expired_session(world)
    event = world.event("checkout.session.expired", session.opened.session_id)
    expect_equal(event["object"], "event", "object")
    envelope = envelope_of_event(event)
    expect(envelope.livemode is False, "livemode is not false")
    expect_equal(envelope.account, None, "account")
    expect_equal(envelope.object["object"], "checkout.session", "data.object.object")


@EVENTS.assumption(
    sources.VERSIONING,
    cost=Cost.WRONG_BOOKS,
    if_false="Events have a different structure from the one we read.",
)
def answers_come_in_our_version(world: World) -> None:
    """An answer's Stripe-Version header is the API version that our SDK requests."""
    world.call(lambda sdk: sdk.v1.events.list({"limit": 1}), "list")
    expect_equal(world.client.headers.get("stripe-version"), world.api_version, "stripe-version")


@EVENTS.assumption(
    sources.LIST_EVENTS,
    routes="GET /v1/events",
    cost=Cost.WRONG_BOOKS,
    if_false="Catch-up cannot list events.",
)
def the_event_list_takes_all_our_types(world: World) -> None:
    """One request can list events of all the types we handle, and returns no other type."""
    objects.expired_session(world)
    world.make_once(
        "product that sends an event",
        lambda: objects.new_product(world, f"Check {uuid.uuid4().hex[:8]}"),
    )
    page = world.client.list_page("events", {"types": list(EVENT_TYPES), "limit": 100})
    others = {event["type"] for event in page.objects} - set(EVENT_TYPES)
    expect(page.objects, "the list is empty")
    expect_equal(others, set(), "the types that were not requested")


@EVENTS.assumption(
    sources.LIST_EVENTS,
    cost=Cost.WRONG_BOOKS,
    if_false="Catch-up reads events in the wrong order and misses some.",
)
def events_are_listed_newest_first(world: World) -> None:
    """Stripe lists events newest first."""
    _two_expired(world)
    created = [event["created"] for event in _listed(world, {"limit": 100})]
    expect(len(created) > 1, "there are fewer than two events to compare")
    expect_equal(created, sorted(created, reverse=True), "the order of the events")


@EVENTS.assumption(
    sources.PAGINATION,
    cost=Cost.WRONG_BOOKS,
    if_false="Catch-up misses events, or reads the same page for ever.",
)
def pages_go_on_after_the_last_object(world: World) -> None:
    """A page has the field has_more; the next one begins after the object in starting_after."""
    _two_expired(world)
    params = {"types": ["checkout.session.expired"], "limit": 1}
    first = world.client.list_page("events", params)
    expect_equal((len(first.objects), first.has_more), (1, True), "the first page")
    second = world.client.list_page("events", params | {"starting_after": first.objects[0]["id"]})
    whole = world.client.list_page("events", params | {"limit": 2})
    expect_equal(
        [event["id"] for event in first.objects + second.objects],
        [event["id"] for event in whole.objects],
        "the objects of both pages",
    )


@EVENTS.assumption(
    sources.LIST_EVENTS,
    cost=Cost.WRONG_BOOKS,
    if_false="Catch-up fetches events it already has, or misses new ones.",
)
def events_are_listed_by_time(world: World) -> None:
    """The event list returns only events whose creation time is in the requested range."""
    session = objects.expired_session(world)
    event = world.event("checkout.session.expired", session.opened.session_id)
    at = event["created"]
    inside = _ids(world, {"created": {"gte": at, "lt": at + 1}})
    before = _ids(world, {"created": {"gte": at - 3_600, "lt": at}})
    expect(event["id"] in inside, "the event is not in the list of its own second")
    expect(event["id"] not in before, "the event is in the list of the hour before it")


@EVENTS.assumption(
    sources.LIST_EVENTS,
    cost=Cost.WRONG_BOOKS,
    if_false="Stripe refuses the oldest period that catch-up may request.",
)
def events_of_29_days_can_be_listed(world: World) -> None:
    """The event list accepts a `created` filter that begins 29 days ago."""
    since = int((world.clock.now() - timedelta(days=29)).timestamp())
    _listed(world, {"created": {"gte": since}, "limit": 1})


@EVENTS.assumption(
    sources.PAGINATION,
    cost=Cost.WRONG_BOOKS,
    if_false="Stripe refuses catch-up's requests, or catch-up is ten times slower.",
)
def a_page_has_up_to_a_hundred(world: World) -> None:
    """Stripe accepts a page size of 100 and refuses 101."""
    _listed(world, {"limit": 100})
    refusal = world.refusal(lambda: _listed(world, {"limit": 101}))
    expect_equal(refusal.status, 400, "the status of the refusal")


@EVENTS.assumption(
    sources.EXPAND,
    cost=Cost.WRONG_BOOKS,
    if_false="Catch-up does not know when the money of a session arrived.",
)
def complete_sessions_can_be_expanded(world: World) -> None:
    """The list of complete sessions can contain each session's expanded balance transaction."""
    whole = "data.payment_intent.latest_charge.balance_transaction"
    world.client.list_page("sessions", {"status": "complete", "expand": [whole], "limit": 10})


def _two_expired(world: World) -> None:
    """Make Stripe send two events at least one second apart, so that their order is certain."""
    objects.expired_session(world)
    world.make_once("pause of a second", lambda: time.sleep(1.1))
    objects.expired_session(world, "another expired session")


def _listed(world: World, params: dict[str, Any]) -> list[Json]:
    return world.client.list_page("events", params).objects


def _ids(world: World, params: dict[str, Any]) -> set[str]:
    types = {"types": ["checkout.session.expired"], "limit": 100}
    return {event["id"] for event in _listed(world, types | params)}
