"""Staff decide about a set-aside event on its page: they try it again, tie or dismiss it."""

from html import escape
from random import Random
from typing import Any

import pytest

from donate.finance.roles import Role
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.queries import gift_by_reference
from donate.references import new_reference
from donate.stripe_gateway.models import EventState
from tests.finance.finance_site import FinanceSite
from tests.finance.set_aside_events import decide, look, paid, reread, set_aside, settle
from tests.stripe_gateway import gifts_and_events
from tests.stripe_gateway.months import invoice_event


def test_an_event_is_settled_when_its_cause_is_gone(site_on_each: FinanceSite) -> None:
    """A set-aside event is settled if staff try it again after its cause is gone."""
    site = site_on_each
    gift = gifts_and_events.give(site.database, attempts=0)
    event = set_aside(site.database, paid(gift))
    browser = site.signed_in(Role.FINANCE, "ann@example.org")
    assert (
        "No checkout session was requested with that attempt"
        in browser.get("/finance/set-aside").text
    )

    requested = Fact(
        kind=FactKind.CHECKOUT_REQUESTED,
        source_id=f"{gift.id}:1",
        happened_at=gifts_and_events.NOW,
        actor="donor",
        evidence={"attempt": 1},
    )
    with site.database.writing() as session:
        record_facts(session, [(gift.id, requested)], now=gifts_and_events.NOW)
    answer = decide(browser, event, "tried")
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"/finance/set-aside/{event.id}",
    )
    waiting = reread(site, event)
    assert (waiting.state, waiting.due_at, waiting.tries) == (
        EventState.WAITING,
        site.clock.now(),
        0,
    )
    assert site.nudges == [site.clock.now()]
    assert "Being retried." in look(browser, event)

    settle(site)
    assert gifts_and_events.gift_now(site.database, gift).status == "confirmed"
    page = look(browser, event)
    assert "Settled. It’s recorded on a gift." in page
    assert "Retried" in page
    assert "Ann Lee" in page
    assert "Reason for review: no checkout session was requested with that attempt" in page
    act = site.acts()[-1]
    assert (act.act, act.about) == ("event_tried_again", event.event_id)


def test_a_refund_is_settled_after_its_late_payment(site_on_each: FinanceSite) -> None:
    """A set-aside refund is settled automatically once its payment is known."""
    site = site_on_each
    gift = gifts_and_events.give(site.database)
    payment = paid(gift)
    refund = gifts_and_events.event(
        "refund.created",
        gifts_and_events.refund_of(payment["data"]["object"]["payment_intent"], 2_000),
    )
    gifts_and_events.store(site.database, refund, now=site.clock.now())
    for _ in range(9):
        settle(site)
        site.wait(days=3)
    event = gifts_and_events.event_now(site.database, refund)
    assert event.state == EventState.SET_ASIDE
    gifts_and_events.settle(site.database, payment, clock=site.clock)
    assert reread(site, event).state == EventState.SETTLED
    assert gifts_and_events.gift_now(site.database, gift).status == "partly_refunded"


def test_an_event_tried_in_vain_is_set_aside_again(site: FinanceSite) -> None:
    """An event that staff try again in vain is set aside again, and its page shows each try."""
    event = set_aside(site.database, paid(gifts_and_events.give(site.database), amount_total=4_000))
    browser = site.signed_in()
    for attempts in (1, 2):
        decide(browser, event, "tried")
        settle(site)
        page = look(browser, event)
        assert "Needs review again: " in page
        assert page.count("<strong>Retried</strong>") == attempts


def test_an_event_is_tied_to_the_gift_it_is_about(site_on_each: FinanceSite) -> None:
    """A payment that staff tie to a gift counts for that gift, with the amount that was paid."""
    site = site_on_each
    gift, other = gifts_and_events.give(site.database), gifts_and_events.give(site.database)
    event = set_aside(site.database, paid(other, amount_total=4_000))
    browser = site.signed_in(Role.FINANCE, "ann@example.org")
    typed = gift.reference.lower().replace("-", " ")
    assert decide(browser, event, "tied", reference=typed).status_code == 303
    tied = reread(site, event)
    actor = f"staff:{site.staff('ann@example.org').id}"
    assert (tied.state, tied.tied_to, tied.tied_by) == (EventState.WAITING, gift.id, actor)
    assert site.nudges == [site.clock.now()]

    settle(site)
    paid_gift = gifts_and_events.gift_now(site.database, gift)
    assert (paid_gift.status, paid_gift.received_minor) == ("confirmed", 4_000)
    assert paid_gift.flags == "amount_differs"
    assert gifts_and_events.gift_now(site.database, other).status == "awaited"
    assert f"<strong>Tied to a gift</strong>: {gift.reference}" in look(browser, event)
    page = browser.get(f"/finance/gifts/{gift.id}").text
    assert f'<dt>tied by</dt><dd translate="no">{site.staff("ann@example.org").name}</dd>' in page
    act = site.acts()[-1]
    assert (act.act, act.detail) == ("event_tied", {"why": gift.reference})
    activity = browser.get("/finance/activity").text
    assert "Tied the Stripe event evt_" in activity
    assert f" to {gift.reference}<" in activity


@pytest.mark.parametrize(
    ("step", "amount"), [("paid", "$50.00 CAD"), ("payment_failed", "$70.00 CAD")]
)
def test_an_invoice_says_its_amount(site: FinanceSite, step: str, amount: str) -> None:
    """The page of an invoice's event shows the amount paid or, if that failed, the amount due."""
    due: dict[str, Any] = {} if step == "paid" else {"amount_due": 7_000}
    event = invoice_event(gifts_and_events.give(site.database), "in_1", step=step, **due)
    assert amount in look(site.signed_in(), set_aside(site.database, event))


