"""An admin says with which month the books start here; earlier months are closed elsewhere."""

import re

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from donate.books.months.audit import month_differences
from donate.books.months.closing import MonthCloser
from donate.books.months.drafts import read_start
from donate.books.months.kept_entries import kept_entries
from donate.books.months.models import ClosedMonth
from donate.books.months.month_journal import CLOSED_ELSEWHERE, journal_of_month
from donate.books.months.queries import closed_months, last_closed
from donate.errors import Conflict
from donate.finance.activity.trail import record_act
from donate.finance.months.act_audit import month_act_differences
from donate.finance.roles import Role
from donate.storage.database import Database
from tests.books.months.month_world import (
    ANN,
    APRIL_3,
    IN_APRIL,
    IN_MARCH,
    MAY_4,
    RULES,
    ZONE,
    draft,
    nothing_recorded,
    record_march,
)
from tests.finance.finance_site import FinanceSite, fields, open_site
from tests.finance.money_samples import MARCH, give, pay
from tests.finance.month_forms import press
from tests.finance.payout_pages import text_of

START = "/finance/months/start"
LIST = "/finance/months"


def site_in_april(database: Database) -> FinanceSite:
    record_march(database)
    site = open_site(database, month_rules=RULES)
    site.clock.instant = APRIL_3
    return site


def form_of(page: str) -> dict[str, str]:
    names = ("csrf", "month", "content")
    found = {name: re.search(rf'name="{name}" value="([^"]*)"', page) for name in names}
    return {name: value[1] for name, value in found.items() if value}


def findings(session: Session) -> list[str]:
    return [*month_differences(session, ZONE), *month_act_differences(session)]


def test_the_books_start_with_a_later_month(database: Database) -> None:
    """After a look at the balances, earlier months are closed elsewhere; the next one is open."""
    site = site_in_april(database)
    admin = site.signed_in(Role.ADMIN)
    assert f'href="{START}"' in admin.get(LIST).text
    page = admin.get(f"{START}?month=2026-04").text
    shown = text_of(page)
    assert "Balances at the end of March 2026" in shown
    ends = [figure.amount for figure in draft(database).control.sections[-1].figures]
    assert ends
    answer = admin.post(START, data=form_of(page))
    assert answer.headers["location"] == f"{LIST}?done=started"
    listed = admin.get(answer.headers["location"]).text
    assert "The books start here." in listed
    assert "Closed elsewhere" in listed
    assert f'href="{START}"' not in listed
    assert "/finance/months/2026-03/pack" not in listed
    closed = text_of(admin.get(f"{LIST}/2026-03").text)
    assert "The books start here with April 2026." in closed
    assert "Balances at the end of March 2026" in closed
    assert admin.get(f"{LIST}/2026-03/pack").status_code == 404
    assert "This month has not ended." in admin.get(f"{LIST}/2026-04").text
    with database.reading_snapshot() as session:
        (row,) = closed_months(session)
        assert (row.month, row.closed_elsewhere, row.pack_hash) == (IN_MARCH.number, True, "")
        assert findings(session) == []
        with pytest.raises(Conflict) as refused:
            journal_of_month(session, IN_MARCH, ZONE)
    assert refused.value.message == CLOSED_ELSEWHERE
    assert [act.about for act in site.acts() if act.act == "books_started"] == ["2026-04"]


def test_late_facts_of_earlier_months_are_corrections(database: Database) -> None:
    """What is recorded late of a month that was closed elsewhere is booked in the open month."""
    site = site_in_april(database)
    admin = site.signed_in(Role.ADMIN)
    before = draft(database).control.sections[-1].figures
    admin.post(START, data=form_of(admin.get(f"{START}?month=2026-04").text))
    assert draft(database, IN_APRIL).control.sections[-1].figures == before
    pay(database, give(database, "late"), MARCH)
    assert "C1-DON-2026-03-10-CAD · $50.00" in text_of(admin.get(f"{LIST}/2026-04").text)
    site.clock.instant = MAY_4
    admin = site.signed_in(Role.ADMIN, "later@example.org")
    more = {"reason_statement": "No line", "reason_not_at_stripe": "Tomorrow"}
    done = press(admin, f"{LIST}/2026-04", "closed", **more)
    assert done.headers["location"].endswith("?done=closed")
    with database.reading_snapshot() as session:
        assert last_closed(session) == IN_APRIL
        assert {entry.number for entry in kept_entries(session, IN_APRIL)} >= {
            "C1-DON-2026-03-10-CAD"
        }
        assert findings(session) == []


