"""The audit of the search index, and the migration that fills it for existing gifts."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import select

from donate.errors import Misconfigured
from donate.gifts.facts import FactKind
from donate.gifts.models import GiftWish
from donate.gifts.search_index.index_audit import search_differences
from donate.gifts.search_index.models import KeyKind, SearchDocument, SearchKey
from donate.storage.connections import require_sqlite_module
from donate.storage.database import Database
from tests.letters.facts import tell
from tests.real_parts import Sqlite
from tests.stripe_gateway.gifts_and_events import (
    AMOUNT,
    event,
    give,
    give_many,
    refund_of,
    session_for,
    settle,
)
from tests.upgrading import as_before, upgrade_to


def fill(database: Database) -> None:
    """Open gifts, and record a payment, a refund, a transfer and notes."""
    gift, other = give(database), give(database, mode="interac")
    paid = session_for(gift)
    settle(
        database,
        event("checkout.session.completed", paid),
        event("refund.created", refund_of(paid["payment_intent"], AMOUNT)),
    )
    note = {"note": "from a brother"}
    tell(database, other, FactKind.TRANSFER_RECEIVED, "C1A#0", evidence=note)
    card: Any = {"payment_method": "pm_1", "last4": "4242"}
    tell(database, gift, FactKind.PLEDGE_CHANGED, "evt_card", evidence=card)
    wish: dict[str, Any] = {"is_anonymous": False, "fee_cover_minor": 0}
    wish |= {"note": "for the roof", "tribute_kind": "memory", "tribute_name": "Élodie Roy"}
    with database.writing() as session:
        session.add(GiftWish(gift_id=gift.id, **wish))


def everything(database: Database) -> tuple[set[tuple[Any, str]], set[tuple[Any, ...]]]:
    with database.reading() as session:
        documents = {(row.gift_id, row.words) for row in session.exec(select(SearchDocument))}
        keys = {(row.gift_id, row.kind, row.key) for row in session.exec(select(SearchKey))}
    return documents, keys


def test_the_migration_fills_the_index(database: Database) -> None:
    """The migration gives existing gifts the same words and keys that new gifts get."""
    fill(database)
    give_many(database, 1_100)
    with database.writing() as session:
        for statement in (
            "DROP TABLE search_document",
            "DROP TABLE search_key",
            *(["DROP TABLE search_words"] if database.is_sqlite else []),
            as_before("0015"),
        ):
            session.execute(sa.text(statement))
    upgrade_to("0015", database)
    with database.reading_snapshot() as session:
        assert list(search_differences(session)) == []
    documents, keys = everything(database)
    assert len(documents) == 2 + 1_100 + 1
    assert {kind for _, kind, _ in keys} == set(KeyKind)
    assert sum("roof" in words and "elodie" in words for _, words in documents) == 1
    give(database)  # a new gift is indexed, too
    assert len(everything(database)[0]) == len(documents) + 1


def test_a_migration_adds_the_digits_of_cards(database: Database) -> None:
    """Migration 0046 adds the same keys for the digits of cards that new facts add."""
    fill(database)
    keys = everything(database)[1]
    with database.writing() as session:
        session.execute(sa.text("DELETE FROM search_key WHERE kind = 'card'"))
        session.execute(sa.text(as_before("0046")))
    assert everything(database)[1] < keys
    upgrade_to("0046", database)
    assert everything(database)[1] == keys


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        (
            "UPDATE search_document SET words = 'nsomebody' WHERE id = 1",
            "are not those of the gift",
        ),
        ("DELETE FROM search_document WHERE id = 1", "are not those of the gift"),
        ("DELETE FROM search_key WHERE kind = 'bank'", "the bank key C1A is missing"),
        ("INSERT INTO search_key SELECT kind, key || 'x', gift_id FROM search_key", "search_key: "),
        ("UPDATE search_key SET key = 'D' || key WHERE kind = 'stripe'", "the stripe key"),
    ],
)
def test_the_audit_finds_each_difference(database: Database, statement: str, sentence: str) -> None:
    """A word or key that is missing, wrong or too many is reported."""
    fill(database)
    with database.writing() as session:
        session.execute(sa.delete(GiftWish))
    with database.reading_snapshot() as session:
        assert list(search_differences(session)) == []
    with database.writing() as session:
        session.execute(sa.text(statement))
    with database.reading_snapshot() as session:
        assert any(sentence in line for line in search_differences(session))


def test_a_gift_that_the_full_text_index_lacks_is_reported(sqlite: Sqlite) -> None:
    """On SQLite, a gift that was stored while the trigger was missing is reported."""
    database = Database(sqlite.fresh_url())
    give(database)
    with database.writing() as session:
        session.execute(sa.text("DROP TRIGGER search_document_words"))
    gift = give(database)
    with database.reading_snapshot() as session:
        (line,) = search_differences(session)
    assert line == f"{gift.reference}: a search for its reference does not find it"
    database.close()


def test_a_missing_module_of_sqlite_is_named() -> None:
    """If SQLite lacks the module for full-text search, the error names the module."""
    require_sqlite_module("fts5")
    with pytest.raises(Misconfigured, match="has no NOSUCH, which the search of gifts needs"):
        require_sqlite_module("nosuch")
