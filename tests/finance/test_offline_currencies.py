"""Batches and entries of regions with different currencies."""

from pathlib import Path

import pytest

from donate.gifts.offline.models import OfflineBatchTotal
from donate.regions.regions import SHIPPED, load_regions
from donate.storage.database import Database
from tests.finance.finance_site import FinanceSite, open_site
from tests.finance.offline_desk import CASH, HOME, act, add, audit, enter, gifts, problems, start

TOKYO = """
[TOKYO]
country = "JP"
currency = "JPY"
languages = ["en"]
time_zone = "Asia/Tokyo"
presets_minor = []
name = {en = "Japan", fr = "Japon"}
[TOKYO.funds.roof]
en = "The roof"
fr = "Le toit"
[TOKYO.modes.card]
"""
YEN = CASH | {"code": "TOKYO", "amount": "3000", "fund": "roof"}


@pytest.fixture
def two_regions(database: Database, tmp_path: Path) -> FinanceSite:
    file = tmp_path / "regions.toml"
    file.write_text(SHIPPED.read_text(encoding="utf-8") + TOKYO, encoding="utf-8")
    return open_site(database, regions=load_regions(file))


def test_a_batch_agrees_in_each_currency(two_regions: FinanceSite) -> None:
    """A batch closes only if count and sum agree in each currency; each gift keeps its currency."""
    site = two_regions
    browser = site.signed_in()
    batch = start(browser, 1, "20.00", count_JPY="1", sum_JPY="3000")
    assert add(browser, batch, CASH).is_redirect
    assert act(browser, batch, "closed").status_code == 422
    assert add(browser, batch, YEN).is_redirect
    assert act(browser, batch, "closed").is_redirect
    found = {(gift.currency, gift.received_minor, gift.fund) for gift in gifts(site.database)}
    assert found == {("CAD", 2_000, ""), ("JPY", 3_000, "roof")}
    assert audit(site.database) == []


def test_a_currency_that_is_not_expected_is_told(two_regions: FinanceSite) -> None:
    """An entry in a currency of which the batch expects nothing is refused beside the field."""
    browser = two_regions.signed_in()
    batch = start(browser, 1, "20.00")
    page = add(browser, batch, YEN)
    assert page.status_code == 422
    assert "code" in problems(page)
    assert act(browser, batch, "expected", count_JPY="1", sum_JPY="3000").is_redirect
    assert add(browser, batch, YEN).is_redirect
    with two_regions.database.reading() as session:
        total = session.get_one(OfflineBatchTotal, (1, "CAD"))
        assert (total.expected_count, total.expected_minor) == (0, 0)


def test_an_amount_is_read_in_the_currency_of_its_code(two_regions: FinanceSite) -> None:
    """An amount in yen has no decimals, and a fund that only the other region has is refused."""
    browser = two_regions.signed_in()
    assert 'value="TOKYO"' in browser.get(f"{HOME}/new").text
    assert "amount" in problems(enter(browser, YEN, amount="30.50"))
    assert "fund" in problems(enter(browser, CASH, fund="roof"))
    assert enter(browser, YEN).is_redirect
