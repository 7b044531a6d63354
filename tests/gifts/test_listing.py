"""Lists of gifts: filters, orders and pages, compared with lists that Python sorts."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest
from sqlmodel import Session, select

from donate.gifts.facts import FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.listing.filters import GiftFilter
from donate.gifts.listing.orders import (
    GiftOrder,
    Position,
    SortName,
    read_position,
    write_position,
)
from donate.gifts.listing.queries import MOST_READ, ListedGift, list_gifts
from donate.gifts.models import Gift
from donate.gifts.movements.models import GiftMovement
from donate.gifts.opening import open_gift
from donate.gifts.status import Flag, StatusName
from donate.money import Money
from donate.regions.modes import Mode
from donate.regions.terms import Frequency
from donate.storage.database import Database
from tests.gifts.many_gifts import fill_with_gifts
from tests.gifts.samples import CANADA, NOW, case_id, choose, fact, open_one, paid

ORDERS = [GiftOrder(sort, descending) for sort in SortName for descending in (True, False)]


@pytest.fixture
def several(database: Database) -> Database:
    """Store four gifts: a paid and an unpaid one by card, one by Interac, one with another code."""
    with database.writing() as session:
        first = open_one(session, "paid", now=datetime(2026, 1, 1, 4, 59, 59, tzinfo=UTC))
        twice = [paid(), paid("pi_2", 1_000), fact(FactKind.REFUND_SUCCEEDED, "re_1", 100)]
        record_facts(session, [(first.id, one) for one in twice], now=NOW)
        open_one(session, "awaited", now=datetime(2026, 1, 1, 5, 0, 0, tzinfo=UTC))
        month = {"frequency": "monthly", "amount": Money(2_500, "CAD")}
        open_one(session, "monthly", now=datetime(2026, 1, 15, tzinfo=UTC), **month)
        moment = datetime(2026, 2, 1, 12, tzinfo=UTC)
        interac = open_one(session, "interac", now=moment, mode=Mode.INTERAC, language="fr-CA")
        said = fact(FactKind.TRANSFER_ANNOUNCED, str(interac.id))
        record_facts(session, [(interac.id, said)], now=NOW)
        region = CANADA.model_copy(update={"code": "LWUSA", "currency": "USD"})
        choice = choose()
        wishes = replace(choice.wishes, fund="roof")
        choice = replace(choice, region=region, amount=Money(700, "USD"), wishes=wishes)
        open_gift(session, choice, "elsewhere", now=NOW)
    return database


CAD = {"least": Money(2_500, "CAD"), "most": Money(4_999, "CAD")}
NEW_YEAR = date(2026, 1, 1)


@pytest.mark.parametrize("sort", [SortName.STARTED, SortName.AMOUNT, SortName.RECEIVED])
@pytest.mark.parametrize(
    ("gift_filter", "keys"),
    [
        (GiftFilter(), "paid awaited monthly interac elsewhere"),
        (GiftFilter(statuses=(StatusName.CONFIRMED,)), "paid"),
        (GiftFilter(statuses=(StatusName.CONFIRMED, StatusName.FAILED)), "paid"),
        (GiftFilter(modes=(Mode.INTERAC, Mode.GIVING_CODE)), "interac"),
        (GiftFilter(codes=("LWUSA",)), "elsewhere"),
        (GiftFilter(codes=("' OR 1=1 --",)), ""),
        (GiftFilter(funds=("roof",)), "elsewhere"),
        (GiftFilter(funds=("",)), "paid awaited monthly interac"),
        (GiftFilter(currencies=("USD", "JPY")), "elsewhere"),
        (GiftFilter(flags=(Flag.AMOUNT_DIFFERS,)), "paid"),
        (GiftFilter(flags=(Flag.PAID_MORE_THAN_ONCE,)), "paid"),
        (GiftFilter(flags=(Flag.RETURNED_MORE_THAN_RECEIVED,)), ""),
        (GiftFilter(frequencies=(Frequency.MONTHLY,)), "monthly"),
        (GiftFilter(frequencies=(Frequency.ONCE,)), "paid awaited interac elsewhere"),
        (GiftFilter(frequencies=tuple(Frequency)), "paid awaited monthly interac elsewhere"),
        (GiftFilter(languages=("fr-CA",)), "interac"),
        (GiftFilter(announced=True), "interac"),
        (GiftFilter(first_day=NEW_YEAR), "awaited monthly interac elsewhere"),
        (GiftFilter(last_day=date(2025, 12, 31)), "paid"),
        (GiftFilter(first_day=NEW_YEAR, last_day=NEW_YEAR), "awaited"),
        (GiftFilter(first_day=date(2026, 1, 2), last_day=NEW_YEAR), ""),
        (GiftFilter(by="received", first_day=NEW_YEAR), "paid"),
        (GiftFilter(by="received", last_day=date(2025, 12, 31)), ""),
        (GiftFilter(by="moved", first_day=NEW_YEAR), "paid"),
        (GiftFilter(by="moved", last_day=date(2026, 2, 28)), ""),
        (GiftFilter(**CAD), "monthly"),  # type: ignore[arg-type]
        (GiftFilter(least=Money(5_000, "CAD")), "paid awaited interac"),
        (GiftFilter(most=Money(700, "USD")), "elsewhere"),
        (GiftFilter(modes=(Mode.CARD,), announced=True), ""),
    ],
    ids=case_id,
)
def test_each_field_of_a_filter_narrows_the_list(
    several: Database, gift_filter: GiftFilter, keys: str, sort: SortName
) -> None:
    """In every order, a filter's field keeps gifts with one of its values; days are inclusive."""
    with several.reading() as session:
        found = list_gifts(session, gift_filter, GiftOrder(sort), limit=100)
    assert found.stopped_at is None
    assert sorted(row.gift.form_key for row in found.gifts) == sorted(keys.split())
    assert all(row.donor.id == row.gift.donor_id for row in found.gifts)


