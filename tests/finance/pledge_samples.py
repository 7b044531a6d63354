"""Opens monthly gifts at several stages, and fills a database with monthly gifts."""

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa
from sqlmodel import Session

from donate.gifts.choosing.choice import check_choice
from donate.gifts.choosing.options import Wishes
from donate.gifts.evidence import Evidence
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Donor, Gift
from donate.gifts.monthly.models import PledgeRow
from donate.gifts.monthly.pledge_copy import PledgeStage
from donate.gifts.opening import open_gift, open_month
from donate.money import Money
from donate.storage.bulk_writes import table_of
from donate.storage.database import Database
from tests.finance.money_samples import MARCH, TWO_REGIONS

K = FactKind


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def open_pledge_of(
    database: Database,
    key: str,
    *,
    mode: str = "card",
    amount_minor: int = 5_000,
    name: str = "Maya Tremblay",
    fund: str = "",
    language: str = "en-CA",
    now: datetime = MARCH,
) -> Gift:
    """Open a monthly gift whose first month is not paid."""
    choice = check_choice(
        TWO_REGIONS["LWCAN"],
        mode=mode,
        amount=Money(amount_minor, "CAD"),
        frequency="monthly",
        country="CA",
        language=language,
        name=name,
        email="maya@example.com",
        wishes=Wishes(fund=fund),
    )
    with database.writing() as session:
        return open_gift(session, choice, key, now=now)


def tell_pledge(
    database: Database, gift: Gift, *, at: datetime = MARCH, status: str = "active", **more: Any
) -> None:
    """Record that Stripe began a pledge, collected its first month, and reported this evidence."""
    evidence = {"subscription": f"sub_{gift.id}", "status": status, "paused": False} | more
    evidence.setdefault("month_ends_at", seconds(at + timedelta(days=31)))
    changed = Fact(
        K.PLEDGE_CHANGED,
        f"evt_{uuid.uuid4()}",
        at,
        "stripe",
        gift.amount_minor,
        gift.currency,
        cast(Evidence, evidence),
    )
    paid = Fact(
        K.PAYMENT_SUCCEEDED, f"in_{gift.id}", MARCH, "stripe", gift.amount_minor, gift.currency
    )
    started = Fact(K.PLEDGE_STARTED, f"sub_{gift.id}", MARCH, "stripe")
    with database.writing() as session:
        record_facts(session, [(gift.id, each) for each in (started, paid, changed)], now=at)


def fail_month(database: Database, gift: Gift, at: datetime) -> Gift:
    """Open a later month of a pledge, and record that it could not be collected."""
    with database.writing() as session:
        source = f"in_{gift.id}_{seconds(at)}"
        month = open_month(session, gift.id, source, gift.amount, invoiced_at=at, now=at)
        record_facts(session, [(month.id, Fact(K.PAYMENT_FAILED, source, at, "stripe"))], now=at)
        return month


APRIL_10 = datetime(2026, 4, 10, 15, 0, tzinfo=UTC)


def sample_pledges(database: Database) -> dict[str, Gift]:
    """Open a pledge for each of several stages, and return the gifts by stage, oldest first."""
    gifts: dict[str, Gift] = {}
    stages: dict[str, dict[str, Any]] = {
        "active": {},
        "past_due": {"status": "past_due"},
        "paused": {"paused": True},
        "paused_until": {"paused": True, "resumes_at": seconds(APRIL_10)},
        "ending": {"ends_with_the_month": True},
    }
    for number, (stage, evidence) in enumerate(stages.items()):
        fund, mode = "roof" if stage == "active" else "", "card"
        if stage == "ending":
            mode = "bank_debit"
        now = MARCH + timedelta(minutes=number)
        gifts[stage] = open_pledge_of(
            database, stage, name=stage, fund=fund, mode=mode, now=now, amount_minor=1_000 + number
        )
        tell_pledge(database, gifts[stage], **evidence)
    gifts["not_begun"] = open_pledge_of(database, "new", name="not_begun", amount_minor=9_900)
    gifts["ended"] = open_pledge_of(database, "ended", name="ended")
    tell_pledge(database, gifts["ended"])
    end = Fact(K.PLEDGE_ENDED, f"sub_{gifts['ended'].id}", MARCH + timedelta(days=1), "stripe")
    with database.writing() as session:
        record_facts(session, [(gifts["ended"].id, end)], now=MARCH)
    fail_month(database, gifts["past_due"], APRIL_10)
    return gifts


