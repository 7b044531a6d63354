"""The chart of accounts is checked at the start, and finds an account for every booking."""

from pathlib import Path

import pytest

from donate.books.accounts import BUILT_IN_CHART, load_chart
from donate.books.journal.roles import AccountKey, AccountRole as Role
from donate.cli import main
from donate.errors import Misconfigured

GOOD = BUILT_IN_CHART.read_text(encoding="utf-8")
BUILDING = '[accounts.donations.each.building]\nnumber = "4020"\nname = "Donations: building"\n'
DOLLARS = '[accounts.donations.each.USD]\nnumber = "4011"\nname = "Donations in USD"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "accounts.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(Misconfigured) as error:
        load_chart(path)
    return str(error.value)


def test_the_built_in_chart_has_every_role() -> None:
    """The chart that comes with the code has an account for every role."""
    chart = load_chart()
    assert set(chart.accounts) == set(Role)
    assert list(chart.gaps({"CAD"}, ())) == []


def test_names_of_pages_exist_in_french_and_exports_keep_the_name() -> None:
    """Each account of the built-in chart has a French name for pages; its own name stays."""
    chart = load_chart()
    clearing = chart.account(AccountKey(Role.STRIPE_CLEARING, "CAD"))
    assert clearing.title == clearing.title_in("en-CA") == "1070 Stripe clearing"
    assert clearing.title_in("fr-CA") == "1070 Compensation Stripe"
    assert chart.titles_in("fr-CA")["1070 Stripe clearing"] == "1070 Compensation Stripe"
    assert [one.name for one in chart.accounts.values() if not one.names] == ["Stripe Climate"]


@pytest.mark.parametrize(
    ("right", "wrong", "named"),
    [
        ("[accounts.suspense]", "[accounts.suspension]", "accounts.suspension"),
        ('number = "1070"', "", "accounts.stripe_clearing.number"),
        ('number = "1070"', "number = 1070", "accounts.stripe_clearing.number"),
        ('number = "1070"', 'number = "10 70"', "accounts.stripe_clearing.number"),
        ('number = "1070"', 'number = "1070"\ncolour = "red"', "accounts.stripe_clearing.colour"),
        ('"Stripe clearing"', '"=Stripe"', "accounts.stripe_clearing.name"),
        ('"Stripe clearing"', '"Stripe\\nclearing"', "accounts.stripe_clearing.name"),
        ('"Compensation Stripe"', '"=Stripe"', "accounts.stripe_clearing.names.fr"),
        ('names.fr = "Comp', 'names.French = "Comp', "accounts.bank.names.French"),
        ('currency = "CAD"', 'currency = "dollars"', "currency"),
        ('xero_tax_rate = "Tax Exempt"', "", "xero_tax_rate"),
        ('number = "1072"', 'number = "1070"', "number 1070 has another name elsewhere"),
        ("\n[classes]\n", "\n[classes]\nBuilding = 'Building'", "classes.Building"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, right: str, wrong: str, named: str) -> None:
    """A chart with a mistake is refused, and the error names the file and the key."""
    assert right in GOOD
    path = write(tmp_path, GOOD.replace(right, wrong, 1))
    assert named in refusal(path)
    assert str(path) in refusal(path)


def test_a_missing_role_is_named(tmp_path: Path) -> None:
    """A chart without an account for a role is refused."""
    start = GOOD.index("[accounts.climate]")
    assert "accounts.climate: is missing" in refusal(write(tmp_path, GOOD[:start]))


def test_a_control_account_is_for_one_role(tmp_path: Path) -> None:
    """Two roles may share an account only if neither balance is compared with anything."""
    fees = ('number = "5620"\nname = "Stripe fees"', 'number = "5610"\nname = "Bank charges"')
    chart = load_chart(write(tmp_path, GOOD.replace(*fees)))
    assert chart.accounts[Role.STRIPE_FEES].number == "5610"
    held = ('number = "1072"\nname = "Held by Stripe"', 'number = "1070"\nname = "Stripe clearing"')
    said = refusal(write(tmp_path, GOOD.replace(*held)))
    assert "accounts.stripe_clearing: needs an account of its own" in said
    assert "1070 is also for stripe_held" in said


@pytest.mark.parametrize("key", ["suspense.each.building", "donations.each.Building"])
def test_only_some_roles_are_split_by_name(tmp_path: Path, key: str) -> None:
    """Only donations are split by fund and banks by name; a fund is in small letters."""
    extra = f'\n[accounts.{key}]\nnumber = "1199"\nname = "Other"\n'
    assert f"accounts.{key}: must be a currency" in refusal(write(tmp_path, GOOD + extra))


def test_a_fund_or_currency_may_have_an_account(tmp_path: Path) -> None:
    """The account of a fund comes first, then that of a currency, then that of the role."""
    chart = load_chart(write(tmp_path, f"{GOOD}\n{BUILDING}\n{DOLLARS}"))

    def number(currency: str, fund: str) -> str:
        return chart.account(AccountKey(Role.DONATIONS, currency, fund)).number

    assert number("CAD", "") == number("CAD", "missions") == "4010"
    assert number("CAD", "building") == number("USD", "building") == "4020"
    assert number("USD", "") == "4011"


def test_gaps_of_the_chart_are_named(tmp_path: Path) -> None:
    """Another currency needs accounts of its own, and every fund of the chart has to exist."""
    text = f"{GOOD}\n{BUILDING}".replace("\n[classes]\n", "\n[classes]\nmissions = 'M'\n")
    chart = load_chart(write(tmp_path, text))
    gaps = list(chart.gaps({"CAD", "USD"}, ()))
    assert "accounts.stripe_clearing.each.USD is missing; USD needs its own" in gaps
    assert "accounts.donations.each.building names a fund that no region has" in gaps
    assert "classes.missions names a fund that no region has" in gaps
    assert not any("donations.each.USD" in gap for gap in gaps)
    assert list(chart.gaps({"CAD"}, ("building", "missions"))) == []


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """A missing file, or one that is not TOML, is refused."""
    assert "cannot be read" in refusal(tmp_path / "none.toml")
    assert "not valid TOML" in refusal(write(tmp_path, "accounts = ["))


@pytest.mark.usefixtures("environment")
def test_doctor_reads_the_chart(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """`donate doctor` reports an account of a fund that no region has, and a chart it refuses."""
    monkeypatch.setenv("BOOKS_ACCOUNTS", str(write(tmp_path, f"{GOOD}\n{BUILDING}")))
    assert main(["doctor"]) == 1
    gap = "BOOKS_ACCOUNTS: accounts.donations.each.building names a fund that no region has"
    assert gap in capsys.readouterr().out
    write(tmp_path, GOOD.replace("[accounts.bank]", "[accounts.banque]"))
    assert main(["doctor"]) != 0
    assert "accounts.banque" in "".join(capsys.readouterr())
