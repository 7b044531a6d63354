"""What the gift page says about money that went back."""

import pytest

from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.status import StatusName
from tests.donors.statuses import FACTS_FOR, NOW, PAID, K, learn
from tests.donors.visitor import Visitor, words_of
from tests.links import token_of


def test_the_page_shows_what_came_and_what_went_back(visitor: Visitor) -> None:
    """The page shows an amount received that differs from the chosen one, and any refund."""
    gift = visitor.open_gift(mode="interac")
    learn(visitor.database, gift, (FactKind.TRANSFER_RECEIVED, 4_000))
    assert "Received so far $40.00" in words_of(visitor.get(f"/gifts/{token_of(gift)}").text)
    other = visitor.open_gift(mode="card")
    learn(visitor.database, other, *FACTS_FOR[StatusName.PARTLY_REFUNDED])
    assert "Refunded $20.00" in words_of(visitor.get(f"/gifts/{token_of(other)}").text)


def test_a_refund_that_failed_is_said_until_staff_dealt_with_it(visitor: Visitor) -> None:
    """The page shows a failed refund until staff have followed it up."""
    gift = visitor.open_gift(mode="card")
    facts = [
        Fact(kind, "re_1", NOW, "stripe", 5_000, "CAD")
        for kind in (K.PAYMENT_SUCCEEDED, K.REFUND_SUCCEEDED, K.REFUND_FAILED)
    ]
    with visitor.database.writing() as session:
        record_facts(session, [(gift.id, fact) for fact in facts], now=NOW)
    words = words_of(visitor.get(f"/gifts/{token_of(gift)}").text)
    assert "Thank you, Anne Ouellet!" in words
    assert "Your refund of $50.00 didn’t go through." in words
    followed_up = Fact(K.REFUND_FOLLOWED_UP, "re_1", NOW, "staff:1")
    with visitor.database.writing() as session:
        record_facts(session, [(gift.id, followed_up)], now=NOW)
    assert "didn’t go through" not in words_of(visitor.get(f"/gifts/{token_of(gift)}").text)


def test_what_was_paid_twice_and_sent_back_once_is_received(visitor: Visitor) -> None:
    """A donor who paid twice and got one payment back is thanked for the other payment."""
    gift = visitor.open_gift(mode="card")
    learn(visitor.database, gift, PAID, PAID, (FactKind.REFUND_SUCCEEDED, 5_000))
    words = words_of(visitor.get(f"/gifts/{token_of(gift)}").text)
    assert "Thank you, Anne Ouellet!" in words
    assert "Refunded $50.00" in words


@pytest.mark.parametrize(
    ("language", "refunded", "held"),
    [("en-CA", "Refunded $20.00", "Held by your bank $30.00"), ("fr-CA", "20,00", "30,00")],
)
def test_a_dispute_of_the_whole_after_a_refund_takes_only_what_was_left(
    visitor: Visitor, language: str, refunded: str, held: str
) -> None:
    """The page shows refunded and held money separately; their sum never exceeds the gift."""
    gift = visitor.open_gift(mode="card")
    learn(visitor.database, gift, *FACTS_FOR[StatusName.PARTLY_REFUNDED], (K.DISPUTE_OPENED, 5_000))
    words = words_of(visitor.get(f"/gifts/{token_of(gift)}?lang={language}").text)
    assert refunded in words.replace("\xa0", " ")
    assert held in words.replace("\xa0", " ")
    assert "70" not in words
    lost = Fact(K.DISPUTE_LOST, f"{gift.reference}:2", NOW, "stripe", 5_000, "CAD")
    with visitor.database.writing() as session:
        record_facts(session, [(gift.id, lost)], now=NOW)
    words = words_of(visitor.get(f"/gifts/{token_of(gift)}").text)
    assert "Refunded $50.00" in words
    assert "Held by your bank" not in words
