"""The report of a catch-up names each difference, and staff see when webhooks stop."""

import asyncio
from datetime import timedelta

from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update
from sqlmodel import select

from donate.finance.notices import notices
from donate.gifts.models import Gift
from donate.stripe_gateway.catchup.comparison import ListedTotal
from donate.stripe_gateway.models import StripeEvent
from donate.stripe_gateway.webhooks.health import webhook_silence
from donate.stripe_gateway.webhooks.inbox import Arrival, Inbox
from donate.web.languages import LANGUAGES
from tests.sandbox.running import session_params
from tests.stripe_gateway.gifts_and_events import as_bytes, event, session_for, store
from tests.stripe_gateway.service import serving
from tests.stripe_gateway.without_webhooks import HOUR, Away

MINUTE = timedelta(minutes=1)


def silence(away: Away) -> str:
    with away.database.reading() as session:
        return str(webhook_silence(session) or "")


def deliver(away: Away, body: dict[str, object]) -> None:
    """Store an event in the inbox as if it came by webhook at the clock's time."""
    inbox = Inbox(away.database, on_stored=lambda: None)
    arrival = Arrival(as_bytes(body), away.clock.now())
    inbox.start()
    asyncio.run(inbox.store(arrival))
    inbox.stop()


def measured(database_url: str) -> tuple[float, float]:
    """Return the times of the last webhook and of the last missed one from `/metrics`."""
    with serving(database_url, metrics_token="scraper") as service:
        metrics = service.http.get("/metrics", headers={"Authorization": "Bearer scraper"}).text
    values = {family.name: family.samples for family in text_string_to_metric_families(metrics)}
    names = ("donate_webhook_heard_seconds", "donate_webhook_missed_seconds")
    heard, missed = (values[name][0].value for name in names)
    return heard, missed


def test_the_report_counts_what_was_missing(away: Away) -> None:
    """If webhooks of three payments out of ten are missing, the report counts three."""
    for _ in range(10):
        away.paid()
    completed = [one for one in away.events() if one["type"] == "checkout.session.completed"]
    store(away.database, *completed[3:], now=away.clock.now())
    away.later(MINUTE)
    report = away.run()
    looked_at = "looked at 10 events and 10 payments, refunds and disputes"
    assert report.lines() == [
        f"{looked_at}; 3 were missing, now settled; 0 differ.",
        "Stripe lists 500.00 CAD in 10 payments; 500.00 CAD of it are recorded.",
    ]
    assert away.statuses() == {"confirmed": 10}
    assert len(away.lines) == 7
    assert away.lines[0].endswith(": 10 events and 0 objects looked at")


def test_a_payment_that_is_not_the_gifts_differs(away: Away) -> None:
    """A payment that contradicts its gift is one difference in the report, under the gift's id."""
    gift, _ = away.paid()
    with away.database.writing() as session:
        session.execute(update(Gift).values(amount_minor=4_000))
    away.later(MINUTE)
    report = away.run()
    assert list(report.differing) == [str(gift.id)]
    sentence = report.differing[str(gift.id)]
    assert f"payment succeeded of 50.00 CAD for {gift.reference}: not recorded." in sentence
    assert report.totals == {"CAD": ListedTotal(5_000, 0, 1)}
    assert report.by_state == {"set_aside": 1}
    with away.database.reading() as session:
        assert len(session.exec(select(StripeEvent)).all()) == 1
    away.later(HOUR)
    again = away.run()
    assert (again.missing, again.differing) == (0, report.differing)


def test_an_event_set_aside_is_named(away: Away) -> None:
    """The report of a catch-up names an event that it fetched and set aside, with the reason."""
    opened = away.client.create_session(session_params(metadata={"gift_id": "nobody"}), "odd")
    away.sandbox.pay(opened.session_id)
    away.later(MINUTE)
    report = away.run()
    (sentence,) = report.differing.values()
    assert "(checkout.session.completed) was set aside: metadata.gift_id is not" in sentence
    assert report.by_state == {"set_aside": 1}
    away.later(HOUR)
    assert away.run().differing == {}


def test_an_unusable_old_payment_is_reported_once(away: Away) -> None:
    """A payment for no gift whose event is gone is set aside, and only one report names it."""
    opened = away.client.create_session(session_params(metadata={"gift_id": "nobody"}), "odd")
    away.sandbox.pay(opened.session_id)
    away.later(timedelta(days=45))
    report = away.run(since=away.clock.now() - timedelta(days=50))
    (sentence,) = report.differing.values()
    assert "(checkout.session.completed) was set aside: metadata.gift_id is not" in sentence
    assert (report.events, report.by_state) == (0, {"set_aside": 1})
    again = away.run(since=away.clock.now() - timedelta(days=50))
    assert (again.missing, again.differing) == (0, {})


def test_payments_of_other_programs_are_no_differences(away: Away) -> None:
    """Payments that other programs took at the same Stripe account are no differences."""
    opened = away.client.create_session(session_params(), "other")
    intent = away.sandbox.pay(opened.session_id)["charge"]["payment_intent"]
    away.refund(intent, amount=100)
    away.dispute(intent)
    away.later(MINUTE)
    report = away.run()
    assert (report.differing, report.totals) == ({}, {})


def test_a_notice_says_when_webhooks_stopped(away: Away, database_url: str) -> None:
    """Staff see a notice while Stripe lists events whose webhooks did not arrive."""
    gift, _ = away.open()
    deliver(away, event("checkout.session.completed", session_for(gift)))
    assert not silence(away)
    heard = away.clock.now()
    away.later(HOUR)
    away.paid()
    away.later(14 * MINUTE)
    away.run()
    assert not silence(away)  # a webhook may be 14 minutes late
    away.later(HOUR)
    away.paid()
    away.later(16 * MINUTE)
    away.run()
    missed = away.clock.now() - 16 * MINUTE
    # A new process reports the same times, because they are in the database.
    assert measured(database_url) == (heard.timestamp(), missed.timestamp())
    sentence = silence(away)
    assert f"stopped arriving on {heard.day} {heard:%B %Y at %H:%M} UTC" in sentence
    assert "Catch-up fetches the gifts instead" in sentence
    with away.database.reading() as session:
        english, french = (
            notices(session, away.clock.now(), language)[0].sentence for language in LANGUAGES
        )
    assert "stopped arriving" in english
    assert "n’arrivent plus" in french
    deliver(away, event("customer.created", {"id": "cus_1"}))
    assert not silence(away)


def test_no_webhook_ever_is_noticed(away: Away) -> None:
    """Staff see a notice if payments arrive but no webhook ever did."""
    away.paid()
    away.later(16 * MINUTE)
    away.run()
    assert silence(away).startswith("None of Stripe's webhooks has arrived yet")


def test_a_late_webhook_removes_the_notice(away: Away) -> None:
    """The notice that webhooks are missing ends when any webhook arrives, even a late one."""
    away.paid()
    away.later(16 * MINUTE)
    away.run()
    assert silence(away)
    (fetched,) = [one for one in away.events() if one["type"] == "checkout.session.completed"]
    deliver(away, fetched)
    assert not silence(away)
    with away.database.reading() as session:
        (stored,) = session.exec(select(StripeEvent))
    assert stored.source == "catchup"


def test_a_month_without_events_gives_no_notice(away: Away) -> None:
    """A month without webhooks gives no notice if Stripe lists no event of that month."""
    away.paid()
    (completed,) = [one for one in away.events() if one["type"] == "checkout.session.completed"]
    deliver(away, completed)
    away.later(timedelta(days=28))
    away.run()
    assert not silence(away)
