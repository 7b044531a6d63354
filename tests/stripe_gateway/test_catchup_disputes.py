"""Catch-up finds disputes that changed long after they began."""

from datetime import timedelta

import pytest

from donate.stripe_gateway.catchup.plan import Listing, plan_of
from donate.stripe_gateway.events.types import EVENT_TYPES
from tests.stripe_gateway.without_webhooks import Away, check_totals

DAY = timedelta(days=1)


@pytest.mark.parametrize("silent_days", [5, 28, 40])
def test_an_old_inquiry_that_became_a_dispute_is_found(away: Away, silent_days: int) -> None:
    """Catch-up finds that an inquiry of 60 days ago has become a dispute and taken the money."""
    gift, intent = away.paid()
    dispute = away.dispute(intent, inquiry=True)
    away.later(timedelta(days=60 - silent_days))
    away.run()
    assert away.gift(gift).status == "confirmed"
    away.later(DAY)
    away.go_on(dispute, "escalate")
    away.later(timedelta(days=silent_days - 1))
    report = away.run()
    assert (away.gift(gift).status, away.gift(gift).net_minor) == ("disputed", 0)
    assert report.differing == {}
    check_totals(away)


def test_the_list_of_disputes_shows_that_an_inquiry_took_the_money(away: Away) -> None:
    """Even without events, the list of disputes shows that an old inquiry took the money."""
    gift, intent = away.paid()
    dispute = away.dispute(intent, inquiry=True)
    away.later(30 * DAY)
    away.run()
    away.go_on(dispute, "escalate")
    away.later(31 * DAY)
    plan = plan_of(away.clock.now() - DAY, away.clock.now())
    stretch = next(one for one in plan if one.listing is Listing.DISPUTES)
    assert stretch.created_from <= away.clock.now() - timedelta(days=180)
    away.run(since=away.clock.now() - DAY)
    assert away.gift(gift).status == "disputed"


@pytest.mark.parametrize("silent_days", [3, 45])
def test_a_revised_end_is_found(away: Away, silent_days: int) -> None:
    """Catch-up finds that a lost dispute was won later, and that a won one was lost later."""
    gift, intent = away.paid()
    dispute = away.dispute(intent, "lost")
    away.later(DAY)
    away.run()
    assert away.gift(gift).status == "charged_back"
    for outcome, status in (("won", "confirmed"), ("lost", "charged_back")):
        away.later(DAY)
        away.go_on(dispute, "revise", outcome=outcome)
        away.later(timedelta(days=silent_days))
        assert away.run().differing == {}
        assert away.gift(gift).status == status
    check_totals(away)


def test_every_event_of_a_dispute_is_fetched() -> None:
    """Catch-up fetches every type of event about disputes.

    When an inquiry becomes a dispute, Stripe sends no charge.dispute.created.
    """
    types = {kind for kind in EVENT_TYPES if kind.startswith("charge.dispute.")}
    steps = ("created", "updated", "closed", "funds_withdrawn", "funds_reinstated")
    assert types == {f"charge.dispute.{step}" for step in steps}
