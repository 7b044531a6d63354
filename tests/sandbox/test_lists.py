"""The sandbox's lists begin with the newest object, and paging skips and repeats nothing."""

from typing import Any

import pytest
import stripe

from donate.sandbox.shelf import Shelf
from tests.sandbox.running import SESSION, RunningSandbox

COUNT = 12


@pytest.fixture
def ids(fresh_client: stripe.StripeClient) -> list[str]:
    """The ids of twelve events, the newest first."""
    for _ in range(COUNT):
        session = fresh_client.v1.checkout.sessions.create(SESSION)
        fresh_client.v1.checkout.sessions.expire(session.id)
    return [event.id for event in fresh_client.v1.events.list({"limit": 100}).data]


def test_a_page_has_ten_objects_by_default(
    fresh_client: stripe.StripeClient, ids: list[str]
) -> None:
    """A page of a list has ten objects by default; has_more says whether others follow."""
    page = fresh_client.v1.events.list()
    assert [event.id for event in page.data] == ids[:10]
    assert page.has_more
    assert page.url == "/v1/events"


def test_starting_after_goes_to_the_older(
    fresh_client: stripe.StripeClient, ids: list[str]
) -> None:
    """With starting_after, a page has the objects that are just older than the cursor."""
    page = fresh_client.v1.events.list({"starting_after": ids[3], "limit": 4})
    assert [event.id for event in page.data] == ids[4:8]
    assert page.has_more
    last = fresh_client.v1.events.list({"starting_after": ids[7], "limit": 4})
    assert [event.id for event in last.data] == ids[8:]
    assert not last.has_more


def test_ending_before_gives_the_nearest_newer(
    fresh_client: stripe.StripeClient, ids: list[str]
) -> None:
    """With ending_before, a page has the objects that are just newer than the cursor."""
    page = fresh_client.v1.events.list({"ending_before": ids[8], "limit": 3})
    assert [event.id for event in page.data] == ids[5:8]
    assert page.has_more
    top = fresh_client.v1.events.list({"ending_before": ids[3], "limit": 3})
    assert [event.id for event in top.data] == ids[:3]
    assert not top.has_more


def test_the_sdk_pages_in_both_directions(
    fresh_client: stripe.StripeClient, ids: list[str]
) -> None:
    """The SDK's auto_paging_iter yields every event once, in either direction."""
    down = fresh_client.v1.events.list({"limit": 5}).auto_paging_iter()
    assert [event.id for event in down] == ids
    up = fresh_client.v1.events.list({"limit": 5, "ending_before": ids[-1]}).auto_paging_iter()
    assert [event.id for event in up] == ids[-2::-1]


def test_new_events_do_not_disturb_paging(
    fresh_client: stripe.StripeClient, ids: list[str]
) -> None:
    """Events that are made while a client pages through the list are not in later pages."""
    seen_ids = []
    for event in fresh_client.v1.events.list({"limit": 4}).auto_paging_iter():
        seen_ids.append(event.id)
        if len(seen_ids) == 2:
            session = fresh_client.v1.checkout.sessions.create(SESSION)
            fresh_client.v1.checkout.sessions.expire(session.id)
    assert seen_ids == ids


@pytest.mark.usefixtures("ids")
def test_events_are_found_by_type(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox
) -> None:
    """The list of events can be filtered by types; `payment_intent.*` matches a whole group."""
    session = fresh_client.v1.checkout.sessions.create(SESSION)
    fresh_sandbox.pay(session.id)
    params = {"types": ["charge.succeeded", "checkout.session.completed"]}
    events = fresh_client.v1.events.list(params)  # type: ignore[arg-type]
    assert [event.type for event in events.data] == [
        "checkout.session.completed",
        "charge.succeeded",
    ]
    one = fresh_client.v1.events.list({"type": "payment_intent.*"})
    assert [event.type for event in one.data] == [
        "payment_intent.succeeded",
        "payment_intent.created",
    ]


def test_created_narrows_by_time(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox
) -> None:
    """Lists can be filtered by their objects' creation time, exactly or by bounds."""
    start = 1_750_000_000
    ids = []
    for moment in (start, start + 10, start + 20):
        fresh_sandbox.control("POST", "/_sandbox/clock", now=moment)
        ids.append(fresh_client.v1.checkout.sessions.create(SESSION).id)

    def session_ids(created: Any) -> list[str]:
        listed = fresh_client.v1.checkout.sessions.list({"created": created})
        return [session.id for session in listed.data]

    assert session_ids({"gte": start + 10}) == [ids[2], ids[1]]
    assert session_ids({"gt": start, "lt": start + 20}) == [ids[1]]
    assert session_ids({"lte": start}) == [ids[0]]
    assert session_ids(start + 20) == [ids[2]]


def test_events_are_kept_for_thirty_days(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox, ids: list[str]
) -> None:
    """Events older than 30 days are not listed any more; the objects still are."""
    event = fresh_client.v1.events.retrieve(ids[0])
    fresh_sandbox.control("POST", "/_sandbox/clock", now=event.created + 30 * 86_400)
    assert fresh_client.v1.events.list().data == []
    assert len(fresh_client.v1.checkout.sessions.list({"limit": 100}).data) == COUNT


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"starting_after": "evt_nothing"}, "starting_after"),
        ({"colour": "blue"}, "colour"),
        ({"created": {"after": 1}}, "created[after]"),
        ({"types": [f"t{n}" for n in range(21)]}, "types"),
    ],
    ids=["no limit", "a high limit", "unknown cursor", "unknown name", "odd bound", "many types"],
)
def test_odd_lists_are_refused(
    client: stripe.StripeClient, params: dict[str, object], param: str
) -> None:
    """A list request with an invalid parameter is refused, and the refusal names it."""
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.events.list(params)  # type: ignore[arg-type]
    assert refused.value.param == param


def test_only_one_cursor_at_a_time(fresh_client: stripe.StripeClient, ids: list[str]) -> None:
    """A list request with both starting_after and ending_before is refused."""
    with pytest.raises(stripe.InvalidRequestError, match="only specify one"):
        fresh_client.v1.events.list({"starting_after": ids[0], "ending_before": ids[1]})


def test_a_shelf_is_in_order_of_age() -> None:
    """A Shelf, the store of a list's objects, sorts them by their creation time."""
    shelf = Shelf("thing")
    for name, created in (("b", 20), ("c", 30), ("a", 10), ("b2", 20)):
        shelf.put({"id": name, "created": created})
    assert [thing["id"] for thing in shelf.newest_first()] == ["c", "b2", "b", "a"]
    assert [thing["id"] for thing in shelf.newest_first(older_than="b")] == ["a"]
    assert [thing["id"] for thing in shelf.oldest_first(newer_than="a")] == ["b", "b2", "c"]