@pytest.mark.parametrize("month", ["2026-03", "2026-02", "2026-05", "2031-01", "april", "<b>"])
def test_months_with_which_nothing_starts(database: Database, month: str) -> None:
    """The first month, one before it, one that is to come, and no month are refused."""
    admin = site_in_april(database).signed_in(Role.ADMIN)
    hidden = fields(admin.get(START))
    for answer in (
        admin.get(START, params={"month": month}),
        admin.post(START, data=hidden | {"month": month, "content": "x"}),
    ):
        assert answer.status_code == 409
        assert "<b>" not in answer.text
    with database.reading() as session:
        assert closed_months(session) == []


def test_the_books_start_once(database: Database) -> None:
    """After a month is closed or the books have started, they cannot start again."""
    site = site_in_april(database)
    admin = site.signed_in(Role.ADMIN)
    form = form_of(admin.get(f"{START}?month=2026-04").text)
    press(admin, f"{LIST}/2026-03", "closed")
    answer = admin.post(START, data=form)
    assert answer.status_code == 409
    assert "a month is closed already" in answer.text
    assert f'href="{START}"' not in admin.get(LIST).text


def test_a_page_that_is_old_starts_nothing(database: Database) -> None:
    """If an earlier month has changed after the page was opened, nothing starts."""
    admin = site_in_april(database).signed_in(Role.ADMIN)
    form = form_of(admin.get(f"{START}?month=2026-04").text)
    pay(database, give(database, "late"), MARCH)
    answer = admin.post(START, data=form)
    assert answer.status_code == 409
    assert "have changed since you looked at their balances" in answer.text


def test_only_admins_start_the_books(database: Database) -> None:
    """Finance staff could close earlier months alone by it, so they may not."""
    finance = site_in_april(database).signed_in()
    assert f'href="{START}"' not in finance.get(LIST).text
    assert finance.get(START).status_code == 403
    token = {"csrf": fields(finance.get(f"{LIST}/2026-03"))["csrf"], "month": "2026-04"}
    assert finance.post(START, data=token).status_code == 403


def test_the_database_lets_only_the_first_month_be_closed_elsewhere(database: Database) -> None:
    """A month without a pack is the first one and was closed elsewhere; the database demands it."""
    site = site_in_april(database)
    admin = site.signed_in(Role.ADMIN)
    admin.post(START, data=form_of(admin.get(f"{START}?month=2026-04").text))
    with database.reading() as session:
        (row,) = closed_months(session)
        values = row.model_dump()
    later = values | {"month": row.month + 1, "previous": row.month, "is_first": False}
    for wrong in (later, later | {"closed_elsewhere": False}):
        with pytest.raises(IntegrityError), database.writing() as session:
            session.add(ClosedMonth(**wrong))
    with pytest.raises(IntegrityError), database.writing() as session:
        session.add(ClosedMonth(**(values | {"month": row.month + 9})))


def test_the_audit_finds_a_start_without_an_act(database: Database) -> None:
    """A start that no act names is found, and so is an act that names no start."""
    record_march(database)
    with database.reading_snapshot() as session:
        seen = read_start(session, IN_APRIL, RULES).content_hash
    MonthCloser(database, RULES).start(
        IN_APRIL, ANN, seen=seen, now=APRIL_3, record=nothing_recorded
    )
    with database.writing() as session:
        record_act(session, "books_started", now=APRIL_3, about="2026-01", detail={})
    with database.reading_snapshot() as session:
        assert list(month_act_differences(session)) == [
            "month 2026-03: no act of closing it has its hashes",
            "month 2026-01: the books started with it according to the activity, but do not",
        ]
