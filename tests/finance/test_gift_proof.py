"""The page of a gift shows its proof: each step with its time, source and person."""

import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import event as hook
from sqlalchemy.engine import Connection
from sqlmodel import select, update

from donate.finance.gifts.disputes import dispute_notices
from donate.finance.gifts.proof import proof_of
from donate.finance.gifts.proof_steps import ProofStep
from donate.finance.gifts.queries import MOST_EVENTS, ProofRows, read_proof
from donate.gifts.facts import FactKind
from donate.gifts.models import Gift, plain_facts
from donate.gifts.queries import facts_of
from donate.stripe_gateway.dashboard import Dashboard
from donate.stripe_gateway.models import EventSource, StripeEvent
from tests.finance.finance_site import FinanceSite
from tests.finance.offline_desk import CHEQUE, enter, gifts
from tests.finance.overview_site import add_fact, dispute, open_pledge
from tests.finance.refund_desk import open_desk
from tests.finance.statements import plans, selects
from tests.finance.transfers import mark
from tests.stripe_gateway import gifts_and_events

TEST = Dashboard(livemode=False)
UNKNOWN = ["Fee", "Payout", "Bank line", "Receipt"]
WHOLE = re.compile(r"(SCAN|Seq Scan on) (gift|gift_fact|gift_movement|stripe_event|letter)\b")


def rows_of(site: FinanceSite, gift: Gift) -> ProofRows:
    with site.database.reading() as session:
        return read_proof(session, session.get_one(Gift, gift.id), facts_of(session, gift.id))


def steps(site: FinanceSite, gift: Gift, language: str = "en-CA") -> list[ProofStep]:
    return proof_of(rows_of(site, gift), {"staff:1": "Ann Lee"}, language, TEST)


def titles(found: list[ProofStep], *, known: bool) -> list[str]:
    return [step.title for step in found if step.is_known is known]


def paid_card_gift(site: FinanceSite) -> Gift:
    """Return a card gift that a signed event has confirmed."""
    gift = gifts_and_events.give(site.database)
    session = gifts_and_events.session_for(gift)
    event = gifts_and_events.event("checkout.session.completed", session)
    gifts_and_events.settle(site.database, event)
    return gift


def test_a_card_gift_is_proved_by_its_event(site_on_each: FinanceSite) -> None:
    """A step names the event, when Stripe made it and we stored it, and how it was verified."""
    gift = paid_card_gift(site_on_each)
    found = steps(site_on_each, gift)
    assert titles(found, known=True) == [
        "Choice",
        "Checkout session",
        "Event from Stripe",
        "Amount",
    ]
    assert titles(found, known=False) == UNKNOWN
    (event,) = [step for step in found if step.title == "Event from Stripe"]
    (stored,) = gifts_and_events.stored_events(site_on_each.database)
    assert event.folded[0] == ("event", stored.event_id)
    assert ("row in stripe_event", str(stored.id)) in event.folded
    kind, verified, stored_at = event.sentences
    assert kind == "checkout.session.completed"
    assert verified == "Sent by Stripe. Its signature was verified."
    assert stored_at.startswith("Stored: ")
    assert event.at is not None
    assert event.in_stripe.startswith("https://dashboard.stripe.com/test/events/evt_")


@pytest.mark.parametrize(
    ("language", "asked", "unknown"),
    [
        ("en-CA", "Stripe’s answer when we asked, with our key.", "Not known yet"),
        ("fr-CA", "Réponse de Stripe à notre demande, avec notre clé.", "Pas encore connu"),
    ],
)
def test_the_proof_speaks_both_languages(
    site: FinanceSite, language: str, asked: str, unknown: str
) -> None:
    """In both languages, an event that we fetched from Stripe is not said to be signed."""
    gift = paid_card_gift(site)
    with site.database.writing() as session:
        session.execute(update(StripeEvent).values(source=EventSource.ASKED))
    found = steps(site, gift, language)
    assert [s.sentences[1] for s in found if s.title == "Event from Stripe"] == [asked]
    assert {s.sentences for s in found if not s.is_known} == {(unknown,)}


def test_a_refund_names_who_asked_for_it(site_on_each: FinanceSite) -> None:
    """The page shows a refund as an amount of its own, with the person who requested it."""
    with open_desk(site_on_each.database) as desk:
        gift = desk.paid()
        desk.refund(gift, amount="20.00")
        page = desk.page(gift).text
        amounts = [s for s in steps(desk.site, gift) if s.title == "Amount"]
    assert [s.amount.amount_minor for s in amounts if s.amount] == [5_000, -2_000]
    assert amounts[1].sentences[0] == "Refund"
    assert "Requested by Ann Lee." in page


def test_a_transfer_names_who_marked_it(site_on_each: FinanceSite) -> None:
    """The proof of a transfer has the bank's reference and the person who marked it."""
    gift = site_on_each.gift()
    browser = site_on_each.signed_in()
    assert mark(browser, gift).status_code == 303
    found = steps(site_on_each, gift)
    (marked,) = [s for s in found if s.title == "Marked as received"]
    assert (marked.by, marked.in_stripe) == ("Ann Lee", "")
    assert marked.sentences[0].startswith("Bank reference ")
    assert titles(found, known=False) == [
        "Instructions sent",
        "Reported as sent",
        "Bank line",
        "Receipt",
    ]


