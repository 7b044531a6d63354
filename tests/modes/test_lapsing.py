"""Gifts by Interac or giving code lapse when the region's waiting time is over."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from donate.clock import FixedClock
from donate.gifts.audit import differences
from donate.modes.lapsing import Lapsing
from donate.regions.regions import SHIPPED, Regions, load_regions
from donate.storage.database import Database
from tests.stripe_gateway.gifts_and_events import NOW, facts_now, gift_now, give


@pytest.fixture
def regions() -> Regions:
    return load_regions()


def lapse(database: Database, regions: Regions, **later: float) -> int:
    return Lapsing(database, regions, FixedClock(NOW + timedelta(**later))).lapse_due()


@pytest.mark.parametrize("mode", ["interac", "giving_code"])
def test_a_gift_lapses_after_its_waiting_time(
    database: Database, regions: Regions, mode: str
) -> None:
    """A gift by Interac or giving code is awaited for 30 days, and then lapses once."""
    gift = give(database, mode=mode, attempts=0)
    assert lapse(database, regions, days=30, seconds=-1) == 0
    assert gift_now(database, gift).status == "awaited"
    assert lapse(database, regions, days=30) == 1
    assert gift_now(database, gift).status == "lapsed"
    assert ("gift_lapsed", str(gift.id)) in facts_now(database, gift)
    assert lapse(database, regions, days=60) == 0
    with database.reading_snapshot() as session:
        assert list(differences(session)) == []


def test_a_card_gift_has_no_waiting_time(database: Database, regions: Regions) -> None:
    """A card gift has no waiting time, because Stripe expires its checkout session."""
    gift = give(database, mode="card")
    assert lapse(database, regions, days=400) == 0
    assert gift_now(database, gift).status == "awaited"


def test_two_workers_lapse_each_gift_once(database: Database, regions: Regions) -> None:
    """If two workers run at the same time, each gift lapses only once."""
    gifts = [give(database, mode="interac", attempts=0) for _ in range(8)]
    with ThreadPoolExecutor(2) as workers:
        lapsed = list(workers.map(lambda _: lapse(database, regions, days=31), range(2)))
    assert sum(lapsed) == len(gifts)
    assert {gift_now(database, gift).status for gift in gifts} == {"lapsed"}


def test_each_region_sets_its_waiting_time(database: Database, tmp_path: Path) -> None:
    """A region's setting decides after how many days its gifts lapse."""
    text = SHIPPED.read_text(encoding="utf-8")
    longer = tmp_path / "regions.toml"
    waits = "[LWCAN.modes.interac]\nlapses_after_days = 90"
    longer.write_text(text.replace("[LWCAN.modes.interac]", waits), encoding="utf-8")
    gift = give(database, mode="interac", attempts=0)
    assert lapse(database, load_regions(longer), days=89) == 0
    assert lapse(database, load_regions(longer), days=90) == 1
    assert gift_now(database, gift).status == "lapsed"
