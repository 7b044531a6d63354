"""Staff say once what the columns of an unknown CSV file hold; the next is read at once."""

import html
import re

import pytest
from httpx2 import Response

from tests.finance.column_form import SIGNED, SIMPLE, learned, remember, seen_on, send
from tests.finance.finance_site import FinanceSite
from tests.finance.statement_desk import finish, lines, upload

UNION = (
    b"Credit union of the valley;;;;;\r\n"
    b"Booked;Details;Out;In;Left;Ref\r\n"
    b"04/02/2026;SERVICE CHARGE;4,95;;1195,05;A1\r\n"
    b"13/02/2026;E-TRANSFER JANE;;50,00;1245,05;A2\r\n"
    b"16/02/2026;STRIPE MSP;;1 211,40;2456,45;A3\r\n"
    b"Closing balance;;;;2456,45;\r\n"
)
NEXT_MONTH = (
    b"Credit union of the valley;;;;;\r\n"
    b"Booked;Details;Out;In;Left;Ref\r\n"
    b"06/03/2026;E-TRANSFER JOHN;;20,00;2476,45;A4\r\n"
)
CHOSEN = {
    "header": "2",
    "delimiter": "semicolon",
    "date": "1",
    "text_1": "2",
    "debit": "3",
    "credit": "4",
    "balance": "5",
    "bank_reference": "6",
}


def error_beside(page: Response, field: str) -> str:
    """Return the sentence beside a field, which has to point to it."""
    text = html.unescape(page.text)
    found = re.search(rf'id="{field}-error">([^<]*)<', text)
    assert found, re.findall(r'class="error"[^>]*>[^<]*', text)
    assert re.search(rf'id="{field}"[^>]*aria-describedby="{field}-error"', text)
    return found[1]


@pytest.mark.parametrize(
    ("changed", "field", "sentence"),
    [
        ({"date": ""}, "date", "Please choose the column with the date."),
        ({"date": "2", "text_1": "1"}, "date", "Column 2 has no dates, but “SERVICE CHARGE”."),
        ({"date": "77"}, "date", "The file has no such column."),
        ({"date": "x"}, "date", "The file has no such column."),
        ({"text_1": ""}, "text_1", "Please choose the column with the description."),
        ({"text_1": "1"}, "text_1", "Column 1 is chosen for something else already."),
        ({"text_2": "2"}, "text_2", "Column 2 is chosen for something else already."),
        ({"debit": "", "credit": ""}, "amount", "Please choose the column with the amount, or"),
        ({"credit": ""}, "credit", "Please choose a column for money out and one for money in."),
        ({"amount": "3", "debit": ""}, "amount", "either one column with the amount or the two"),
        ({"balance": "6", "bank_reference": ""}, "balance", "Column 6 has no amounts, but “A1”."),
        ({"debit": "6", "bank_reference": ""}, "debit", "Column 6 has no amounts, but “A1”."),
        ({"currency": "6", "bank_reference": ""}, "currency", "Column 6 has no currencies, but"),
        (
            {"direction": "6", "bank_reference": ""},
            "direction",
            "“Another column says it in words”",
        ),
        ({"header": "99"}, "header", "The file has no such row."),
        ({"date_form": "never"}, "date_form", "whether dates begin with"),
        ({"decimal_mark": "x"}, "decimal_mark", "a point or a comma"),
    ],
)
def test_a_wrong_choice_is_said_beside_its_field_and_nothing_is_lost(
    site: FinanceSite, changed: dict[str, str], field: str, sentence: str
) -> None:
    """A choice that cannot be right is named beside its field; all other choices stay."""
    browser = site.signed_in()
    page = send(browser, upload(browser, UNION), "save", title="My union", **CHOSEN | changed)
    assert page.status_code == 422
    assert sentence in error_beside(page, field)
    for name, value in (CHOSEN | changed).items():
        if value:
            select_of = re.search(rf'<select id="{name}".*?</select>', page.text, re.DOTALL)
            assert select_of
            assert f'value="{value}" selected' in select_of[0] or name in (
                "header",
                "date_form",
                "decimal_mark",
            ), name
    assert 'name="title" value="My union"' in page.text
    assert learned(site) == []


@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        ({}, "sign", "Please choose how the amounts say"),
        ({"sign": "words"}, "direction", "Please choose the column that says"),
        ({"sign": "words", "direction": "2", "text_1": ""}, "credit_words", "such as “E-TRANSFER”"),
        (
            {"sign": "words", "credit_words": "IN", "debit_words": "out, IN"},
            "debit_words",
            "have to differ",
        ),
    ],
)
def test_one_column_of_amounts_needs_a_direction(
    site: FinanceSite, typed: dict[str, str], field: str, sentence: str
) -> None:
    """With one column of amounts, a person has to say what a minus means, or which words."""
    browser = site.signed_in()
    page = send(browser, upload(browser, SIGNED), **SIMPLE | typed)
    assert sentence in error_beside(page, field)


def test_dates_of_which_nobody_can_tell_the_form_ask_for_it(site: FinanceSite) -> None:
    """If the file does not tell whether the day or the month stands first, the form asks."""
    browser = site.signed_in()
    uploaded = upload(
        browser,
        b"When,What,How much\r\n04/03/2026,X,50.00\r\n03/04/2026,Y,1.00\r\n05/03/2026,Y,1.00\r\n",
    )
    page = send(browser, uploaded, sign="plus", **SIMPLE)
    assert "does not tell whether" in error_beside(page, "date_form")
    assert send(browser, uploaded, sign="plus", date_form="dmy", **SIMPLE).status_code == 200