def test_a_cheque_names_its_entry_and_its_batch(site_on_each: FinanceSite) -> None:
    """The proof of a cheque has its number, the person who entered it, and its batch."""
    browser = site_on_each.signed_in()
    enter(browser, CHEQUE)
    (gift,) = gifts(site_on_each.database)
    entry, batch, amount, *_ = steps(site_on_each, gift)
    assert (entry.by, entry.sentences) == (
        "Ann Lee",
        ("Cheque number 0042.", "Bank: First Bank."),
    )
    assert batch.sentences == ("Entered on its own.",)
    assert amount.amount == gift.received


def test_a_month_leads_to_its_invoice_and_pledge(site_on_each: FinanceSite) -> None:
    """A later month of a pledge shows its invoice, and the gift with which the pledge began."""
    open_pledge(site_on_each)
    with site_on_each.database.reading() as session:
        month = session.exec(select(Gift).where(Gift.pledge_id != Gift.id)).first()
        assert month is not None
        first = session.get_one(Gift, month.pledge_id)
    found = steps(site_on_each, month)
    (invoice,) = [s for s in found if s.title == "Invoice"]
    assert invoice.in_stripe.startswith("https://dashboard.stripe.com/test/invoices/in_")
    assert found[0].page == f"/finance/gifts/{first.id}"
    assert first.reference in found[0].sentences[1]
    assert "Checkout session" not in [s.title for s in found]


def test_the_events_of_a_gift_have_a_limit(site: FinanceSite) -> None:
    """A gift with very many events shows the first ones, and says that there are more."""
    gift = site.gift("many", mode="card", received_minor=5_000)
    bodies = [
        gifts_and_events.event("refund.updated", gifts_and_events.refund_of("pi_many", 1))
        for _ in range(MOST_EVENTS + 5)
    ]
    gifts_and_events.store(site.database, *bodies)
    with site.database.writing() as session:
        session.execute(update(StripeEvent).values(gift_id=gift.id))
    events = [s for s in steps(site, gift) if s.title == "Event from Stripe"]
    assert len(events) == MOST_EVENTS + 1
    assert events[-1].sentences == ("There are more events. Stripe’s Dashboard lists them all.",)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en-CA", "the donor says they did not make this payment"),
        ("fr-CA", "le donateur dit ne pas avoir fait ce paiement"),
    ],
)
def test_a_dispute_says_why_and_where_to_answer(
    site: FinanceSite, language: str, words: str
) -> None:
    """An open dispute has its reason in words, a deadline, a link, and the money held."""
    due_by = datetime(2026, 3, 20, 23, 59, tzinfo=UTC)
    gift = site.gift("d", mode="card", received_minor=5_000)
    due, kind = due_by.isoformat(), FactKind.DISPUTE_OPENED
    add_fact(site, gift, kind, "dp_d", 5_000, due_by=due, reason="fraudulent")
    with site.database.reading() as session:
        facts = plain_facts(facts_of(session, gift.id))
    (notice,) = dispute_notices(gift, facts, language, TEST)
    assert (notice.reason, notice.due_by, notice.held) == (words, due_by, gift.amount)
    assert notice.in_stripe == "https://dashboard.stripe.com/test/disputes/dp_d"


def test_a_site_without_a_dashboard_links_to_none(site: FinanceSite) -> None:
    """With a pretend Stripe, the page shows all ids of Stripe, but no link to its Dashboard."""
    gift = dispute(site, "x", None)
    page = site.signed_in().get(f"/finance/gifts/{gift.id}").text
    assert "dashboard.stripe.com" not in page
    assert page.count("dp_x") >= 2


def test_no_statement_of_the_page_reads_a_table(site_on_each: FinanceSite) -> None:
    """The page of a gift looks all rows up in indexes."""
    gift = paid_card_gift(site_on_each)
    browser = site_on_each.signed_in()
    with selects() as found:
        assert browser.get(f"/finance/gifts/{gift.id}").status_code == 200
    of_proof = [one for one in found if "stripe_event.gift_id" in one[0].partition("WHERE")[2]]
    found_by_index = plans(site_on_each.database, of_proof)
    assert found_by_index
    assert all("ix_stripe_event_gift_id" in plan for plan in found_by_index)
    movements = [one for one in found if "FROM gift_movement" in one[0].replace("\n", "")]
    assert movements
    assert not any(WHOLE.search(plan) for plan in plans(site_on_each.database, movements))


def test_a_payment_between_two_statements_of_the_page(site_on_each: FinanceSite) -> None:
    """If a transfer is marked while the page is read, the page still has one state of the gift."""
    gift, browser, marked = site_on_each.gift(), site_on_each.signed_in(), list[int]()

    def interfere(_c: object, _cursor: object, statement: str, *_: object) -> None:
        if "FROM gift_movement" in statement.replace("\n", "") and not marked:
            marked.append(0)  # before the call, because it runs statements too
            marked[0] = mark(other, gift).status_code

    other = site_on_each.signed_in(email="bo@example.org")
    hook.listen(Connection, "before_cursor_execute", interfere)
    try:
        page = browser.get(f"/finance/gifts/{gift.id}")
    finally:
        hook.remove(Connection, "before_cursor_execute", interfere)
    assert (page.status_code, marked) == (200, [303])
    assert "CA1234X" not in page.text
    assert "CA1234X" in browser.get(f"/finance/gifts/{gift.id}").text
