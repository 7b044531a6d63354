"""A catch-up retries when Stripe answers badly, and stores nothing twice."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from sqlmodel import col, select

from donate.errors import Conflict, StripeKeyRefused, StripeUnavailable
from donate.stripe_gateway.catchup.catchup import Catchup
from donate.stripe_gateway.catchup.lists import RETRY_PAUSES_S, StripeLists
from donate.stripe_gateway.client import StripeClient
from donate.stripe_gateway.models import StripeEvent
from donate.stripe_gateway.webhooks.health import last_missed_at
from donate.stripe_gateway.webhooks.inbox import Arrival
from donate.stripe_gateway.webhooks.settle import Settler
from tests.stripe_gateway.without_webhooks import EVENTS, HOUR, Away, check_totals

PACE_S = 0.05
ACCOUNT = "acct_1Connected0000"
STRANGER = "acct_1Stranger0000"


def pauses(away: Away) -> list[float]:
    return [wait for wait in away.waits if wait > PACE_S]


@pytest.mark.parametrize(
    "kind",
    ["429", "500", "html_200", "cut_body", "hang", "list_200", "empty_200", "reset_after", "any"],
)
def test_a_page_is_requested_until_it_arrives(away: Away, kind: str) -> None:
    """If Stripe answers badly, catch-up requests the same page again and stores nothing twice."""
    away.live(24, days=6)
    # Answers that refuse the request are left out, because catch-up does not retry a refusal.
    kinds = ["429", "500", "drip", "null_200", "409"] if kind == "any" else [kind] * 3
    for one in kinds:
        away.trouble(one, times=2)
    report = away.run()
    assert (report.missing, report.differing) == (report.events, {})
    assert pauses(away)
    check_totals(away)
    assert away.run().missing == 0


def test_a_catchup_stops_after_a_minute_without_an_answer(away: Away) -> None:
    """A catch-up stops after a minute without an answer, and the next one resumes at that page."""
    away.live(24, days=20)
    away.trouble("500", times=100, path="/v1/refunds")
    with pytest.raises(StripeUnavailable, match="no usable answer about refunds"):
        away.run()
    assert pauses(away)[-len(RETRY_PAUSES_S) :] == list(RETRY_PAUSES_S)
    calls_before = away.calls(EVENTS)
    away.sandbox.control("DELETE", "/_sandbox/trouble")
    away.later(HOUR)
    resumed, fresh = away.catchup.run()
    check_totals(away)
    assert (resumed.differing, fresh.missing) == ({}, 0)
    assert resumed.missing == resumed.events > 0
    # The resumed catch-up requests no events; the fresh one requests one page of them.
    assert away.calls(EVENTS) == calls_before + 1


def test_a_page_that_times_out_is_requested_in_smaller_pages(away: Away) -> None:
    """A page that times out is requested in smaller pages, and no event is left out."""
    away.live(24, days=1)
    away.trouble("hang", times=6, path=EVENTS, seconds=0.5)
    report = away.run()
    requests = away.sandbox.control("GET", "/_sandbox/requests")
    limits = {one["parameters"].get("limit") for one in requests if one["path"] == EVENTS}
    assert {"100", "50"} <= limits
    assert report.missing == report.events
    check_totals(away)


def test_a_wrong_key_stops_the_catchup(away: Away) -> None:
    """With a wrong API key catch-up stops; with the right one it then records everything."""
    away.paid()
    other_client = StripeClient("sk_test_4fJd83kfLs02mQpZ7uYtR1", away.sandbox.url, ())
    lists = StripeLists(other_client)
    catchup = Catchup(away.database, lists, away.inbox, away.settler, away.clock, livemode=False)
    with pytest.raises(StripeKeyRefused, match="does not let this key read events"):
        catchup.run()
    other_client.close()
    away.catchup.run()
    check_totals(away)


@pytest.mark.parametrize(
    ("named", "before", "now", "state"),
    [
        pytest.param(None, ACCOUNT, "", "settled", id="the setting was needless"),
        pytest.param(ACCOUNT, "", ACCOUNT, "settled", id="the setting was missing"),
        pytest.param(ACCOUNT, STRANGER, ACCOUNT, "settled", id="the setting was another's"),
        pytest.param(STRANGER, "", ACCOUNT, "foreign", id="the event is another's"),
    ],
)
def test_events_are_settled_once_the_account_setting_is_right(
    away: Away, named: str | None, before: str, now: str, state: str
) -> None:
    """Events that a wrong STRIPE_ACCOUNT made foreign are settled once the setting is right."""
    away.paid()
    ours = away.client.list_page("events", {"type": "checkout.session.completed"}).objects
    arrivals = [
        Arrival(
            json.dumps(event | ({"account": named} if named else {})).encode(), away.clock.now()
        )
        for event in ours
    ]
    away.inbox.store_now(*arrivals)
    wrong = Settler(away.database, away.clock, livemode=False, account=before)
    while wrong.settle_due():
        pass
    assert _states(away, ours) == {"foreign"}
    right = Settler(away.database, away.clock, livemode=False, account=now)
    Catchup(away.database, away.lists, away.inbox, right, away.clock, livemode=False).run()
    assert _states(away, ours) == {state}


def test_foreign_events_that_stripe_does_not_list_stay_foreign(away: Away) -> None:
    """Catch-up settles a foreign event after all only if Stripe lists it for our account."""
    away.paid()
    (listed,) = away.client.list_page("events", {"type": "checkout.session.completed"}).objects
    unlisted = listed | {"id": "evt_of_another_shop"}
    away.inbox.store_now(
        *(Arrival(json.dumps(one).encode(), away.clock.now()) for one in (listed, unlisted))
    )
    wrong = Settler(away.database, away.clock, livemode=False, account="acct_1Wrong")
    while wrong.settle_due():
        pass
    assert _states(away, [listed, unlisted]) == {"foreign"}
    away.run()
    assert _states(away, [listed]) == {"settled"}
    assert _states(away, [unlisted]) == {"foreign"}


def _states(away: Away, events: Sequence[dict[str, Any]]) -> set[str]:
    ids = [event["id"] for event in events]
    with away.database.reading() as session:
        return set(
            session.exec(select(StripeEvent.state).where(col(StripeEvent.event_id).in_(ids)))
        )


def test_one_list_that_the_key_may_not_read_is_a_difference(away: Away) -> None:
    """If the key may not read one list, the report says so, and the other lists are read."""
    away.live(12, days=1)
    away.trouble("401", times=1, path="/v1/disputes")
    report = away.run()
    (sentence,) = report.differing.values()
    assert "does not let this key read disputes" in sentence
    check_totals(away)
    assert away.run().differing == {}


def test_a_key_of_the_other_mode_fetches_nothing(away: Away) -> None:
    """If the gifts were made in test mode, catch-up with a live key fetches nothing."""
    away.paid()
    live = Catchup(away.database, away.lists, away.inbox, away.settler, away.clock, livemode=True)
    with pytest.raises(Conflict, match=r"is a live key, and the gifts .* with a test key"):
        live.run()
    with away.database.reading() as session:
        assert session.exec(select(StripeEvent)).all() == []
        assert last_missed_at(session) is None