def sort_key(order: GiftOrder, session: Session) -> Callable[[Gift], tuple[Any, ...]]:
    """Return the sort key with which Python puts gifts in this order, if it is ascending."""

    def moved(gift: Gift) -> tuple[Any, ...]:
        rows = session.exec(select(GiftMovement).where(GiftMovement.gift_id == gift.id))
        return max((row.day, row.id) for row in rows)

    return {
        SortName.STARTED: lambda gift: (gift.opened_at, gift.id.int),
        SortName.RECEIVED: lambda gift: (gift.received_on, gift.id.int),
        SortName.AMOUNT: lambda gift: (gift.currency, gift.amount_minor, gift.id.int),
        SortName.STATUS: lambda gift: (str(gift.status), gift.opened_at, gift.id.int),
        SortName.REFERENCE: lambda gift: (gift.reference,),
        SortName.MOVED: moved,
    }[order.sort]


def in_order(session: Session, gifts: list[Gift], order: GiftOrder) -> list[str]:
    """Return the references as Python sorts the gifts; gifts without a day received come last."""
    key = sort_key(order, session)
    with_key = [g for g in gifts if order.sort is not SortName.RECEIVED or g.received_on]
    rest = sorted((g for g in gifts if g not in with_key), key=lambda gift: gift.id.int)
    if order.descending:
        rest.reverse()
    ordered = sorted(with_key, key=key, reverse=order.descending)
    return [gift.reference for gift in [*ordered, *rest]]


def pages_of(
    session: Session, gift_filter: GiftFilter, order: GiftOrder, *, backwards: bool
) -> list[str]:
    """Return the references of a list that is read page by page, from its end if `backwards`."""
    start: Position | None = None
    if backwards:
        last = list_gifts(session, gift_filter, order, limit=1_000).gifts[-1]
        listed, start = [last.gift.reference], last.position
    else:
        listed = []
    while True:
        rows: list[ListedGift] = list_gifts(
            session, gift_filter, order, limit=7, start=start, backwards=backwards
        ).gifts
        if not rows:
            return listed
        references = [row.gift.reference for row in rows]
        listed = [*references, *listed] if backwards else [*listed, *references]
        start = read_position(write_position(rows[0 if backwards else -1].position), order)
        assert start


