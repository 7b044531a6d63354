"""The exports of gifts and movements: their rows, their control totals, and who may have them."""

import hashlib
import re
from pathlib import Path

import pytest

from donate.books.pack.formulas import guard_formula
from donate.finance.exports.columns import MOVEMENT_LAYOUT
from donate.finance.exports.registry import EXPORTS
from donate.finance.roles import Role
from donate.gifts.choosing.options import Wishes
from donate.gifts.movements.models import Subject
from donate.gifts.movements.totals import TotalFilter, add_up
from donate.money import Money, minor_digits
from donate.storage.database import Database
from tests.finance.finance_site import FinanceSite, open_site, sign_in
from tests.finance.money_samples import (
    TWO_REGIONS,
    add_many_movements,
    give,
    pay,
    sample_money,
)
from tests.finance.spreadsheets import read_csv, read_xlsx, unguarded

DOCUMENT = Path(__file__).parent.parent.parent / "docs/exports.md"
NAMES = [
    '=HYPERLINK("http://x.example","y")',
    "+1 416 555 0100",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(A1:A9)",
    "\t=1+1",
    "\r=1+1",
    *("\n=1+1", "  =1+1"),
    "'=1+1",
    "''=1+1",
    "\uff1d1+1",
    "'Abd al-Rahman",
    'Ann "Annie", Lee',
    "Line one\nline two\r\nline three",
    "Ọláyínká Adébáyọ̀",
    "山田 太郎",
    "محمد بن سلمان",
    "👩🏽‍🚀 Zoë",
    "<r></is></c><c><f>1+1</f></c><is></r>",
    "<r><t>x</t></r>",
    *("_x000D_ literally", "12345678901234567890", "https://x.example"),
    "\x01\x1f control",
]


@pytest.fixture
def money_site(database: Database) -> FinanceSite:
    return open_site(database, regions=TWO_REGIONS)


def test_movements_in_csv_have_these_columns_and_rows(money_site: FinanceSite) -> None:
    """The CSV has a row for each movement, oldest first, with plain decimals and local days."""
    gifts = sample_money(money_site.database)
    answer = money_site.signed_in().get("/finance/movements.csv")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["content-disposition"] == 'attachment; filename="movements.csv"'
    rows = read_csv(answer.content)
    of_each = ("day", "kind", "amount", "currency", "code", "mode", "fund")
    assert [tuple(row[name] for name in of_each) for row in rows[:4]] == [
        ("2026-03-10", "payment", "50.00", "CAD", "LWCAN", "card", ""),
        ("2026-03-11", "transfer", "123.45", "CAD", "LWCAN", "interac", "roof"),
        ("2026-03-13", "payment", "7000", "JPY", "LWJPN", "card", ""),
        ("2026-03-31", "refund", "-20.00", "CAD", "LWCAN", "card", ""),
    ]
    assert [row["happened_at"] for row in rows[2:4]] == [
        "2026-03-13T00:00:00+09:00",
        "2026-03-31T23:30:00-04:00",
    ]
    assert [row["kind"] for row in rows[4:]] == ["refund", "refund_returned"]
    assert rows[0]["gift_reference"] == gifts["card"].reference
    assert rows[0]["gift_id"] == str(gifts["card"].id)
    assert rows[0]["donor_email"] == "maya@example.com"


def test_gifts_in_csv_have_these_columns_and_rows(money_site: FinanceSite) -> None:
    """The CSV of gifts has what came in and went back, and the options the donor added."""
    database = money_site.database
    sample_money(database)
    wishes = Wishes(
        is_anonymous=True, note="=1+1", tribute_kind="memory", tribute_name="Ọlá", covers_fee=True
    )
    give(database, "wishes", wishes=wishes, name="Zoë")
    rows = {row["donor_name"]: row for row in gifts_of(money_site, "")}
    wished = {"is_anonymous": "yes", "fee_cover": "1.80", "amount": "51.80", "note": "'=1+1"}
    wished |= {"tribute_kind": "memory", "tribute_name": "Ọlá", "donor_language": "en-CA"}
    assert wished.items() <= rows["Zoë"].items()
    card = gifts_of(money_site, "?mode=card&code=LWCAN&status=partly_refunded")
    money = {"amount": "50.00", "received": "50.00", "returned": "20.00", "net": "30.00"}
    plain = {"is_anonymous": "no", "fee_cover": "0.00", "note": "", "received_on": "2026-03-10"}
    assert len(card) == 1
    assert (money | plain).items() <= card[0].items()


def gifts_of(site: FinanceSite, query: str) -> list[dict[str, str]]:
    email = f"staff{len(site.acts())}@example.org"
    return read_csv(site.signed_in(email=email).get(f"/finance/gifts.csv{query}").content)


