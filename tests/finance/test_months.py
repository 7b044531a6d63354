"""The staff pages of months: what is open, closing by one or two people, and the pack."""

import io
import zipfile
from dataclasses import replace

import pytest
from sqlmodel import Session

from donate.books.months.models import CloseRequest
from donate.books.months.queries import closed_months, latest_request
from donate.finance.models import Staff
from donate.finance.roles import Role
from donate.storage.database import Database
from tests.books.months.month_world import (
    APRIL_3,
    IN_MARCH,
    MAY_4,
    RULES,
    record_lines,
    record_march,
)
from tests.finance.finance_site import FinanceSite, fields, open_site
from tests.finance.money_samples import MARCH, give, pay
from tests.finance.month_forms import press
from tests.finance.payout_pages import text_of

MARCH_PAGE = "/finance/months/2026-03"
APRIL_PAGE = "/finance/months/2026-04"


def site_in_april(database: Database, limit: int | None = None) -> FinanceSite:
    """Return the staff pages on 3 April, with March recorded."""
    record_march(database)
    rules = replace(RULES, second_person_above_minor=limit)
    site = open_site(database, month_rules=rules)
    site.clock.instant = APRIL_3
    return site


NO_MONTHS = ("2026-13", "march", "0000-01", "2026-3", "2026-02", "2031-01", "2026-03x")


@pytest.mark.parametrize("month", NO_MONTHS)
def test_no_such_month(database: Database, month: str) -> None:
    """A text that is no month, or a month that has no books, is not found."""
    browser = site_in_april(database).signed_in()
    assert browser.get(f"/finance/months/{month}").status_code == 404
    assert press(browser, MARCH_PAGE, "closed").status_code == 303
    closing = browser.post(f"/finance/months/{month}/closed", data=fields(browser.get(APRIL_PAGE)))
    assert closing.status_code in (404, 409)


def test_before_anything_is_booked(site_on_each: FinanceSite) -> None:
    """The list says that nothing is booked, and no month has a page."""
    browser = site_on_each.signed_in(Role.VIEWER)
    assert "Nothing is booked yet." in browser.get("/finance/months").text
    assert browser.get(MARCH_PAGE).status_code == 404


def test_viewers_read_and_do_not_close(database: Database) -> None:
    """A viewer sees a month and has no button; their form and the pack are refused."""
    site = site_in_april(database)
    viewer = site.signed_in(Role.VIEWER)
    page = viewer.get(MARCH_PAGE)
    assert page.status_code == 200
    assert "close-month" not in page.text
    token = {"csrf": fields(viewer.get("/finance/gifts"))["csrf"]}
    for act in ("closed", "confirmed"):
        assert viewer.post(f"{MARCH_PAGE}/{act}", data=token).status_code == 403
    press(site.signed_in(), MARCH_PAGE, "closed")
    assert "Download the pack" not in viewer.get(MARCH_PAGE).text
    assert viewer.get(f"{MARCH_PAGE}/pack").status_code == 403


def test_an_open_month_has_no_pack(database: Database) -> None:
    """The pack of an open month is not found."""
    assert site_in_april(database).signed_in().get(f"{MARCH_PAGE}/pack").status_code == 404


def test_reasons_are_asked_for_beside_what_is_open(database: Database) -> None:
    """Without a reason nothing is closed, the field is marked, and what was typed is kept."""
    site = site_in_april(database)
    record_lines(database, [(20, 900, "UNKNOWN", None)])
    browser = site.signed_in()
    page = browser.get(MARCH_PAGE).text
    assert 'href="/finance/statements?show=none"' in page
    answer = press(browser, MARCH_PAGE, "closed", reason_line_undecided=" ")
    assert answer.status_code == 422
    assert 'id="reason_line_undecided-error"' in answer.text
    with site.database.reading() as session:
        assert closed_months(session) == []
    reason = "The bank <looks> for it"
    done = press(browser, MARCH_PAGE, "closed", reason_line_undecided=reason)
    assert (done.status_code, done.headers["location"]) == (303, f"{MARCH_PAGE}?done=closed")
    closed = browser.get(MARCH_PAGE).text
    assert "Closed in spite of it: The bank &lt;looks&gt; for it" in closed


def test_a_page_that_is_old_closes_nothing(database: Database) -> None:
    """If a gift arrives after the page was opened, the form closes nothing and says so."""
    site = site_in_april(database)
    browser = site.signed_in()
    hidden = fields(browser.get(MARCH_PAGE))
    pay(database, give(database, "late"), MARCH)
    answer = browser.post(f"{MARCH_PAGE}/closed", data=hidden)
    assert answer.status_code == 409
    assert "has changed since you opened the page" in answer.text


def test_closing_twice_is_a_sentence(database: Database) -> None:
    """The second clerk is told that the month is closed already."""
    site = site_in_april(database)
    ann, zoe = site.signed_in(), site.signed_in(email="zoe@example.org")
    hidden = fields(zoe.get(MARCH_PAGE))
    press(ann, MARCH_PAGE, "closed")
    answer = zoe.post(f"{MARCH_PAGE}/closed", data=hidden)
    assert answer.status_code == 409
    assert "2026-03 is closed already. Nothing was changed." in answer.text


def test_later_months_wait(database: Database) -> None:
    """April’s page leads to March until March is closed, and cannot be closed before it ends."""
    site = site_in_april(database)
    browser = site.signed_in()
    page = browser.get(APRIL_PAGE).text
    assert "Months are closed in order." in page
    assert f'href="{MARCH_PAGE}"' in page
    press(browser, MARCH_PAGE, "closed")
    page = browser.get(APRIL_PAGE).text
    assert "This month has not ended." in page
    assert "close-month" not in page
    token = {"csrf": fields(browser.get("/finance/gifts"))["csrf"]}
    answer = browser.post(f"{APRIL_PAGE}/closed", data=token)
    assert (answer.status_code, "has not ended yet" in answer.text) == (409, True)