def test_nothing_is_remembered_before_the_lines_were_seen(site: FinanceSite) -> None:
    """Saving without the preview, or after another choice, shows the lines first."""
    browser = site.signed_in()
    uploaded = upload(browser, SIGNED)
    early = send(browser, uploaded, "save", title="Valley", sign="plus", **SIMPLE)
    assert early.status_code == 409
    assert "Please look at the lines below first." in early.text
    other = send(
        browser, uploaded, "save", title="Valley", sign="minus", seen=seen_on(early), **SIMPLE
    )
    assert other.status_code == 409
    assert learned(site) == []


@pytest.mark.parametrize(
    ("title", "sentence"),
    [
        ("", "Please name this kind of file"),
        ("***", "of letters and digits"),
        ("4242 4242 4242 4242", "of letters and digits"),
        ("TD", "already a kind of file called “TD”"),
        ("x" * 101, "at most 100 characters"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused(
    site: FinanceSite, title: str, sentence: str
) -> None:
    """Without a usable name nothing is remembered, and the lines stay on the page."""
    browser = site.signed_in()
    page = remember(browser, upload(browser, SIGNED), title, sign="plus", **SIMPLE)
    assert page.status_code == 422
    assert sentence in error_beside(page, "title")
    assert "2 lines are read" in page.text
    assert learned(site) == []


def test_the_preview_shows_lines_sums_and_what_is_left_out(site: FinanceSite) -> None:
    """Before anything is saved, the page shows each line as it would be read, and the sums."""
    browser = site.signed_in()
    page = send(browser, upload(browser, UNION), **CHOSEN).text
    assert "3 lines are read" in page
    assert "$1,261.40" in page
    assert "-$4.95" in page or "−$4.95" in page
    assert "“Closing balance” sums up other rows" in html.unescape(page)
    assert "February 13, 2026" in page


def test_rows_that_cannot_be_read_are_shown_in_the_preview(site: FinanceSite) -> None:
    """The preview names each row that is refused; the upload is not imported with it."""
    browser = site.signed_in()
    uploaded = upload(browser, SIGNED + b"2026-03-06,BROKEN,5O.00\r\n")
    page = send(browser, uploaded, sign="plus", **SIMPLE)
    assert "1 row cannot be read" in page.text
    assert "The amount 5O.00 cannot be read." in page.text
    remember(browser, uploaded, sign="plus", **SIMPLE)
    assert finish(browser, uploaded, new_account_0="Chequing").status_code == 422
    assert lines(site) == []


def test_a_file_is_mapped_once_and_the_next_is_read_at_once(site_on_each: FinanceSite) -> None:
    """Once its columns are remembered, this file and the next of its kind are imported."""
    site, browser = site_on_each, site_on_each.signed_in()
    uploaded = upload(browser, UNION)
    asked = browser.get(uploaded.headers["location"])
    assert f'href="{uploaded.headers["location"]}/columns"' in asked.text
    form = browser.get(f"{uploaded.headers['location']}/columns").text
    assert 'value="2" selected>In row 2' in form
    saved = remember(browser, uploaded, **CHOSEN)
    assert saved.status_code == 303
    assert "shape=valley-credit-union" in saved.headers["location"]
    assert "Valley credit union" in browser.get(saved.headers["location"]).text
    assert finish(browser, uploaded, new_account_0="Union").status_code == 303
    assert [line.amount_minor for line in lines(site)] == [-495, 5_000, 121_140]
    assert [line.bank_reference for line in lines(site)] == ["A1", "A2", "A3"]
    again = upload(browser, NEXT_MONTH)
    assert browser.get(again.headers["location"]).status_code == 200
    assert finish(browser, again, account_0="1").status_code == 303
    assert (lines(site)[-1].amount_minor, str(lines(site)[-1].day)) == (2_000, "2026-03-06")
    assert "shape_learned" in [act.act for act in site.acts()]


@pytest.mark.parametrize(
    ("sign", "content", "minors"),
    [
        ("plus", SIGNED, [5_000, -200]),
        ("minus", SIGNED, [-5_000, 200]),
    ],
)
def test_a_person_says_what_a_minus_means(
    site: FinanceSite, sign: str, content: bytes, minors: list[int]
) -> None:
    """The sign means what the person chose, such as on the statement of a credit card."""
    browser = site.signed_in()
    uploaded = upload(browser, content)
    remember(browser, uploaded, sign=sign, **SIMPLE)
    finish(browser, uploaded, new_account_0="Card")
    assert [line.amount_minor for line in lines(site)] == minors


def test_words_say_the_direction(site: FinanceSite) -> None:
    """A column with words decides, and a word that is not known refuses its row."""
    browser = site.signed_in()
    content = b"When,What,How much,Way\r\n2026-03-04,X,50.00,In\r\n2026-03-05,Y,2.00,Out\r\n"
    typed = SIMPLE | {"sign": "words", "direction": "4", "credit_words": "in"}
    uploaded = upload(browser, content)
    page = send(browser, uploaded, debit_words="paid", **typed)
    assert "“Out” does not say whether money came in or went out." in page.text
    remember(browser, uploaded, debit_words="paid, out", **typed)
    finish(browser, uploaded, new_account_0="Union")
    assert [line.amount_minor for line in lines(site)] == [5_000, -200]
