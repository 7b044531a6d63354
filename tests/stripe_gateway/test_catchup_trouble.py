"""Catch-up while Stripe has trouble: it retries, then reports it, and stores nothing twice."""

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
from tests.stripe_gateway.away import EVENTS, HOUR, Away, check_totals

PACE_S = 0.05
ACCOUNT = "acct_1Connected0000"
STRANGER = "acct_1Stranger0000"


def pauses(away: Away) -> list[float]:
    return [wait for wait in away.waits if wait > PACE_S]


@pytest.mark.parametrize(
    "kind",
    ["429", "500", "html_200", "cut_body", "hang", "list_200", "empty_200", "reset_after", "any"],
)
def test_it_asks_again_until_it_gets_an_answer(away: Away, kind: str) -> None:
    """After any bad answer the same page is requested again, and nothing is stored twice."""
    away.live(24, days=6)
    # A refusal is not trouble, so it is left out.
    kinds = ["429", "500", "drip", "null_200", "409"] if kind == "any" else [kind] * 3
    for one in kinds:
        away.trouble(one, times=2)
    report = away.run()
    assert (report.missing, report.differing) == (report.events, {})
    assert pauses(away)
    check_totals(away)
    assert away.run().missing == 0


def test_it_gives_up_after_a_while_and_goes_on_later(away: Away) -> None:
    """After a minute without an answer the run stops, and the next one resumes there."""
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
    # The resumed run requests no event again; the fresh one covers two hours.
    assert away.calls(EVENTS) == calls_before + 1


def test_smaller_pages_are_asked_for_when_a_page_does_not_come(away: Away) -> None:
    """A page that times out is requested in smaller pages, and none is left out."""
    away.live(24, days=1)
    away.trouble("hang", times=6, path=EVENTS, seconds=0.5)
    report = away.run()
    requests = away.sandbox.control("GET", "/_sandbox/requests")
    limits = {one["parameters"].get("limit") for one in requests if one["path"] == EVENTS}
    assert {"100", "50"} <= limits
    assert report.missing == report.events
    check_totals(away)


def test_a_key_that_stripe_does_not_take_is_named(away: Away) -> None:
    """A wrong key gives one sentence about what Stripe refuses, and nothing is lost."""
    away.paid()
    other_client = StripeClient("sk_test_4fJd83kfLs02mQpZ7uYtR1", away.sandbox.url, ())
    lists = StripeLists(other_client, away.clock)
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
def test_events_refused_by_a_wrong_account_are_taken_back(
    away: Away, named: str | None, before: str, now: str, state: str
) -> None:
    """Once STRIPE_ACCOUNT is right, catch-up settles events that were marked foreign."""
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


def _states(away: Away, events: Sequence[dict[str, Any]]) -> set[str]:
    ids = [event["id"] for event in events]
    with away.database.reading() as session:
        return set(
            session.exec(select(StripeEvent.state).where(col(StripeEvent.event_id).in_(ids)))
        )


def test_one_list_that_the_key_may_not_read_is_a_difference(away: Away) -> None:
    """A list that the key may not read is a difference, and the other lists are read."""
    away.live(12, days=1)
    away.trouble("401", times=1, path="/v1/disputes")
    report = away.run()
    (sentence,) = report.differing.values()
    assert "does not let this key read disputes" in sentence
    check_totals(away)
    assert away.run().differing == {}


def test_a_key_of_the_other_mode_fetches_nothing(away: Away) -> None:
    """A live key is refused when the gifts were made in test mode, before Stripe is called."""
    away.paid()
    live = Catchup(away.database, away.lists, away.inbox, away.settler, away.clock, livemode=True)
    with pytest.raises(Conflict, match=r"is a live key, and the gifts .* with a test key"):
        live.run()
    with away.database.reading() as session:
        assert session.exec(select(StripeEvent)).all() == []
        assert last_missed_at(session) is None
