"""The file of regions is checked at the start, and giving codes are found as people type them."""

from pathlib import Path

import pytest
from babel import Locale

from donate.errors import Misconfigured
from donate.money import Money, format_money
from donate.regions.modes import Mode
from donate.regions.regions import UnknownCode, countries, load_regions

GOOD = """
[LWCAN]
country = "CA"
currency = "CAD"
languages = ["en-CA", "fr-CA"]
time_zone = "America/Toronto"
presets_minor = [2500, 5000]
name = {en = "Canada", fr = "Canada"}
[LWCAN.modes.card]
min_minor = 200
max_minor = 2500000
[LWCAN.modes.interac]
countries = ["CA"]
send_to = "gifts@example.com"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "regions.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(Misconfigured) as error:
        load_regions(path)
    return str(error.value)


def test_the_file_without_a_mistake_is_accepted(tmp_path: Path) -> None:
    """GOOD is a valid file, so a file with one added mistake is refused for that mistake only."""
    assert set(load_regions(write(tmp_path, GOOD))["LWCAN"].modes) == {Mode.CARD, Mode.INTERAC}


@pytest.mark.parametrize(
    ("right", "wrong", "named"),
    [
        ('country = "CA"', 'country = "CA"\ncolour = "red"', "LWCAN.colour"),
        ('country = "CA"', 'country = "Canada"', "LWCAN.country"),
        ('country = "CA"', "", "LWCAN.country"),
        ('country = "CA"', 'country = "UK"', "LWCAN: country: 'UK'"),
        ('["CA"]', '["CA", "ZZ"]', "LWCAN: modes.interac.countries: 'ZZ'"),
        ('country = "CA"', 'country = "CA"\ncode = "OTHER"', "LWCAN.code"),
        ('currency = "CAD"', 'currency = "CA$"', "LWCAN: currency"),
        ('currency = "CAD"', 'currency = "cad"', "LWCAN: currency"),
        ('currency = "CAD"', "currency = 840", "LWCAN.currency"),
        ('"America/Toronto"', '"America/Torono"', "LWCAN: time_zone"),
        ('"America/Toronto"', '"../../etc/passwd"', "LWCAN: time_zone"),
        ('["en-CA", "fr-CA"]', '["en-CA", "xx"]', "LWCAN: languages"),
        ('["en-CA", "fr-CA"]', '["en_CA"]', "LWCAN: languages"),
        ('["en-CA", "fr-CA"]', '["en-CA", "de"]', "LWCAN: languages: the pages do not speak 'de'"),
        ('["en-CA", "fr-CA"]', '["frr"]', "LWCAN: languages: the pages do not speak 'frr'"),
        ('["en-CA", "fr-CA"]', '[""]', "LWCAN: languages"),
        ('["en-CA", "fr-CA"]', "[]", "LWCAN.languages"),
        ('["en-CA", "fr-CA"]', '"en-CA"', "LWCAN.languages"),
        ("[2500, 5000]", "[2500, -1]", "LWCAN.presets_minor.1"),
        ("[2500, 5000]", "[0]", "LWCAN.presets_minor.0"),
        ("[2500, 5000]", "[25.0]", "LWCAN.presets_minor.0"),
        ("[2500, 5000]", '["2500"]', "LWCAN.presets_minor.0"),
        ("[2500, 5000]", "[true]", "LWCAN.presets_minor.0"),
        ("[2500, 5000]", "[99]", "LWCAN: presets_minor: 99 is within the limits of no mode"),
        ("min_minor = 200", 'send_to = "a@b.org"', "LWCAN: modes.card.send_to"),
        ("min_minor = 200", "autodeposit = true", "LWCAN: modes.card.autodeposit"),
        ("min_minor = 200", "ways = []", "LWCAN: modes.card.ways"),
        ("min_minor = 200", "lapses_after_days = 9", "LWCAN: modes.card.lapses_after_days"),
        ("send_to", "split_above_minor = 5\nways = []\nsend_to", "LWCAN: modes.interac.ways"),
        (
            "[LWCAN.modes.card]",
            "[LWCAN.reminder]\nafter_hours = 24\n[LWCAN.modes.card]",
            "LWCAN: reminder: needs the organisation's name, address and email",
        ),
        (
            "[LWCAN.modes.card]",
            "[LWCAN.reminder]\nafter_hours = 0\n[LWCAN.modes.card]",
            "LWCAN.reminder.after_hours",
        ),
        (
            "[LWCAN.modes.card]",
            '[LWCAN.organisation]\nname = "Roof\\r\\nBcc: a@b.org"\n[LWCAN.modes.card]',
            "LWCAN.organisation.name.en: must be one line",
        ),
        (
            "send_to",
            "fee.basis_points = 1\nfee.fixed_minor = 1\nsend_to",
            "LWCAN: modes.interac.fee",
        ),
        ("[2500, 5000]", "[1, 2, 3, 4, 5, 6, 7]", "LWCAN.presets_minor"),
        ("min_minor = 200", "min_minor = -200", "LWCAN.modes.card.min_minor"),
        ("min_minor = 200", "min_minor = 200.5", "LWCAN.modes.card.min_minor"),
        ("min_minor = 200", 'min_minor = "200"', "LWCAN.modes.card.min_minor"),
        ("min_minor = 200", "min_minor = 2500001", "LWCAN: modes.card: min_minor"),
        ("max_minor = 2500000", "max_minor = 1000000000000", "LWCAN.modes.card.max_minor"),
        ("max_minor = 2500000", "maximum = 5", "LWCAN.modes.card.maximum"),
        ("modes.card", "modes.coins", "LWCAN.modes.coins"),
        ("modes.card", "modes.cheque", "LWCAN: modes.cheque: only staff"),
        ("modes.card", "modes.cash", "LWCAN: modes.cash: only staff"),
        ('name = {en = "Canada", fr = "Canada"}', 'name = {en = "Canada"}', "LWCAN.name.fr"),
        ('name = {en = "Canada", fr = "Canada"}', 'name = "Canada"', "LWCAN.name"),
        ('countries = ["CA"]', "", "LWCAN: modes.interac"),
        ('countries = ["CA"]', 'countries = ["CA", "US"]', "LWCAN: modes.interac"),
        ('countries = ["CA"]', 'countries = ["ca"]', "LWCAN.modes.interac.countries"),
        ('country = "CA"', 'country = "US"', "LWCAN: modes.interac"),
        ('currency = "CAD"', 'currency = "USD"', "LWCAN: modes.interac"),
        ('send_to = "gifts@example.com"', "", "LWCAN: modes.interac.send_to"),
        ('"gifts@example.com"', '"gifts at example"', "LWCAN.modes.interac.send_to"),
        ('country = "CA"', 'country = "CA"\nfrequencies = []', "LWCAN.frequencies"),
        ('country = "CA"', 'country = "CA"\nfrequencies = ["daily"]', "LWCAN.frequencies.0"),
        ("modes.card]", "modes.bank_debit]", "LWCAN: modes.bank_debit: needs country = 'CA'"),
        ("LWCAN", "lwcan", "lwcan.code"),
        ("LWCAN", '"LW-CAN"', "LW-CAN.code"),
        ("LWCAN", "L", "L.code"),
        ("\n[LWCAN]\n", "\nLWCAM = 5\n[LWCAN]\n", "LWCAM: must be a table"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, right: str, wrong: str, named: str) -> None:
    """A mistake in a region is refused, and the message names the file, the region and the key."""
    assert right in GOOD
    path = write(tmp_path, GOOD.replace(right, wrong))
    message = refusal(path)
    assert str(path) in message
    assert f"\n  {named}" in message


def test_all_mistakes_are_named_together(tmp_path: Path) -> None:
    """Mistakes in two regions are reported together."""
    two = GOOD.replace("min_minor = 200", "min_minor = 0") + GOOD.replace("LWCAN", "LWTWO").replace(
        'country = "CA"', ""
    )
    message = refusal(write(tmp_path, two))
    assert "LWCAN.modes.card.min_minor" in message
    assert "LWTWO.country" in message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "has no region"),
        (b"# nothing yet\n", "has no region"),
        (b"[LWCAN\n", "not valid TOML"),
        (b"[LWCAN]\n[LWCAN]\n", "not valid TOML"),
        (b"name = \xff\xfe", "not valid TOML"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    """A file that is empty, not TOML or not UTF-8 is refused, and the message names the file."""
    path = tmp_path / "regions.toml"
    path.write_bytes(content)
    assert refusal(path).startswith(f"{path}: {words}")


@pytest.mark.parametrize("name", ["missing.toml", "."])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    """A missing file, or a folder in its place, is refused, and the message has its path."""
    assert refusal(tmp_path / name).startswith(f"{tmp_path / name}: cannot be read")


@pytest.mark.parametrize(
    "typed",
    [
        "LWCAN",
        "lwcan",
        "LW-CAN",
        "LWCAN ",
        " lw can\t",
        "L.W.C.A.N",
        "lw\u2013can",
        "Lw_Can",
        "\u00a0LWCAN",
    ],
)
def test_a_code_is_found_as_people_type_it(typed: str) -> None:
    """Case, spaces and dashes do not matter in a giving code."""
    assert load_regions().find(typed).code == "LWCAN"


@pytest.mark.parametrize(
    ("typed", "suggestion"),
    [
        ("LWCA", "LWCAN"),
        ("LWCANN", "LWCAN"),
        ("lwcam", "LWCAN"),
        ("WLCAN", "LWCAN"),
        ("ZZZZZ", None),
        ("", None),
        ("-", None),
        ("\ud800", None),
        ("L" * 100_000, None),
    ],
)
def test_an_unknown_code_gets_a_suggestion(typed: str, suggestion: str | None) -> None:
    """The error about an unknown giving code suggests a similar one, if there is one."""
    with pytest.raises(UnknownCode) as unknown:
        load_regions().find(typed)
    assert unknown.value.suggestion == suggestion
    assert len(unknown.value.typed) <= 64


def test_countries_are_those_of_iso_3166() -> None:
    """Donors choose from the countries of ISO 3166, without CLDR's other two-letter codes."""
    assert {"CA", "US", "FR", "NG", "ZA", "GB", "IN"} <= countries()
    assert countries().isdisjoint({"EU", "EZ", "UN", "QO", "CQ", "XA", "XB", "ZZ", "UK"})
    assert 240 < len(countries()) < 265
    for tag in ("en_CA", "fr_CA"):
        assert countries() <= set(Locale.parse(tag).territories), "each country needs a name"


