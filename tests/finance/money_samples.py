"""Gifts in two regions and two currencies, with funds, whose money moves in March and April."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from donate.gifts.choosing.choice import check_choice
from donate.gifts.choosing.options import NOTHING_ADDED, Wishes
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.gifts.opening import open_gift
from donate.money import Money
from donate.regions.regions import SHIPPED, Regions, load_regions
from donate.storage.database import Database

MARCH = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)
# This time is on April 1 in UTC, but still on March 31 in Toronto.
LATE_IN_MARCH = datetime(2026, 4, 1, 3, 30, tzinfo=UTC)
APRIL = datetime(2026, 4, 2, 15, 0, tzinfo=UTC)

_MORE = """
[LWCAN.funds.roof]
en = "Roof"
fr = "Toit"

[LWJPN]
country = "JP"
currency = "JPY"
languages = ["en-CA"]
time_zone = "Asia/Tokyo"
presets_minor = []
name = { en = "Japan", fr = "Japon" }

[LWJPN.modes.card]
min_minor = 100
max_minor = 2500000
"""


def two_regions() -> Regions:
    """Return the shipped region with a fund, and a second region in Japanese yen."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "regions.toml"
        file.write_text(SHIPPED.read_text() + _MORE)
        return load_regions(file)


TWO_REGIONS = two_regions()


def give(
    database: Database,
    key: str,
    *,
    code: str = "LWCAN",
    mode: str = "card",
    amount_minor: int = 5_000,
    now: datetime = MARCH,
    name: str = "Maya Tremblay",
    wishes: Wishes = NOTHING_ADDED,
) -> Gift:
    region = TWO_REGIONS[code]
    choice = check_choice(
        region,
        mode=mode,
        amount=Money(amount_minor, region.currency),
        frequency="once",
        country="CA",
        language="en-CA",
        name="Maya Tremblay",
        email="maya@example.com",
        wishes=wishes,
    )
    with database.writing() as session:
        gift = open_gift(session, choice, key, now=now)
        # The Give form refuses some of these names, but a row of an earlier version may have them.
        session.execute(
            sa.text("UPDATE donor SET name = :name WHERE id = :id"),
            {"name": name, "id": gift.donor_id},
        )
    return gift


def move(
    database: Database,
    gift: Gift,
    kind: FactKind,
    source_id: str,
    amount_minor: int,
    at: datetime = MARCH,
) -> None:
    fact = Fact(
        kind=kind,
        source_id=source_id,
        happened_at=at,
        actor="stripe",
        amount_minor=amount_minor,
        currency=gift.currency,
    )
    with database.writing() as session:
        record_facts(session, [(gift.id, fact)], now=at)


def pay(database: Database, gift: Gift, at: datetime = MARCH, **more: Any) -> None:
    amount = more.get("amount_minor", gift.amount_minor)
    move(database, gift, FactKind.PAYMENT_SUCCEEDED, f"pi_{gift.id}", amount, at)


def sample_money(database: Database) -> dict[str, Gift]:
    """Put six movements into a database: five in dollars, and one in yen."""
    gifts = {
        "card": give(database, "card"),
        "roof": give(
            database, "roof", mode="interac", amount_minor=12_345, wishes=Wishes(fund="roof")
        ),
        "yen": give(database, "yen", code="LWJPN", amount_minor=7_000),
        "open": give(database, "open", mode="giving_code"),
    }
    pay(database, gifts["card"])
    received = FactKind.TRANSFER_RECEIVED
    move(database, gifts["roof"], received, "C1", 12_345, MARCH + timedelta(days=1))
    pay(database, gifts["yen"], MARCH + timedelta(days=2))
    refunded = FactKind.REFUND_SUCCEEDED
    move(database, gifts["card"], refunded, "re_1", 2_000, LATE_IN_MARCH)
    move(database, gifts["card"], refunded, "re_2", 1_000, APRIL)
    move(database, gifts["card"], FactKind.REFUND_FAILED, "re_2", 1_000, APRIL)
    return gifts


def add_many_movements(database: Database, gift: Gift, count: int) -> None:
    """Add transfers to a gift directly, as rows, because the ledger would take a minute.

    The totals of days are not changed, so an export of these rows does not agree with them.
    """
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count) "
    values = {"count": count, "gift": gift.id, "at": MARCH, "day": MARCH.date()}
    types = [
        sa.bindparam("gift", type_=Gift.__table__.c.id.type),  # type: ignore[attr-defined]
        sa.bindparam("at", type_=Gift.__table__.c.opened_at.type),  # type: ignore[attr-defined]
    ]
    fact = sa.text(
        "INSERT INTO gift_fact (gift_id, kind, source_id, amount_minor, currency, happened_at, "
        f"recorded_at, actor, evidence) {numbers} SELECT :gift, 'transfer_received', "
        "'bulk-' || i, 100, 'CAD', :at, :at, 'staff:1', '{}' FROM n"
    )
    movement = sa.text(
        "INSERT INTO gift_movement (gift_id, kind, cause, source_id, amount_minor, currency, day, "
        f"happened_at, recorded_at) {numbers} SELECT :gift, 'transfer', 'transfer_received', "
        "'bulk-' || i, 100, 'CAD', :day, :at, :at FROM n"
    ).bindparams(sa.bindparam("day", type_=sa.Date()))
    with database.writing() as session:
        for statement in (fact, movement):
            wanted = {k: v for k, v in values.items() if f":{k}" in statement.text}
            session.execute(statement.bindparams(*types), wanted)