@pytest.mark.parametrize(
    ("query", "references"),
    [
        ("mode=interac", ["roof"]),
        ("code=LWJPN", ["yen"]),
        ("status=awaited", ["open"]),
        ("by=received&from=2026-03-11&to=2026-03-31", ["roof", "yen"]),
        ("from=2026-03-11", ["yen"]),  # this gift was opened on March 11 in Tokyo
        ("status=failed", []),
    ],
)
def test_an_export_has_the_filters_of_its_page(
    money_site: FinanceSite, query: str, references: list[str]
) -> None:
    """An export of gifts has the same gifts as the page with the same filters."""
    gifts = sample_money(money_site.database)
    expected = [gifts[name].reference for name in references]
    assert [row["gift_reference"] for row in gifts_of(money_site, f"?{query}")] == expected
    page = money_site.signed_in(Role.VIEWER).get(f"/finance/gifts?{query}").text
    assert sorted(set(re.findall(r">(LW\w{3}-\w{7})</a>", page))) == sorted(expected)


def test_every_name_survives_csv_and_xlsx(money_site: FinanceSite) -> None:
    """Any name comes back unchanged from both files, and none is a formula, a link or a number."""
    for number, name in enumerate(NAMES):
        pay(money_site.database, give(money_site.database, f"n{number}", name=name))
    browser = money_site.signed_in()
    for what in ("gifts", "movements"):
        names = [r["donor_name"] for r in read_csv(browser.get(f"/finance/{what}.csv").content)]
        assert sorted(map(unguarded, names)) == sorted(NAMES)
        assert not [name for name in names if name.lstrip()[:1] in tuple("=+-@\uff1d")]
        assert not [name for name in names if name[:1] in "\t\r\n"]
        sheet = read_xlsx(browser.get(f"/finance/{what}.xlsx").content)[what]
        column = [cell.value for cell in sheet[0] if cell].index("donor_name")
        cells = [cell for row in sheet[1:] if (cell := row[column])]
        assert {cell.type for cell in cells} == {"inlineStr"}
        assert sorted(cell.value for cell in cells) == sorted(NAMES)


def test_an_apostrophe_is_only_put_before_possible_formulas() -> None:
    """An apostrophe is put before `=a` and `'=a`, but not before `'Abd` or `a=b`."""
    assert guard_formula("'Abd") == "'Abd"
    assert guard_formula("a=b") == "a=b"
    assert guard_formula("=a") == "'=a"
    assert guard_formula("'=a") == "''=a"


def test_xlsx_has_the_same_rows_and_a_sheet_of_control_totals(money_site: FinanceSite) -> None:
    """The XLSX has the rows of the CSV, amounts as numbers, and the control totals at the end."""
    sample_money(money_site.database)
    browser = money_site.signed_in()
    answer = browser.get("/finance/movements.xlsx?from=2026-03-01&to=2026-03-31")
    disposition = 'attachment; filename="movements_2026-03-01_2026-03-31.xlsx"'
    assert answer.headers["content-disposition"] == disposition
    assert int(answer.headers["content-length"]) == len(answer.content)
    sheets = read_xlsx(answer.content)
    assert list(sheets) == ["movements", "control"]
    header, *rows = sheets["movements"]
    names = [cell.value for cell in header if cell]
    assert names == [column.name for column in MOVEMENT_LAYOUT.columns]
    wanted = read_csv(browser.get("/finance/movements.csv?from=2026-03-01&to=2026-03-31").content)
    assert len(rows) == len(wanted) == 4
    for row, in_csv in zip(rows, wanted, strict=True):
        cells = dict(zip(names, row, strict=False))
        amount = cells["amount"]
        assert amount is not None
        assert amount.type == "n"
        digits = minor_digits(in_csv["currency"])
        assert f"{float(amount.value):.{digits}f}" == in_csv["amount"]
        for name in ("kind", "gift_reference", "happened_at", "currency", "donor_name"):
            cell = cells[name]
            assert cell is not None
            assert cell == ("inlineStr", in_csv[name])
    control = {row[0].value: row[1].value for row in sheets["control"] if row[0] and row[1]}
    expected = {"rows": "4", "sums CAD amount": "153.45", "sums JPY amount": "7000"}
    expected |= {"complete": "yes", "agrees_with_day_totals": "yes", "filter to": "2026-03-31"}
    assert expected.items() <= control.items()
    assert control["made_by"] == "finance@example.org"


@pytest.mark.parametrize(
    "query", ["", "from=2026-03-11&to=2026-03-31", "mode=interac", "kind=refund", "fund=-"]
)
def test_control_totals_are_those_of_the_file(money_site: FinanceSite, query: str) -> None:
    """The control totals have the count, the sums and the SHA-256 of the CSV with these filters."""
    sample_money(money_site.database)
    browser = money_site.signed_in()
    body = browser.get(f"/finance/movements.csv?{query}").content
    control = browser.get(f"/finance/movements.control.json?{query}").json()
    assert control["sha256"] == hashlib.sha256(body).hexdigest()
    assert control["bytes"] == len(body)
    rows = read_csv(body)
    assert control["rows"] == len(rows)
    assert control["complete"] is control["agrees_with_day_totals"] is True
    assert control["columns_version"] == 1
    assert control["made_at"] == "2026-03-10T15:00:00+00:00"
    asked = dict(part.split("=") for part in query.split("&") if part)
    assert control["filter"] == asked
    if not query:
        with money_site.database.reading() as session:
            totals = add_up(session, TotalFilter(Subject.MOVEMENT))
        assert control["sums"] == {
            total.currency: {"amount": str(Money(total.amount_minor, total.currency).decimal)}
            for total in totals
        }
        assert control["rows"] == sum(total.count for total in totals)