ELSEWHERE = """
[TOKYO]
country = "JP"
currency = "JPY"
languages = ["en"]
time_zone = "Asia/Tokyo"
presets_minor = [500, 1000]
name = {en = "Japan", fr = "Japon"}
[TOKYO.modes.card]
min_minor = 50
[TOKYO.modes.giving_code]
countries = ["JP", "KR"]

[KUWAIT]
country = "KW"
currency = "KWD"
languages = ["en"]
time_zone = "Asia/Kuwait"
presets_minor = [5000]
name = {en = "Kuwait", fr = "Koweït"}
[KUWAIT.modes.card]
min_minor = 150
"""


def test_regions_of_other_currencies_are_taken(tmp_path: Path) -> None:
    """A region may use currencies without decimals (yen) or with three (Kuwaiti dinars)."""
    regions = load_regions(write(tmp_path, ELSEWHERE))
    assert set(regions) == {"TOKYO", "KUWAIT"}
    yen, dinars = regions["TOKYO"], regions["KUWAIT"]
    assert format_money(Money(yen.presets_minor[1], yen.currency), "en") == "¥1,000"
    assert format_money(Money(dinars.modes[Mode.CARD].min_minor, "KWD"), "en") == "KWD0.150"


@pytest.mark.parametrize(
    ("right", "wrong", "named"),
    [
        ("[5000]", "[5005]", "KUWAIT: presets_minor: 5005"),
        ("min_minor = 150", "min_minor = 155", "KUWAIT: modes.card: 155"),
        ("min_minor = 150", "max_minor = 1001", "KUWAIT: modes.card: 1001"),
    ],
)
def test_an_amount_that_stripe_rejects_is_refused(
    tmp_path: Path, right: str, wrong: str, named: str
) -> None:
    """A preset or limit is refused if Stripe rejects such amounts in the region's currency."""
    assert f"\n  {named}" in refusal(write(tmp_path, ELSEWHERE.replace(right, wrong)))


