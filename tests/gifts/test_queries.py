"""Queries of gifts: filters, totals, paging, finding one gift, and the audit of cached values."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import Session, select

from donate.gifts.audit import differences
from donate.gifts.facts import FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.gifts.opening import open_gift
from donate.gifts.queries import (
    Cursor,
    GiftFilter,
    Total,
    donor_of,
    facts_of,
    gift_by_id,
    gift_by_reference,
    gift_by_token,
    gifts_by_source,
    newest_gifts,
    totals,
)
from donate.gifts.status import StatusName
from donate.money import Money
from donate.regions.modes import Mode
from donate.storage.database import Database
from tests.gifts.samples import CANADA, NOW, case_id, choose, fact, open_one, paid

ALL = GiftFilter()


def form_keys(session: Session, gift_filter: GiftFilter) -> set[str]:
    return {gift.form_key for gift, _ in newest_gifts(session, gift_filter, limit=100)}


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


@pytest.mark.parametrize(
    ("gift_filter", "keys"),
    [
        (ALL, "paid awaited interac elsewhere"),
        (GiftFilter(status=StatusName.CONFIRMED), "paid"),
        (GiftFilter(status=StatusName.AWAITED), "awaited interac elsewhere"),
        (GiftFilter(mode=Mode.INTERAC), "interac"),
        (GiftFilter(code="LWUSA"), "elsewhere"),
        (GiftFilter(code=""), "paid awaited interac elsewhere"),
        (GiftFilter(first_day=date(2026, 1, 1)), "awaited interac elsewhere"),
        (GiftFilter(last_day=date(2025, 12, 31)), "paid"),
        (GiftFilter(first_day=date(2026, 1, 1), last_day=date(2026, 1, 1)), "awaited"),
        (GiftFilter(first_day=date(2026, 1, 2), last_day=date(2026, 1, 1)), ""),
        (GiftFilter(by="received", first_day=date(2026, 1, 1)), "paid"),
        (GiftFilter(by="received", last_day=date(2025, 12, 31)), ""),
        (GiftFilter(mode=Mode.CARD, status=StatusName.AWAITED, code="LWCAN"), "awaited"),
        (GiftFilter(code="' OR 1=1 --"), ""),
    ],
    ids=case_id,
)
def test_each_field_of_a_filter_narrows_the_list(
    several: Database, gift_filter: GiftFilter, keys: str
) -> None:
    """Each field of a filter narrows the list of gifts, and both its dates are included."""
    with several.reading() as session:
        assert form_keys(session, gift_filter) == set(keys.split())
        assert sum(line.gifts for line in totals(session, gift_filter)) == len(keys.split())


def test_totals_are_by_currency(several: Database) -> None:
    """Gifts are totalled separately for each currency."""
    with several.reading() as session:
        assert totals(session, ALL) == [
            Total(3, Money(15_000, "CAD"), Money(5_000, "CAD"), Money(5_000, "CAD")),
            Total(1, Money(700, "USD"), Money(0, "USD"), Money(0, "USD")),
        ]
        assert totals(session, GiftFilter(code="NONE")) == []


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_pages_show_every_gift_once(database: Database, limit: int) -> None:
    """Paging shows each gift once, newest first, even if several were opened at the same time."""
    with database.writing() as session:
        for n in range(12):
            later = timedelta(seconds=n // 4, microseconds=n % 2)
            open_one(session, f"form-{n}", now=NOW + later)
    shown: list[Gift] = []
    after: Cursor | None = None
    with database.reading() as session:
        while page := newest_gifts(session, ALL, limit=limit, after=after):
            assert len(page) <= limit
            assert all(donor.id == gift.donor_id for gift, donor in page)
            shown += [gift for gift, _ in page]
            after = Cursor(shown[-1].opened_at, shown[-1].id)
    assert len({gift.id for gift in shown}) == len(shown) == 12
    order = [(gift.opened_at, gift.id.int) for gift in shown]
    assert order == sorted(order, reverse=True)


def test_a_new_gift_does_not_disturb_paging(database: Database) -> None:
    """A gift that is opened while somebody pages through the list neither repeats nor hides one."""
    with database.writing() as session:
        keys = [open_one(session, f"form-{n}", now=NOW + timedelta(n)).form_key for n in range(4)]
    with database.reading() as session:
        (first, _), (second, _) = newest_gifts(session, ALL, limit=2)
    with database.writing() as session:
        open_one(session, "late", now=NOW + timedelta(9))
    with database.reading() as session:
        after = Cursor(second.opened_at, second.id)
        rest = [gift.form_key for gift, _ in newest_gifts(session, ALL, limit=9, after=after)]
    assert [first.form_key, second.form_key, *rest] == keys[::-1]


def test_facts_are_sorted_by_time(database: Database) -> None:
    """A gift's facts are sorted by the second in which they happened, then as recorded."""
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
            gift_by_token(session, gift.token),
            gift_by_reference(session, gift.reference),
        ):
            assert match is not None
            assert match.id == gift.id
        assert gift_by_token(session, gift.token.swapcase()) is None
        assert gift_by_token(session, "") is None
        assert gift_by_token(session, gift.reference) is None
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
