"""Queries of gifts: finding one gift, its facts, and the audit of cached values."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from donate.gifts.audit import differences
from donate.gifts.facts import FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.gifts.opening import open_gift
from donate.gifts.queries import (
    donor_of,
    facts_of,
    gift_by_id,
    gift_by_reference,
    gifts_by_source,
)
from donate.money import Money
from donate.regions.modes import Mode
from donate.storage.database import Database
from tests.gifts.samples import CANADA, NOW, choose, fact, open_one, paid
from tests.links import LINKS, token_of


@pytest.fixture
def several(database: Database) -> Database:
    """Store four gifts: a paid and an unpaid one by card, one by Interac, one with another code."""
    with database.writing() as session:
        first = open_one(session, "paid", now=datetime(2026, 1, 1, 4, 59, 59, tzinfo=UTC))
        record_facts(session, [(first.id, paid())], now=NOW)
        open_one(session, "awaited", now=datetime(2026, 1, 1, 5, 0, 0, tzinfo=UTC))
        open_one(session, "interac", now=datetime(2026, 2, 1, 12, tzinfo=UTC), mode=Mode.INTERAC)
        elsewhere = CANADA.model_copy(update={"code": "LWUSA", "currency": "USD"})
        choice = replace(choose(), region=elsewhere, amount=Money(700, "USD"))
        open_gift(session, choice, "elsewhere", now=NOW)
    return database


def test_facts_are_sorted_by_time(database: Database) -> None:
    """A gift's facts are sorted by the second in which they happened, and then as recorded."""
    with database.writing() as session:
        gift = open_one(session, now=NOW + timedelta(microseconds=900_000))
        unordered = [
            fact(FactKind.REFUND_SUCCEEDED, "re_1", 100, happened_at=NOW + timedelta(seconds=9)),
            fact(FactKind.CHECKOUT_OPENED, "cs_1", happened_at=NOW),
            paid(happened_at=NOW + timedelta(seconds=5)),
        ]
        for new_fact in unordered:
            record_facts(session, [(gift.id, new_fact)], now=NOW)
        other = open_one(session, "form-2")
    with database.reading() as session:
        kinds = [str(row.kind) for row in facts_of(session, gift.id)]
        assert [str(row.kind) for row in facts_of(session, other.id)] == ["gift_opened"]
    assert kinds == ["gift_opened", "checkout_opened", "payment_succeeded", "refund_succeeded"]


def test_a_gift_is_found_by_id_token_or_reference(database: Database) -> None:
    """A gift is found by its exact id, token or reference, and by nothing else."""
    with database.writing() as session:
        gift, other = open_one(session), open_one(session, "form-2", name="Bob")
    with database.reading() as session:
        for match in (
            gift_by_id(session, gift.id),
            LINKS.find_gift(session, token_of(gift)),
            gift_by_reference(session, gift.reference),
        ):
            assert match is not None
            assert match.id == gift.id
        assert LINKS.find_gift(session, token_of(gift).swapcase()) is None
        assert LINKS.find_gift(session, "") is None
        assert LINKS.find_gift(session, gift.reference) is None
        assert gift_by_reference(session, gift.reference.lower()) is None
        assert donor_of(session, other).name == "Bob"


def test_a_gift_is_found_by_kind_and_source(database: Database) -> None:
    """A gift is found by the source of a fact, such as a payment intent, and the fact's kind."""
    with database.writing() as session:
        gift = open_one(session)
        record_facts(session, [(gift.id, paid())], now=NOW)
    with database.reading() as session:
        sources = ["pi_1", "pi_2"]
        assert gifts_by_source(session, [FactKind.PAYMENT_SUCCEEDED], sources) == {"pi_1": gift.id}
        assert gifts_by_source(session, [FactKind.REFUND_SUCCEEDED], sources) == {}
        assert gifts_by_source(session, [FactKind.PAYMENT_SUCCEEDED], []) == {}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("status", "'refunded'"),
        ("received_minor", "5001"),
        ("returned_minor", "1"),
        ("net_minor", "0"),
        ("received_on", "'2026-03-02'"),
        ("flags", "'paid_more_than_once'"),
        ("transfer_announced", "true"),
    ],
)
def test_the_audit_reports_every_wrong_value(several: Database, column: str, value: str) -> None:
    """The audit reports a cached value that differs from the facts, with reference and column."""
    with several.reading_snapshot() as session:
        assert list(differences(session)) == []
    with several.writing() as session:
        statement = f"UPDATE gift SET {column} = {value} WHERE form_key = 'paid'"
        session.connection().exec_driver_sql(statement)
    with several.reading_snapshot() as session:
        reference = session.exec(select(Gift.reference).where(Gift.form_key == "paid")).one()
        (line,) = differences(session)
    assert line.startswith(f"{reference}: {column} is ")
