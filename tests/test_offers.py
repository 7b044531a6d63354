"""Which modes a donor is offered in a region, and the reasons why other modes are not offered."""

from pathlib import Path

import pytest

from donate.regions.modes import Mode
from donate.regions.regions import Offer, Region, load_regions, offers

CANADA_ONLY = "This payment method works only in Canada, with a Canadian bank account."
NOT_THERE = "This payment method isn’t available in your country."
OTHER_MONEY = "We don’t accept this currency here."
NOT_SO_OFTEN = "This frequency isn’t available here."
TOKYO = """
[TOKYO]
country = "JP"
currency = "JPY"
languages = ["en"]
time_zone = "Asia/Tokyo"
presets_minor = []
name = {en = "Japan", fr = "Japon"}
[TOKYO.modes.card]
[TOKYO.modes.giving_code]
countries = ["JP", "KR"]
"""


def reasons(region: Region, country: str, currency: str, frequency: str) -> dict[str, str | None]:
    offered = offers(region, country=country, currency=currency, frequency=frequency)
    assert [mode for mode, offer in offered.items() if offer.mode != mode] == []
    assert [o for o in offered.values() if o.available != (o.why_not is None)] == []
    return {str(mode): offer.why_not for mode, offer in offered.items()}


@pytest.mark.parametrize(
    ("country", "currency", "frequency", "canadian", "others"),
    [
        ("CA", "CAD", "once", None, None),
        ("US", "CAD", "once", CANADA_ONLY, None),
        ("", "CAD", "once", CANADA_ONLY, None),
        ("ca", "CAD", "once", CANADA_ONLY, None),
        ("CA", "USD", "once", OTHER_MONEY, OTHER_MONEY),
        ("CA", "cad", "once", OTHER_MONEY, OTHER_MONEY),
        ("CA", "CAD", "", NOT_SO_OFTEN, NOT_SO_OFTEN),
    ],
)
def test_what_canada_offers(
    country: str, currency: str, frequency: str, canadian: str | None, others: str | None
) -> None:
    """Each mode that LWCAN does not offer has a reason: the country, currency or frequency."""
    assert reasons(load_regions()["LWCAN"], country, currency, frequency) == {
        "card": others,
        "bank_debit": canadian,
        "interac": canadian,
        "giving_code": others,
    }


def test_which_modes_can_be_monthly() -> None:
    """Interac and giving code transfers, which donors send themselves, cannot be monthly."""
    offered = reasons(load_regions()["LWCAN"], "CA", "CAD", "monthly")
    assert [offered.pop(mode) for mode in ("card", "bank_debit")] == [None, None]
    assert set(offered.values()) == {"One-time gifts only."}


def test_a_mode_limited_to_some_countries(tmp_path: Path) -> None:
    """The reason against a mode that is limited to Japan and Korea does not mention Canada."""
    (tmp_path / "regions.toml").write_text(TOKYO)
    tokyo = load_regions(tmp_path / "regions.toml")["TOKYO"]
    assert reasons(tokyo, "KR", "JPY", "once") == {"card": None, "giving_code": None}
    assert reasons(tokyo, "CA", "JPY", "once") == {"card": None, "giving_code": NOT_THERE}


def test_an_offer_has_the_limits_of_its_mode() -> None:
    """An offer contains the smallest and largest amount of its mode."""
    offered = offers(load_regions()["LWCAN"], country="CA", currency="CAD", frequency="once")
    assert offered[Mode.CARD] == Offer(mode=Mode.CARD, min_minor=200, max_minor=2_500_000)
    assert offered[Mode.INTERAC].min_minor == 100