def fill_with_pledges(database: Database, count: int) -> None:
    """Write many pledges, every fifth with a year of months, as rows and not through the ledger."""
    with database.writing() as session:
        _insert_many(session, count)
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql("ANALYZE" if database.is_sqlite else "VACUUM ANALYZE")


def _insert_many(session: Session, count: int) -> None:
    """Insert the rows of donors, gifts, pledges and totals that the ledger would have written."""
    donor = {"name": "D", "email": "d@example.com", "country": "CA", "language": "en-CA"}
    stages = ["active"] * 90 + ["past_due", "paused", "ended", "not_begun", "ending"] * 2
    connection = session.connection()
    newest = connection.execute(sa.text("SELECT coalesce(max(id), 0) FROM donor")).scalar_one()
    first = newest + 1
    for start in range(0, count, 5_000):
        numbers = range(start, min(start + 5_000, count))
        donors, gifts, pledges, months = [], [], [], []
        for number in numbers:
            gift_id, at = uuid.UUID(int=(7 << 100) + number), MARCH + timedelta(seconds=number)
            gift = _gift_row(gift_id, first + number, number, at)
            donors.append({"id": first + number, **donor})
            gifts.append(gift | {"pledge_id": gift_id})
            names = ("id", "code", "mode", "fund", "currency", "amount_minor")
            stage = stages[number % len(stages)]
            pledges.append(
                {name: gift[name] for name in names}
                | {"started_at": at, "stage": PledgeStage(stage)}
                | {"next_on": date(2026, 4, 1 + number % 28) if stage == "active" else None}
            )
            if number % 5 == 0:
                for month in range(1, 12):
                    later = uuid.UUID(int=(8 << 100) + number * 16 + month)
                    day = at + timedelta(days=30 * month)
                    row = _gift_row(later, first + number, number * 16 + month, day, "m")
                    months.append(row | {"pledge_id": gift_id})
        connection.execute(sa.insert(table_of(Donor)), donors)
        connection.execute(sa.insert(table_of(Gift)), gifts)
        connection.execute(sa.insert(table_of(Gift)), months)
        connection.execute(sa.insert(table_of(PledgeRow)), pledges)
    connection.execute(sa.text(_TOTALS), {"day": date(2026, 3, 1), "merged": True})


_TOTALS = """
INSERT INTO day_total
    (day, subject, kind, currency, code, mode, fund, count, amount_minor, is_merged)
SELECT CAST(:day AS DATE), 'pledge', stage, currency, code, mode, fund, count(*),
    sum(amount_minor), :merged
FROM pledge GROUP BY stage, currency, code, mode, fund
"""


def _gift_row(
    gift_id: uuid.UUID, donor_id: int, number: int, at: datetime, letter: str = "p"
) -> dict[str, Any]:
    return {
        "id": gift_id,
        "reference": f"LWCAN-{letter}{number}",
        "link_name": f"{letter}{number}",
        "form_key": f"{letter}{number}",
        "code": "LWCAN",
        "mode": "card" if number % 3 else "bank_debit",
        "frequency": "monthly",
        "fund": "roof" if number % 50_000 == 7 else "",
        "amount_minor": 2_500,
        "currency": "CAD",
        "language": "en-CA",
        "time_zone": "America/Toronto",
        "donor_id": donor_id,
        "opened_at": at,
        "opened_on": at.date(),
        "status": "confirmed",
        "received_minor": 2_500,
        "returned_minor": 0,
        "net_minor": 2_500,
        "received_on": at.date(),
        "flags": "",
    }
