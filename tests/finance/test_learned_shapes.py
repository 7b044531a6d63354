"""Learned shapes are listed, renamed, replaced and forgotten, and never guessed."""

import threading
from datetime import UTC, datetime

import pytest
from sqlmodel import select

from donate.bank.learned_shapes.models import LearnedShape
from donate.bank.learned_shapes.queries import all_csv_shapes
from donate.bank.learned_shapes.recorder import learn_shape
from donate.bank.shapes.csv_shapes import CsvShape
from donate.errors import BadInput, Conflict
from donate.finance.roles import Role
from donate.storage.database import Database
from tests.finance.column_form import SIGNED, SIMPLE, learned, remember, send
from tests.finance.finance_site import FinanceSite, csrf
from tests.finance.statement_desk import STATEMENTS, finish, lines, upload

NOW = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)
HEADLESS = b"2026-03-04,FEE,4.95,,1195.05\r\n2026-03-05,E-TRANSFER,,50.00,1245.05\r\n"
# The same kinds of columns as TD, but money in stands before money out.
SWAPPED = b"2026-03-04,DEPOSIT,5.00,,105.00\r\n2026-03-05,FEE,,2.00,103.00\r\n"
IN_OUT = {"delimiter": "comma", "date": "1", "text_1": "2", "credit": "3", "debit": "4"}


@pytest.mark.parametrize(
    ("title", "sentence"),
    [("", "Please name this kind of file"), ("Tangerine", "already a kind of file called")],
)
def test_a_bad_new_name_is_refused(site: FinanceSite, title: str, sentence: str) -> None:
    """A name that is empty or taken changes nothing, and what was typed stays."""
    browser = site.signed_in()
    remember(browser, upload(browser, SIGNED), sign="plus", **SIMPLE)
    path = f"{STATEMENTS}/shapes/{learned(site)[0].id}/renamed"
    page = browser.post(path, data={"csrf": csrf(browser), "title": title})
    assert page.status_code == 422
    assert sentence in page.text
    assert f'value="{title}"' in page.text
    assert learned(site)[0].title == "Valley credit union"


def test_a_learned_shape_is_renamed_and_keeps_its_short_name(site: FinanceSite) -> None:
    """The new name stands on the pages; the command line and earlier files know the first."""
    browser = site.signed_in()
    remember(browser, upload(browser, SIGNED), sign="plus", **SIMPLE)
    path = f"{STATEMENTS}/shapes/{learned(site)[0].id}/renamed"
    answer = browser.post(path, data={"csrf": csrf(browser), "title": "  Hill  union "})
    assert answer.headers["location"] == f"{STATEMENTS}/shapes?done=renamed"
    page = browser.get(answer.headers["location"]).text
    assert "Hill union" in page
    assert "valley-credit-union" in page
    assert "Ann Lee" in page
    again = upload(browser, SIGNED)
    assert "Hill union" in browser.get(again.headers["location"]).text


def test_a_forgotten_shape_is_asked_for_again(site_on_each: FinanceSite) -> None:
    """What was imported stays, the row is kept as evidence, and the next file is unknown."""
    site, browser = site_on_each, site_on_each.signed_in()
    uploaded = upload(browser, SIGNED)
    remember(browser, uploaded, sign="plus", **SIMPLE)
    finish(browser, uploaded, new_account_0="Union")
    path = f"{STATEMENTS}/shapes/{learned(site)[0].id}/forgotten"
    assert browser.post(path, data={"csrf": csrf(browser)}).status_code == 303
    assert browser.post(path, data={"csrf": csrf(browser)}).status_code == 404
    assert len(lines(site)) == 2
    assert learned(site)[0].forgotten_by.startswith("staff:")
    assert browser.get(upload(browser, SIGNED).headers["location"]).status_code == 422
    assert [act.act for act in site.acts()][-1] == "shape_forgotten"


def test_mapping_again_replaces_what_was_learned(site_on_each: FinanceSite) -> None:
    """The form shows the earlier choices; saving replaces them, also under the same name."""
    site, browser = site_on_each, site_on_each.signed_in()
    uploaded = upload(browser, SIGNED)
    remember(browser, uploaded, sign="minus", **SIMPLE)
    form = browser.get(f"{uploaded.headers['location']}/columns").text
    assert '<option value="minus" selected>' in form
    shown = send(browser, uploaded, sign="plus", **SIMPLE)
    assert "It replaces “Valley credit union”" in shown.text
    assert remember(browser, uploaded, sign="plus", **SIMPLE).status_code == 303
    assert [row.forgotten_at is None for row in learned(site)] == [False, True]
    finish(browser, uploaded, new_account_0="Union")
    assert [line.amount_minor for line in lines(site)] == [5_000, -200]