@pytest.mark.parametrize(
    ("requested", "language"),
    [
        ("fr-CA", "fr-CA"),
        ("fr", "fr-CA"),
        ("FR_fr", "fr-CA"),
        ("en-GB", "en-CA"),
        ("frr", "en-CA"),
        (None, "en-CA"),
    ],
)
def test_the_closest_language_is_chosen(requested: str | None, language: str) -> None:
    """A donor gets the region's language that is closest to theirs, or the region's first."""
    assert load_regions()["LWCAN"].language(requested) == language


def test_a_region_may_remind(tmp_path: Path) -> None:
    """A region whose organisation is known may remind donors; others do not."""
    who = 'legal_name = "Roof Fund"\naddress = "1 Main St"\nemail = "a@example.com"'
    more = f"[LWCAN.organisation]\n{who}\n[LWCAN.reminder]\nafter_hours = 24\n"
    reminder = load_regions(write(tmp_path, GOOD + more))["LWCAN"].reminder
    assert reminder
    assert reminder.after_hours == 24
    assert load_regions()["LWCAN"].reminder is None


def test_empty_fields_of_the_organisation_are_listed() -> None:
    """`Organisation.unknown` lists the fields that the file leaves empty."""
    unknown = load_regions()["LWCAN"].organisation.empty_fields()
    assert unknown == ["name", "purpose", "legal_name", "registration_number", "address"]
