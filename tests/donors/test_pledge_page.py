"""The page of a monthly gift: failed months, and requests for the amount it already has."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from donate.gifts.evidence import Evidence
from donate.gifts.facts import Fact
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.gifts.opening import open_month
from donate.gifts.queries import facts_of
from donate.storage.database import Database
from tests.donors.statuses import NOW, PAID, K, learn
from tests.donors.visitor import Visitor, visiting, words_of
from tests.links import token_of
from tests.real_parts import Sqlite

PAST_DUE = "Your last payment didn’t go through"


@pytest.fixture(scope="module")
def visitor(sqlite: Sqlite) -> Iterator[Visitor]:
    """A client of a service with the shipped regions, where gifts can be monthly."""
    url = sqlite.fresh_url()
    database = Database(url)
    with visiting(database, url) as visitor:
        yield visitor
    database.close()


def failing_pledge(visitor: Visitor, mode: str = "card") -> tuple[Gift, Gift]:
    """Open a pledge whose second month failed; return the gifts of both months."""
    first = visitor.open_gift(mode=mode, frequency="monthly")
    learn(visitor.database, first, PAID)
    name = f"sub_{first.reference}"
    evidence: Evidence = {"subscription": name, "status": "past_due"}
    later = NOW + timedelta(days=30)
    with visitor.database.writing() as session:
        month = open_month(
            session, first.id, f"in_{name}", first.amount, invoiced_at=later, now=later
        )
        record_facts(
            session,
            [
                (first.id, Fact(K.PLEDGE_STARTED, name, NOW, "stripe")),
                (first.id, Fact(K.PLEDGE_CHANGED, f"evt_{name}", NOW, "stripe", evidence=evidence)),
                (month.id, Fact(K.PAYMENT_FAILED, f"in_{name}", later, "stripe")),
            ],
            now=later,
        )
        session.refresh(month)
        session.expunge(month)
    return first, month


def pay_instead(visitor: Visitor, month: Gift) -> None:
    """Pay for a failed month with another gift, as the button on the month's page does."""
    other = visitor.open_gift(mode="card")
    with visitor.database.writing() as session:
        session.get_one(Gift, other.id).form_key = f"instead:{month.id}:card"
    learn(visitor.database, other, PAID)


@pytest.mark.parametrize(
    ("language", "past_due", "settled", "saved"),
    [
        (
            "en-CA",
            PAST_DUE,
            "given every month|all caught up on the payments that didn’t go through",
            "Now open the gift",
        ),
        ("fr-CA", "Votre dernier paiement", "donné d’une autre façon", "Essayez"),
    ],
)
def test_a_failed_month_paid_by_another_gift_is_not_past_due(
    visitor: Visitor, language: str, past_due: str, settled: str, saved: str
) -> None:
    """A failed month that was paid by another gift is no longer shown as past due."""
    first, month = failing_pledge(visitor)
    page = f"/pledges/{token_of(first)}?lang={language}"
    before = words_of(visitor.get(page).text)
    assert past_due in before
    assert settled.rsplit("|", maxsplit=1)[-1] not in before
    pay_instead(visitor, month)
    words = words_of(visitor.get(page).text)
    assert past_due not in words
    assert settled.rsplit("|", maxsplit=1)[-1] in words
    assert saved not in words_of(visitor.get(f"{page}&done=card").text)


def test_a_second_failed_month_is_still_past_due(visitor: Visitor) -> None:
    """If only one of two failed months was paid by another gift, the pledge is still past due."""
    first, month = failing_pledge(visitor)
    pay_instead(visitor, month)
    later = NOW + timedelta(days=60)
    with visitor.database.writing() as session:
        third = open_month(
            session, first.id, f"in_3_{first.reference}", first.amount, invoiced_at=later, now=later
        )
        failed = Fact(K.PAYMENT_FAILED, f"in_3_{first.reference}", later, "stripe")
        record_facts(session, [(third.id, failed)], now=later)
    assert PAST_DUE in words_of(visitor.get(f"/pledges/{token_of(first)}").text)


@pytest.mark.parametrize(
    ("mode", "language", "once", "other"),
    [
        ("card", "en-CA", "by card just this once", "Give by Interac e-Transfer instead"),
        ("card", "fr-CA", "par carte, cette fois seulement", "Virement Interac"),
        ("bank_debit", "en-CA", "by bank debit just this once", "Give by card instead"),
        ("bank_debit", "fr-CA", "par prélèvement bancaire, cette fois seulement", "par carte"),
    ],
)
def test_the_buttons_of_a_month_fit_how_it_is_collected(
    visitor: Visitor, mode: str, language: str, once: str, other: str
) -> None:
    """A failed month's page offers one payment in the month's mode, but not as another mode."""
    _, month = failing_pledge(visitor, mode)
    words = words_of(visitor.get(f"/gifts/{token_of(month)}?lang={language}").text)
    assert once in words
    assert other.lower() in words.lower()
    same = {"card": "Give by card instead", "bank_debit": "Give by bank debit instead"}[mode]
    assert same not in words


@pytest.mark.parametrize(
    ("language", "typed", "message"),
    [
        ("en-CA", "50", "That’s already your monthly amount"),
        ("fr-CA", "50,00", "déjà le montant"),
    ],
)
def test_the_same_amount_is_no_change(
    visitor: Visitor, language: str, typed: str, message: str
) -> None:
    """If a donor changes the amount to what it already is, Stripe is not asked."""
    first, _ = failing_pledge(visitor)
    page = f"/pledges/{token_of(first)}"
    answer = visitor.post(f"{page}/amount?lang={language}", amount=typed)
    assert answer.status_code == 303
    assert message in words_of(visitor.get(answer.headers["location"]).text)
    with visitor.database.reading() as session:
        kinds = [fact.kind for fact in facts_of(session, first.id)]
    assert "pledge_change_requested" not in kinds
    # Stripe has not answered the request for 60, so a request for 50 counts as a change.
    assert "done=soon" in visitor.post(f"{page}/amount", amount="60").headers["location"]
    assert "done=soon" in visitor.post(f"{page}/amount", amount="50").headers["location"]