def test_a_file_without_header_is_found_by_its_columns(site: FinanceSite) -> None:
    """A learned file without a header row is found by the kinds of its columns."""
    browser = site.signed_in()
    content = b"X;2026-03-04;FEE;4.95\r\nX;2026-03-05;E-TRANSFER;-50.00\r\n"
    typed = {"delimiter": "semicolon", "date": "2", "text_1": "3", "amount": "4", "sign": "minus"}
    uploaded = upload(browser, content)
    assert remember(browser, uploaded, **typed).status_code == 303
    finish(browser, uploaded, new_account_0="Union")
    following = upload(browser, b"X;2026-03-06;E-TRANSFER;-7.00\r\nTotal;;;-7.00\r\n")
    assert browser.get(following.headers["location"]).status_code == 200
    finish(browser, following, account_0="1")
    assert [line.amount_minor for line in lines(site)] == [-495, 5_000, 700]


def test_two_kinds_of_files_that_fit_are_never_guessed(site: FinanceSite) -> None:
    """If a learned and a known shape fit a file equally well, a person chooses."""
    browser = site.signed_in()
    swapped = upload(browser, SWAPPED)
    assert "Please map the columns by hand." in browser.get(swapped.headers["location"]).text
    assert remember(browser, swapped, "Valley", balance="5", **IN_OUT).status_code == 303
    page = browser.get(upload(browser, HEADLESS).headers["location"])
    assert page.status_code == 422
    assert "several shapes" in page.text
    assert "TD" in page.text
    assert "Valley" in page.text
    assert finish(browser, swapped, shape="valley", new_account_0="Valley").status_code == 303
    assert [line.amount_minor for line in lines(site)] == [500, -200]


def test_only_finance_staff_map_columns(site: FinanceSite) -> None:
    """A viewer sees which files are mapped, and can change nothing."""
    browser = site.signed_in()
    uploaded = upload(browser, SIGNED)
    viewer = site.signed_in(Role.VIEWER)
    assert viewer.get(f"{uploaded.headers['location']}/columns").status_code == 403
    assert send(viewer, uploaded, **SIMPLE).status_code == 403
    assert viewer.get(f"{STATEMENTS}/shapes").status_code == 200
    for act in ("renamed", "forgotten"):
        path = f"{STATEMENTS}/shapes/1/{act}"
        assert viewer.post(path, data={"csrf": csrf(viewer)}).status_code == 403


@pytest.mark.parametrize("number", ["0", "99", "x", "9" * 30])
def test_unknown_numbers_are_not_found(site: FinanceSite, number: str) -> None:
    """A number that names no upload and no shape is a page that does not exist."""
    browser = site.signed_in()
    assert browser.get(f"{STATEMENTS}/uploads/{number}/columns").status_code == 404
    for act in ("renamed", "forgotten"):
        path = f"{STATEMENTS}/shapes/{number}/{act}"
        assert browser.post(path, data={"csrf": csrf(browser), "title": "T"}).status_code == 404


def test_a_file_that_has_no_columns_is_not_mapped(site: FinanceSite) -> None:
    """An OFX file has no columns, so its page leads back to the upload."""
    browser = site.signed_in()
    uploaded = upload(browser, b"OFXHEADER:100\r\n<OFX>\r\n</OFX>\r\n", "a.ofx")
    answer = browser.get(f"{uploaded.headers['location']}/columns")
    assert answer.headers["location"] == uploaded.headers["location"]
    assert "Say what the columns hold" not in browser.get(uploaded.headers["location"]).text


def test_two_people_who_map_the_same_file_at_once(database: Database) -> None:
    """Of two people who save at once, one is told, or the second replaces the first; never both."""
    start, results = threading.Barrier(4), list[str]()
    shape = CsvShape(name="preview", title="p", date=1, text=(2,), amount=3, fingerprint="f" * 64)

    def run(number: int) -> None:
        start.wait()
        try:
            with database.writing() as session:
                learn_shape(session, shape, f"Union {number}", actor="staff:1", now=NOW)
            results.append("learned")
        except (Conflict, BadInput) as problem:
            results.append(problem.message)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "learned" in results
    assert {each for each in results if each != "learned"} <= {
        "Someone has just mapped the columns of this file too. Please look again."
    }
    with database.reading() as session:
        rows = session.exec(select(LearnedShape)).all()
        assert sum(row.forgotten_at is None for row in rows) == 1
        assert len(rows) == results.count("learned")
        assert len([name for name in all_csv_shapes(session) if name.startswith("union")]) == 1