def test_control_totals_of_gifts_have_each_amount(money_site: FinanceSite) -> None:
    """The control totals of gifts sum each column of amounts, per currency."""
    sample_money(money_site.database)
    browser = money_site.signed_in()
    control = browser.get("/finance/gifts.control.json?code=LWCAN").json()
    sums = {"amount": "223.45", "received": "173.45", "returned": "20.00", "net": "153.45"}
    assert control["sums"] == {"CAD": sums | {"fee_cover": "0.00"}}
    assert control["agrees_with_day_totals"] is True
    by_day = browser.get("/finance/gifts.control.json?by=received&from=2026-03-01").json()
    assert by_day["agrees_with_day_totals"] is None


def test_rows_that_contradict_the_totals_of_days_are_noticed(money_site: FinanceSite) -> None:
    """If exported movements are missing in the day totals, the control totals say so."""
    add_many_movements(money_site.database, give(money_site.database, "g"), 3)
    control = money_site.signed_in().get("/finance/movements.control.json").json()
    assert (control["rows"], control["agrees_with_day_totals"]) == (3, False)


@pytest.mark.parametrize("what", ["gifts", "movements"])
def test_an_empty_export_has_its_header(site: FinanceSite, what: str) -> None:
    """An export without rows is a complete file with a header, in both formats."""
    names = [column.name for column in EXPORTS[what].layout.columns]
    browser = site.signed_in()
    body = browser.get(f"/finance/{what}.csv?mode=card").content
    assert body.decode("utf-8-sig") == ",".join(names) + "\r\n"
    sheets = read_xlsx(browser.get(f"/finance/{what}.xlsx").content)
    assert [cell.value for cell in sheets[what][0] if cell] == names
    assert len(sheets[what]) == 1
    control = browser.get(f"/finance/{what}.control.json").json()
    assert (control["rows"], control["sums"], control["complete"]) == (0, {}, True)


@pytest.mark.parametrize("ending", ["csv", "xlsx", "control.json"])
def test_an_export_with_a_wrong_filter_leads_to_the_page(site: FinanceSite, ending: str) -> None:
    """An export with an invalid filter redirects to the page, which explains the wrong field."""
    browser = site.signed_in()
    for what in ("gifts", "movements"):
        answer = browser.get(f"/finance/{what}.{ending}?mode=paypal&from=2026-03-01")
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/finance/{what}?mode=paypal&from=2026-03-01"
        page = browser.get(answer.headers["location"])
        assert page.status_code == 422
        assert 'id="mode-error"' in page.text
    assert not [act for act in site.acts() if act.act.startswith("exported")]


def test_each_export_is_in_the_trail(site: FinanceSite) -> None:
    """The trail records who exported what with which filters, before the file is sent."""
    staff_id = site.add_staff()
    browser = site.browser()
    sign_in(browser)
    for path in ("movements.csv?mode=card", "gifts.xlsx", "gifts.control.json?q=ann@example.org"):
        assert browser.get(f"/finance/{path}").status_code == 200
    acts = [act for act in site.acts() if act.act.startswith("exported")]
    assert [(act.act, act.about, act.staff_id) for act in acts] == [
        ("exported_movements", "/finance/movements.csv?mode=card", staff_id),
        ("exported_gifts", "/finance/gifts.xlsx", staff_id),
        ("exported_gifts", "/finance/gifts.control.json", staff_id),
    ]
    assert acts[0].detail == {"filter": {"mode": "card"}}
    assert "Exported movements" in browser.get("/finance/activity").text


@pytest.mark.parametrize("page", ["gifts", "movements"])
def test_only_finance_staff_see_links_to_exports(site: FinanceSite, page: str) -> None:
    """The pages link to the exports with the same filters, but not for viewers."""
    site.gift(received_minor=5_000)
    link = f'href="/finance/{page}.csv?mode=interac"'
    assert link in site.signed_in().get(f"/finance/{page}?mode=interac").text
    assert link not in site.signed_in(Role.VIEWER).get(f"/finance/{page}?mode=interac").text


@pytest.mark.parametrize("name", EXPORTS)
def test_the_document_has_every_column(name: str) -> None:
    """docs/exports.md lists the columns of each export, in their order, with types and version."""
    layout = EXPORTS[name].layout
    heading = f"## Columns of {layout.name} (version {layout.version})"
    section = DOCUMENT.read_text().partition(heading)[2]
    rows = re.findall(
        r"^\| `(\w+)` \| ([\w ]+) \| .+ \|$", section.partition("\n## ")[0], re.MULTILINE
    )
    assert rows == [(column.name, str(column.type)) for column in layout.columns]
