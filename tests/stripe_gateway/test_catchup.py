"""After weeks without webhooks, one catch-up records everything that was missed."""

import json
import re
from datetime import UTC, datetime, timedelta

from sqlmodel import select

from donate.gifts.models import GiftFact
from donate.stripe_gateway.events.types import EVENT_TYPES
from donate.stripe_gateway.models import StripeEvent
from tests.stripe_gateway.without_webhooks import Away, check_totals, their_totals

GIFTS = 96
# In the addresses to which Stripe sends donors back.
TOKEN = r"(/(?:gifts|pledges)/)[\w-]{44}"


def known_types(away: Away) -> list[str]:
    return [event["type"] for event in away.events() if event["type"] in EVENT_TYPES]


def test_a_month_without_webhooks_is_recovered(away: Away) -> None:
    """After 29 days without webhooks, one catch-up makes our totals equal to Stripe's."""
    away.live(GIFTS, days=28.8)
    away.later(timedelta(hours=3))
    report = away.run()
    check_totals(away)
    assert report.missing == report.events == len(known_types(away)) > GIFTS
    assert report.differing == {}
    assert set(report.by_state) <= {"settled", "ignored"}
    assert {currency: total.listed for currency, total in report.totals.items()} == {
        currency: sums["paid"] for currency, sums in their_totals(away.sandbox).items()
    }
    assert all(total.listed == total.recorded for total in report.totals.values())
    assert set(away.statuses()) - {"awaited"} == {
        "confirmed",
        "refunded",
        "partly_refunded",
        "disputed",
        "charged_back",
        "failed",
        "lapsed",
    }


def test_two_months_without_webhooks_are_recovered_from_objects(away: Away) -> None:
    """After two months, catch-up reads sessions, refunds and disputes, as old events are gone."""
    away.live(GIFTS // 2, days=60)
    report = away.run()
    check_totals(away)
    assert 0 < report.events < report.missing
    assert report.differing == {}
    assert away.statuses()["lapsed"] > 0
    assert away.run().missing == 0


def test_a_payment_found_late_has_the_time_of_its_arrival(away: Away) -> None:
    """A payment that catch-up finds weeks later has the time at which the money arrived."""
    _, card = away.open()
    paid_at = away.clock.now()
    away.sandbox.pay(card)
    _, bank = away.open()
    away.sandbox.pay(bank, outcome="processing")
    away.later(timedelta(days=5))
    settled_at = away.clock.now()
    away.sandbox.control("POST", "/_sandbox/settle", session=bank, succeed=True)
    away.later(timedelta(days=50))
    away.run()
    with away.database.reading() as session:
        paid = select(GiftFact.happened_at).where(GiftFact.kind == "payment_succeeded")
        assert sorted(session.exec(paid)) == [paid_at, settled_at]


def test_a_second_run_finds_nothing(away: Away) -> None:
    """A second catch-up reads from an hour before the first one on, and finds nothing missing."""
    away.live(24, days=20)
    first = away.run()
    away.later(timedelta(hours=1))
    second = away.run()
    assert first.missing > 0
    assert (second.missing, second.differing) == (0, {})
    assert second.since == away.clock.now() - timedelta(hours=2)
    assert second.events < first.events
    check_totals(away)


def test_events_are_kept_as_stripe_gives_them(away: Away) -> None:
    """Catch-up stores each event in the inbox as Stripe lists it, without the tokens of links."""
    away.paid()
    away.later(timedelta(minutes=1))
    away.run()
    listed = {event["id"]: event for event in away.events() if event["type"] in EVENT_TYPES}
    with away.database.reading() as session:
        stored = list(session.exec(select(StripeEvent)))
    assert {event.event_id for event in stored} == set(listed)
    assert {event.source for event in stored} == {"catchup"}
    for event in stored:
        as_listed = json.dumps(listed[event.event_id])
        assert json.loads(event.payload) == json.loads(re.sub(TOKEN, r"\1-", as_listed))


def test_since_only_reaches_further_back(away: Away) -> None:
    """The option --since can make a catch-up reach back further, and never less far."""
    away.live(24, days=20)
    before = away.run().since
    away.later(timedelta(days=3))
    away.paid()
    away.later(timedelta(minutes=1))
    short = away.run(since=away.clock.now() - timedelta(seconds=1))
    assert (short.missing, short.differing) == (1, {})
    long = away.run(since=datetime(2020, 1, 1, tzinfo=UTC))
    assert (long.missing, long.differing) == (0, {})
    assert long.since < before
    assert long.objects > short.objects


def test_a_catchup_spares_stripe(away: Away) -> None:
    """A catch-up asks for 100 objects at a time, within a range of dates."""
    away.live(36, days=20)
    away.run()
    requests = [
        request
        for request in away.sandbox.control("GET", "/_sandbox/requests")
        if request["method"] == "GET"
    ]
    assert len(requests) > 10
    assert {request["parameters"]["limit"] for request in requests} == {"100"}
    assert all("created" in request["parameters"] for request in requests)
    parameters = [request["parameters"] for request in requests]
    types = [one["types"] for one in parameters if "types" in one]
    assert types
    assert all(tuple(one) == EVENT_TYPES for one in types)
    assert len(EVENT_TYPES) <= 20