@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize("order", ORDERS, ids=lambda o: f"{o.sort} {o.descending}")
def test_pages_show_every_gift_once_in_order(
    database: Database, order: GiftOrder, *, backwards: bool
) -> None:
    """In each order, paging forwards and back shows each gift once, even with many ties."""
    random = Random(7)
    with database.writing() as session:
        for n in range(40):
            later = timedelta(seconds=n // 4, microseconds=n % 2)
            amount = Money(random.choice([5_000, 6_000]), "CAD")
            gift = open_one(session, f"form-{n}", now=NOW + later, amount=amount)
            if n % 3 or order.follows_movements:
                day = NOW + timedelta(days=n % 2)
                money = [
                    paid(f"pi_{n}", amount.amount_minor, happened_at=day),
                    fact(FactKind.REFUND_SUCCEEDED, f"re_{n}", 100, happened_at=day),
                ]
                record_facts(session, [(gift.id, one) for one in money], now=NOW)
    by = "moved" if order.follows_movements else "chosen"
    with database.reading() as session:
        gifts = list(session.exec(select(Gift)))
        for gift_filter, some in (
            (GiftFilter(by=by), gifts),  # type: ignore[arg-type]
            (
                GiftFilter(by=by, statuses=(StatusName.AWAITED, StatusName.PARTLY_REFUNDED)),  # type: ignore[arg-type]
                gifts,
            ),
        ):
            expected = in_order(session, some, order)
            assert pages_of(session, gift_filter, order, backwards=backwards) == expected


def test_a_new_gift_does_not_disturb_paging(database: Database) -> None:
    """A gift that is opened while somebody pages through the list neither repeats nor hides one."""
    with database.writing() as session:
        keys = [open_one(session, f"form-{n}", now=NOW + timedelta(n)).form_key for n in range(4)]
    with database.reading() as session:
        first, second = list_gifts(session, GiftFilter(), GiftOrder(), limit=2).gifts
    with database.writing() as session:
        open_one(session, "late", now=NOW + timedelta(9))
    with database.reading() as session:
        after = list_gifts(session, GiftFilter(), GiftOrder(), limit=9, start=second.position)
        before = list_gifts(
            session, GiftFilter(), GiftOrder(), limit=9, start=second.position, backwards=True
        )
    listed = [row.gift.form_key for row in (first, second, *after.gifts)]
    assert listed == keys[::-1]
    assert [row.gift.form_key for row in before.gifts] == ["late", keys[-1]]


@pytest.mark.parametrize("text", ["", "x", "1~2", "1~" + "0" * 32 + "~", "٣~" + "0" * 32, "-~-"])
@pytest.mark.parametrize("order", ORDERS, ids=lambda o: f"{o.sort} {o.descending}")
def test_a_text_that_is_no_position_is_noticed(order: GiftOrder, text: str) -> None:
    """In every order, a malformed position in a link is refused."""
    position = read_position(text, order)
    assert position is None or write_position(position) == text


def test_a_list_that_matches_rarely_is_read_bit_by_bit(database: Database) -> None:
    """If a page would read too many gifts, it stops early and says where the next page goes on."""
    fill_with_gifts(database, 3 * MOST_READ)
    # The filter spans too many days for a lookup by day, and the newest gifts do not match it.
    gift_filter = GiftFilter(
        by="received",
        first_day=date(2023, 8, 1),
        last_day=date(2024, 8, 1),
        modes=(Mode.CARD, Mode.INTERAC),
    )
    with database.reading() as session:
        expected = {
            row.reference
            for row in session.exec(
                select(Gift).where(
                    Gift.received_on >= date(2023, 8, 1),  # type: ignore[operator]
                    Gift.received_on <= date(2024, 8, 1),  # type: ignore[operator]
                    Gift.mode.in_([Mode.CARD, Mode.INTERAC]),  # type: ignore[attr-defined]
                )
            )
        }
        found = list_gifts(session, gift_filter, GiftOrder(), limit=500)
        assert (found.gifts, bool(found.stopped_at)) == ([], True)
        listed: list[str] = []
        while found.gifts or found.stopped_at:
            listed += (row.gift.reference for row in found.gifts)
            start = found.stopped_at or found.gifts[-1].position
            found = list_gifts(session, gift_filter, GiftOrder(), limit=500, start=start)
    assert len(listed) == len(set(listed))
    assert set(listed) == expected