def test_two_people_above_the_limit(database: Database) -> None:
    """The first person asks and sees no button to confirm; the second one confirms."""
    site = site_in_april(database, limit=100)
    ann, zoe = site.signed_in(), site.signed_in(Role.ADMIN)
    assert press(ann, MARCH_PAGE, "closed").headers["location"].endswith("?done=asked")
    page = ann.get(MARCH_PAGE).text
    assert "You asked to close this month" in page
    assert f"{MARCH_PAGE}/confirmed" not in page
    own = press(ann, MARCH_PAGE, "confirmed")
    assert own.status_code == 409
    assert "Another person of finance has to confirm it." in own.text
    assert "asked to close this month" in zoe.get(MARCH_PAGE).text
    assert press(zoe, MARCH_PAGE, "confirmed").headers["location"].endswith("?done=closed")
    acts = [(act.act, act.about) for act in site.acts() if act.act.startswith("month")]
    assert acts == [("month_close_asked", "2026-03"), ("month_closed", "2026-03")]


@pytest.mark.parametrize("change", ["disabled", "viewer"])
def test_who_asked_must_still_be_of_finance(database: Database, change: str) -> None:
    """A request of somebody who lost the role or the account is confirmed by nobody."""
    site = site_in_april(database, limit=100)
    ann, zoe = site.signed_in(), site.signed_in(Role.ADMIN)
    press(ann, MARCH_PAGE, "closed")
    hidden = fields(zoe.get(MARCH_PAGE))
    with database.writing() as session:
        person = session.get_one(Staff, int(request_of(session).asked_by.removeprefix("staff:")))
        if change == "disabled":
            person.disabled_at = APRIL_3
        else:
            person.role = Role.VIEWER
    answer = zoe.post(f"{MARCH_PAGE}/confirmed", data=hidden)
    assert answer.status_code == 409
    assert "may not close months any more. Nothing was closed." in text_of(answer.text)
    with database.reading() as session:
        assert closed_months(session) == []
    assert press(zoe, MARCH_PAGE, "closed").headers["location"].endswith("?done=asked")
    mia = site.signed_in(email="mia@example.org")
    assert press(mia, MARCH_PAGE, "confirmed").headers["location"].endswith("?done=closed")


def request_of(session: Session) -> CloseRequest:
    request = latest_request(session, IN_MARCH)
    assert request
    return request


def test_the_pack_is_sent_and_never_cached(database: Database) -> None:
    """The pack is the same each time, is not kept by browsers, and each download is recorded."""
    site = site_in_april(database)
    browser = site.signed_in()
    press(browser, MARCH_PAGE, "closed")
    first = browser.get(f"{MARCH_PAGE}/pack")
    pay(database, give(database, "late"), MARCH)
    site.clock.instant = MAY_4
    browser = site.signed_in(email="later@example.org")
    second = browser.get(f"{MARCH_PAGE}/pack")
    assert first.content == second.content
    assert first.headers["cache-control"] == "no-store"
    assert first.headers["content-disposition"] == 'attachment; filename="month-2026-03.zip"'
    with zipfile.ZipFile(io.BytesIO(first.content)) as pack:
        assert pack.testzip() is None
    assert [act.act for act in site.acts()].count("month_pack_sent") == 2


def test_corrections_are_shown_on_both_sides(database: Database) -> None:
    """A late gift of March stands on April’s page, and on March’s once April is closed."""
    site = site_in_april(database)
    browser = site.signed_in()
    press(browser, MARCH_PAGE, "closed")
    pay(database, give(database, "late"), MARCH)
    assert "C1-DON-2026-03-10-CAD · $50.00" in text_of(browser.get(APRIL_PAGE).text)
    assert "No closed month has corrected this one." in browser.get(MARCH_PAGE).text
    site.clock.instant = MAY_4
    browser = site.signed_in(email="later@example.org")
    reason = "The bank shows no line in April"
    more = {"reason_statement": reason, "reason_not_at_stripe": "Tomorrow"}
    press(browser, APRIL_PAGE, "closed", **more)
    assert "C1-DON-2026-03-10-CAD · April 1, 2026" in text_of(browser.get(MARCH_PAGE).text)


@pytest.mark.parametrize("language", ["en-CA", "fr-CA"])
def test_the_totals_of_a_closed_month_stay(database: Database, language: str) -> None:
    """A closed month shows the totals that it was closed with, in the reader’s language."""
    site = site_in_april(database)
    browser = site.signed_in()
    press(browser, MARCH_PAGE, "closed")
    browser.post(
        "/finance/language",
        data={"csrf": fields(browser.get("/finance"))["csrf"], "language": language},
    )
    said = text_of(browser.get(MARCH_PAGE).text)
    wanted = {
        "en-CA": "Gifts, net 4 $223.45",
        "fr-CA": "Dons, net 4 223,45 $",
    }
    account = {"en-CA": "1060 Chequing", "fr-CA": "1060 Compte chèques"}
    assert account[language] in said
    with zipfile.ZipFile(io.BytesIO(browser.get(f"{MARCH_PAGE}/pack").content)) as pack:
        names = " ".join(pack.read(name).decode("utf-8", "ignore") for name in pack.namelist())
    assert "Chequing" in names
    assert "Compte chèques" not in names
    assert wanted[language] in said
    assert wanted[language].split(" 4 ")[1] in text_of(browser.get("/finance/months").text)