def test_a_payment_that_counts_already_is_not_counted_twice(site: FinanceSite) -> None:
    """A payment that already counts for one gift is set aside again if it is tied to another."""
    first, second = gifts_and_events.give(site.database), gifts_and_events.give(site.database)
    payment = paid(first)
    gifts_and_events.settle(site.database, payment)
    again = gifts_and_events.event(
        payment["type"], payment["data"]["object"] | {"amount_total": 4_000}
    )
    event = set_aside(site.database, again)
    decide(site.signed_in(), event, "tied", reference=second.reference)
    settle(site)
    assert reread(site, event).state == EventState.SET_ASIDE
    assert gifts_and_events.gift_now(site.database, second).received_minor == 0
    assert gifts_and_events.gift_now(site.database, first).received_minor == gifts_and_events.AMOUNT


def test_nobody_ties_without_comparing(site: FinanceSite) -> None:
    """Staff cannot tie an event without ticking that they compared it with the gift."""
    event, gift = (
        set_aside(site.database, paid(gifts_and_events.give(site.database), amount_total=1)),
        gifts_and_events.give(site.database),
    )
    answer = decide(site.signed_in(), event, "tied", reference=gift.reference, confirmed="")
    assert answer.status_code == 422
    assert "Please compare them first" in answer.text
    assert f'value="{gift.reference}"' in answer.text
    assert reread(site, event).tied_to is None


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Please enter the reference of the gift."),
        ("LWCAN-7KQ4M2", "complete reference"),
        ("<b>%s%(x)s\x01", "complete reference"),
        ("LWCAN-" + "é" * 500, "complete reference"),
        ("LWCAN-22223CX", "complete reference"),
        ("unknown", "No gift has the reference LWCAN-"),
        ("interac", "is not a gift through Stripe"),
        ("card", "This event is not in CAD, the currency of LWCAN-"),
    ],
)
def test_an_event_is_not_tied_to_an_impossible_gift(
    site: FinanceSite, typed: str, sentence: str
) -> None:
    """An event cannot be tied to a gift that is unknown, in another currency or by transfer."""
    gift = gifts_and_events.give(site.database)
    by_mode = {
        mode: gifts_and_events.give(site.database, mode=mode).reference
        for mode in ("card", "interac")
    }
    with site.database.reading() as session:
        unknown = new_reference("LWCAN", Random(1))
        assert gift_by_reference(session, unknown) is None
    reference = (by_mode | {"unknown": unknown}).get(typed, typed)
    event = set_aside(site.database, paid(gift, currency="usd"))
    answer = decide(site.signed_in(), event, "tied", reference=reference)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert 'aria-invalid="true" aria-describedby="reference-error"' in answer.text
    assert escape(reference)[:20] in answer.text
    assert reread(site, event) == event
    assert site.nudges == []


def test_dismissing_says_who_and_why(site_on_each: FinanceSite) -> None:
    """A dismissed event is listed apart with who dismissed it and why, and can be tried again."""
    site = site_on_each
    event = set_aside(site.database, paid(gifts_and_events.give(site.database), amount_total=4_000))
    browser = site.signed_in(Role.FINANCE, "ann@example.org")
    reason = "Paid back by hand & closed"
    assert decide(browser, event, "dismissed", reason=f"  {reason} ").status_code == 303
    assert reread(site, event).state == EventState.DISMISSED
    assert site.nudges == []
    assert event.event_id not in browser.get("/finance/set-aside").text
    tab = browser.get("/finance/set-aside?show=dismissed").text
    assert event.event_id in tab
    for page in (tab, look(browser, event)):
        assert "<strong>Dismissed</strong>: Paid back by hand &amp; closed" in page
        assert "Ann Lee" in page
    act = site.acts()[-1]
    assert (act.act, act.about) == ("event_dismissed", event.event_id)
    assert act.detail == {"why": reason}

    assert decide(browser, event, "tried").status_code == 303
    settle(site)
    assert event.event_id in browser.get("/finance/set-aside").text
    assert "<strong>Dismissed</strong>" in look(browser, event)


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("", "Please give a reason."),
        ("  ok ", "Please give a reason."),
        ("x" * 301, "Please shorten this to 300 characters."),
        ("a\u202eb c", "a character we can’t use"),
        ("card 4242 4242 4242 4242", "That looks like a card number."),
    ],
)
def test_a_reason_is_required(site: FinanceSite, reason: str, sentence: str) -> None:
    """Staff cannot dismiss an event without a valid reason."""
    event = set_aside(site.database, paid(gifts_and_events.give(site.database), amount_total=4_000))
    answer = decide(site.signed_in(), event, "dismissed", reason=reason)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert 'aria-describedby="reason-error"' in answer.text
    assert f">{reason}</textarea>" in answer.text
    assert reread(site, event) == event


@pytest.mark.parametrize("reason", ["abc", "x" * 300])
def test_the_shortest_and_the_longest_reason(site: FinanceSite, reason: str) -> None:
    """The reason for dismissing an event may have 3 to 300 characters."""
    event = set_aside(site.database, paid(gifts_and_events.give(site.database), amount_total=4_000))
    assert decide(site.signed_in(), event, "dismissed", reason=reason).status_code == 303
    assert reread(site, event).history[-1]["why"] == reason
