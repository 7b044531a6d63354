"""No donor page leaves a text in English when it is shown in French."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from donate.donors.give_view import country_names
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.regions.regions import load_regions
from donate.storage.database import Database
from donate.web.templating import translations
from tests.donors.options import OPTIONS
from tests.donors.visitor import REGIONS, Visitor, visiting
from tests.links import token_of
from tests.reading_pages import texts

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
# Texts that are the same in both languages: codes, addresses and names.
NAMES = {
    "LWCAN",
    "Example <Charity>",
    "give@example.org",
    "transfers@",
    "example.org",
    "Canada",
    "a…@example.org",
}


@pytest.fixture
def visitor(database: Database, database_url: str, tmp_path: Path) -> Iterator[Visitor]:
    """A client of a service whose region offers every option and monthly gifts."""
    path = tmp_path / "regions.toml"
    frequencies = 'frequencies = ["once", "monthly"]\npresets_minor'
    shipped = REGIONS.read_text(encoding="utf-8").replace("presets_minor", frequencies, 1)
    path.write_text(shipped + OPTIONS, encoding="utf-8")
    with visiting(database, database_url, regions_file=path) as visitor:
        yield visitor


def page_of(visitor: Visitor, gift: Gift, *facts: Fact) -> str:
    with visitor.database.writing() as session:
        entries = [(gift.id, replace(f, source_id=f"{f.source_id}{gift.id}")) for f in facts]
        record_facts(session, entries, now=NOW)
    return f"/gifts/{token_of(gift)}?"


def fact(kind: FactKind, amount_minor: int | None = None) -> Fact:
    currency = "CAD" if amount_minor else None
    return Fact(kind, "x", NOW, "stripe", amount_minor, currency)


K = FactKind
PAGES: dict[str, Callable[[Visitor], str]] = {
    "the form": lambda _: "/give/LWCAN?",
    "an unknown code": lambda _: "/give/NOWHERE?",
    "interac": lambda v: page_of(v, v.open_gift(mode="interac", amount="6500.00")),
    "interac, sent": lambda v: page_of(v, v.open_gift(mode="interac"), fact(K.TRANSFER_ANNOUNCED)),
    "interac, lapsed": lambda v: page_of(v, v.open_gift(mode="interac"), fact(K.GIFT_LAPSED)),
    "by code": lambda v: page_of(v, v.open_gift(mode="giving_code")),
    "card": lambda v: page_of(v, v.open_gift(mode="card", cover_fee="yes")),
    "card, no page": lambda v: page_of(v, v.open_gift(mode="card")) + "problem=page&",
    "card, left": lambda v: page_of(v, v.open_gift(mode="card")) + "back=cancelled&",
    "card, back": lambda v: page_of(v, v.open_gift(mode="card")) + "back=paid&",
    "debit, under way": lambda v: page_of(
        v, v.open_gift(mode="bank_debit"), fact(K.PAYMENT_PROCESSING)
    ),
    "debit, refused": lambda v: page_of(v, v.open_gift(mode="bank_debit"), fact(K.PAYMENT_FAILED)),
    "received": lambda v: page_of(v, v.open_gift(mode="card"), fact(K.PAYMENT_SUCCEEDED, 5_000)),
    "refunded in part": lambda v: page_of(
        v,
        v.open_gift(mode="card"),
        fact(K.PAYMENT_SUCCEEDED, 5_000),
        fact(K.REFUND_SUCCEEDED, 1_000),
    ),
    "refund failed": lambda v: page_of(
        v,
        v.open_gift(mode="card"),
        fact(K.PAYMENT_SUCCEEDED, 5_000),
        fact(K.REFUND_SUCCEEDED, 1_000),
        fact(K.REFUND_FAILED, 1_000),
    ),
    "disputed": lambda v: page_of(
        v, v.open_gift(mode="card"), fact(K.PAYMENT_SUCCEEDED, 5_000), fact(K.DISPUTE_OPENED, 5_000)
    ),
    "monthly": lambda v: page_of(
        v,
        v.open_gift(mode="card", frequency="monthly"),
        fact(K.PAYMENT_SUCCEEDED, 5_000),
        fact(K.PLEDGE_STARTED),
    ).replace("/gifts/", "/pledges/"),
}


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_left_in_english(visitor: Visitor, name: str) -> None:
    """The English and the French page share only names, and words that both languages have."""
    address = PAGES[name](visitor)
    english, french = (
        texts(visitor.get(f"{address}lang={tag}", tag).text) for tag in ("en-CA", "fr-CA")
    )
    assert len(french) > 5
    assert english != french
    same = {text for text in english & french if translations("fr-CA").gettext(text) != text}
    assert same == set(), "these have a French that is not used"
    region = load_regions(REGIONS)["LWCAN"]
    countries = {text for tag in ("en-CA", "fr-CA") for _, text in country_names(region, tag)}
    left = english & french - countries - NAMES - {gift.reference for gift in visitor.gifts()}
    catalogue = translations("fr-CA")._catalog  # type: ignore[attr-defined]
    assert {text for text in left if text not in catalogue} == set(), "these are not translated"
