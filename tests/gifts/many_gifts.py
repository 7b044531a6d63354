"""Fills a database with many gifts of all kinds, written as rows, because the ledger is slower."""

import uuid
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, Final

import sqlalchemy as sa

from donate.gifts.facts import FactKind
from donate.gifts.models import Donor, Gift, GiftFact
from donate.gifts.movements.models import DayTotal, GiftMovement, Subject
from donate.gifts.movements.recorder import TotalKey, total_rows
from donate.gifts.movements.rules import MovementKind
from donate.gifts.status import Flag, StatusName
from donate.regions.modes import Mode
from donate.regions.terms import Frequency
from donate.storage.bulk_writes import insert_new
from donate.storage.database import Database

LAST: Final = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAYS: Final = 1_000
_BATCH: Final = 10_000
_NEVER_PAID: Final = {
    StatusName.AWAITED,
    StatusName.PROCESSING,
    StatusName.FAILED,
    StatusName.LAPSED,
}
_STATUSES: Final = {
    StatusName.CONFIRMED: 85_000,
    StatusName.LAPSED: 9_000,
    StatusName.FAILED: 3_000,
    StatusName.AWAITED: 1_000,
    StatusName.REFUNDED: 900,
    StatusName.PARTLY_REFUNDED: 550,
    StatusName.PROCESSING: 500,
    StatusName.DISPUTED: 40,
    StatusName.CHARGED_BACK: 10,
}
_MODES: Final = {Mode.CARD: 700, Mode.INTERAC: 200, Mode.BANK_DEBIT: 99, Mode.GIVING_CODE: 1}
_FUNDS: Final = {"": 800, "roof": 150, "youth": 49, "bells": 1}
_FLAGS: Final = {
    "": 98_890,
    str(Flag.AMOUNT_DIFFERS): 1_000,
    f"{Flag.AMOUNT_DIFFERS},{Flag.PAID_MORE_THAN_ONCE}": 108,
    str(Flag.RETURNED_MORE_THAN_RECEIVED): 2,
}


def _one(random: Random, weights: dict[Any, int]) -> Any:
    return random.choices(list(weights), list(weights.values()))[0]


def fill_with_gifts(database: Database, count: int, *, seed: int = 1) -> None:
    """Add `count` gifts over DAYS days, with donors, facts, movements and totals of days."""
    random = Random(seed)
    counts: Counter[TotalKey] = Counter()
    amounts: Counter[TotalKey] = Counter()
    for start in range(0, count, _BATCH):
        rows: dict[type, list[dict[str, Any]]] = {
            Donor: [],
            Gift: [],
            GiftFact: [],
            GiftMovement: [],
        }
        for number in range(start, min(start + _BATCH, count)):
            gift = _gift(random, number, count)
            rows[Gift].append(gift)
            rows[Donor].append(_donor(gift))
            for kind, day, amount in _moved(gift, random):
                source = f"{kind}_{number}"
                fact, movement = _movement(gift, kind, day, amount, source)
                rows[GiftFact].append(fact)
                rows[GiftMovement].append(movement)
            for key, amount in _shares(gift, rows[GiftMovement]):
                counts[key] += 1
                amounts[key] += amount
        with database.writing() as session:
            for table, some in rows.items():
                insert_new(session, table, some)
    with database.writing() as session:
        insert_new(session, DayTotal, list(total_rows(counts, amounts, is_merged=True)))
    with database.writing() as session:
        session.execute(sa.text("ANALYZE"))


def _gift(random: Random, number: int, count: int) -> dict[str, Any]:
    opened_at = LAST - timedelta(seconds=DAYS * 86_400 * (count - number) // count)
    status, mode = _one(random, _STATUSES), _one(random, _MODES)
    is_yen = random.random() < 0.02
    amount = random.choice([2_500, 5_000, 5_000, 10_000, random.randrange(100, 500_000)])
    received = 0 if status in _NEVER_PAID else amount
    returned = {StatusName.PARTLY_REFUNDED: received // 2, StatusName.CONFIRMED: 0}.get(
        status, received
    )
    gift_id = uuid.UUID(
        int=int(opened_at.timestamp() * 1_000) << 80 | 0x7 << 76 | 0x2 << 62 | number
    )
    is_monthly = mode is Mode.CARD and random.random() < 0.5
    code = "LWJPN" if is_yen else "LWCAN"
    return {
        "id": gift_id,
        "reference": f"{code}-{number:07}",
        "link_name": f"token-{number}",
        "form_key": f"many-{number}",
        "code": code,
        "mode": mode,
        "frequency": Frequency.MONTHLY if is_monthly else Frequency.ONCE,
        "fund": _one(random, _FUNDS),
        "amount_minor": amount,
        "currency": "JPY" if is_yen else "CAD",
        "language": "fr-CA" if random.random() < 0.25 else "en-CA",
        "time_zone": "America/Toronto",
        "donor_id": 10_000_000 + number,
        "pledge_id": gift_id if is_monthly else None,
        "opened_at": opened_at,
        "opened_on": (opened_at - timedelta(hours=5)).date(),
        "status": status,
        "received_minor": received,
        "returned_minor": returned if received else 0,
        "net_minor": received - (returned if received else 0),
        "received_on": (opened_at + timedelta(days=random.randrange(5))).date()
        if received
        else None,
        "flags": _one(random, _FLAGS) if received else "",
        "transfer_announced": mode is Mode.INTERAC and random.random() < 0.05,
    }


def _donor(gift: dict[str, Any]) -> dict[str, Any]:
    number = gift["donor_id"]
    return {
        "id": number,
        "name": f"Donor {number}",
        "email": f"donor{number}@example.com",
        "country": "CA",
        "language": gift["language"],
    }


def _moved(gift: dict[str, Any], random: Random) -> list[tuple[MovementKind, date, int]]:
    if not gift["received_minor"]:
        return []
    moved = [(MovementKind.PAYMENT, gift["received_on"], gift["received_minor"])]
    if gift["returned_minor"]:
        later = gift["received_on"] + timedelta(days=random.randrange(90))
        moved.append((MovementKind.REFUND, later, -gift["returned_minor"]))
    return moved


def _movement(
    gift: dict[str, Any], kind: MovementKind, day: date, amount: int, source: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    cause = {
        MovementKind.PAYMENT: FactKind.PAYMENT_SUCCEEDED,
        MovementKind.REFUND: FactKind.REFUND_SUCCEEDED,
    }[kind]
    at = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=12)
    common = {
        "gift_id": gift["id"],
        "source_id": source,
        "currency": gift["currency"],
        "happened_at": at,
        "recorded_at": at,
    }
    fact = common | {
        "kind": cause,
        "amount_minor": abs(amount),
        "actor": "stripe",
        "evidence": {},
    }
    return fact, common | {"kind": kind, "cause": cause, "amount_minor": amount, "day": day}


def _shares(gift: dict[str, Any], movements: list[dict[str, Any]]) -> list[tuple[TotalKey, int]]:
    common = (gift["currency"], gift["code"], gift["mode"], gift["fund"])
    shares = [
        (
            TotalKey(gift["opened_on"], Subject.GIFT, gift["status"], *common),
            gift["amount_minor"],
        )
    ]
    shares += [
        (TotalKey(row["day"], subject, row["kind"], *common), row["amount_minor"])
        for subject in (Subject.MOVEMENT, *([Subject.MONTHLY] if gift["pledge_id"] else []))
        for row in movements[-2:]
        if row["gift_id"] == gift["id"]
    ]
    return shares
