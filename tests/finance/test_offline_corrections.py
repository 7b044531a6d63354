"""An offline gift is corrected by a new fact, never by editing it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest

from donate.errors import Conflict
from donate.finance.offline.undoing import RETURNED, Undoing, undo_entry
from donate.finance.roles import Role
from donate.gifts.facts import FactKind
from donate.gifts.models import Gift
from donate.gifts.offline.models import EntryState
from donate.gifts.offline.queries import entry_by_number
from donate.gifts.queries import facts_of
from tests.finance.finance_site import NOW, FinanceSite, csrf
from tests.finance.offline_desk import (
    CASH,
    CHEQUE,
    HOME,
    audit,
    enter,
    entries,
    gifts,
    movements,
    problems,
    undo,
)


def test_a_returned_cheque_is_money_out_on_its_day(site_on_each: FinanceSite) -> None:
    """A cheque of February that a bank returns in March is money out in March; February stays."""
    site = site_on_each
    browser = site.signed_in()
    enter(browser, CHEQUE, received_on="2026-02-22", cheque_day="2026-02-20")
    (entry,) = entries(site.database)
    answer = undo(browser, entry, reason=RETURNED, day="2026-03-04", words="no funds")
    assert answer.headers["location"] == f"{HOME}/entries/{entry.id}?done=undone"
    assert movements(site.database) == [
        ("transfer", 15_000, "2026-02-22"),
        ("transfer_undone", -15_000, "2026-03-04"),
    ]
    (gift,) = gifts(site.database)
    assert (gift.status, gift.received_minor, gift.net_minor) == ("lapsed", 0, 0)
    with site.database.reading() as session:
        facts = {fact.kind: fact for fact in facts_of(session, gift.id)}
    undone = facts[FactKind.TRANSFER_UNDONE]
    assert undone.as_fact().reason == "returned by the bank (NSF): no funds"
    page = browser.get(answer.headers["location"]).text
    assert "The bank returned the cheque (NSF). no funds" in page
    gift_page = browser.get(f"/finance/gifts/{gift.id}").text
    assert "This gift was undone." in gift_page
    assert "no funds" in gift_page
    assert [a.about for a in site.acts() if a.act == "offline_gift_undone"] == [gift.reference]
    assert audit(site.database) == []


def test_a_correction_opens_the_form_with_the_old_values(site_on_each: FinanceSite) -> None:
    """Staff correct a gift by undoing it and entering it again; both pages link to each other."""
    site = site_on_each
    browser = site.signed_in()
    enter(browser, CHEQUE, amount="510.00")
    (wrong,) = entries(site.database)
    answer = undo(browser, wrong, then="again")
    assert answer.headers["location"] == f"{HOME}/new?corrects={wrong.id}"
    form = browser.get(answer.headers["location"]).text
    for value in ("510.00", "0042", "First Bank", "2026-03-08", str(wrong.id)):
        assert f'value="{value}"' in form
    assert f'name="donor" value="{wrong.profile_id}" checked' in form
    right = CHEQUE | {"amount": "150.00", "donor": str(wrong.profile_id)}
    assert enter(browser, right, corrects=str(wrong.id)).is_redirect
    _, entry = entries(site.database)
    assert entry.corrects_id == wrong.id
    assert f"{HOME}/entries/{entry.id}" in browser.get(f"{HOME}/entries/{wrong.id}").text
    assert f"{HOME}/entries/{wrong.id}" in browser.get(f"{HOME}/entries/{entry.id}").text
    assert [move[:2] for move in movements(site.database)] == [
        ("transfer", 51_000),
        ("transfer_undone", -51_000),
        ("transfer", 15_000),
    ]
    assert len({gift.profile_id for gift in gifts(site.database)}) == 1
    assert audit(site.database) == []


def test_an_entry_is_replaced_once(site_on_each: FinanceSite) -> None:
    """A second form that replaces the same undone entry answers 409 and records nothing."""
    browser = site_on_each.signed_in()
    enter(browser, CASH)
    (wrong,) = entries(site_on_each.database)
    undo(browser, wrong)
    assert enter(browser, CASH, amount="21", corrects=str(wrong.id)).is_redirect
    page = enter(browser, CASH, amount="22", corrects=str(wrong.id))
    assert page.status_code == 409
    assert "already entered this gift again" in page.text
    assert sorted(g.amount_minor for g in gifts(site_on_each.database)) == [2_000, 2_100]
    assert audit(site_on_each.database) == []


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        pytest.param({"reason": ""}, "reason", id="no reason"),
        pytest.param({"reason": "other"}, "words", id="another reason without words"),
        pytest.param({"words": "x" * 301}, "words", id="long"),
        pytest.param({"day": "2026-03-07"}, "day", id="before it came"),
        pytest.param({"day": "2026-03-11"}, "day", id="future"),
        pytest.param({"day": "soon"}, "day", id="no day"),
    ],
)
def test_a_wrong_undoing_is_told(site: FinanceSite, typed: dict[str, str], field: str) -> None:
    """A wrong field of the form that undoes a gift gets a sentence, and nothing is undone."""
    browser = site.signed_in()
    enter(browser, CASH)
    (entry,) = entries(site.database)
    page = undo(browser, entry, **typed)
    assert page.status_code == 422
    assert field in problems(page)
    assert gifts(site.database)[0].status == "confirmed"


def test_undoing_twice_is_told(site: FinanceSite) -> None:
    """The second of two clerks who undo the same gift gets 409."""
    browser = site.signed_in()
    enter(browser, CASH)
    (entry,) = entries(site.database)
    assert undo(browser, entry).is_redirect
    page = undo(browser, entry, reason=RETURNED)
    assert page.status_code == 409
    assert "already undone" in page.text
    assert len(movements(site.database)) == 2


def test_two_clerks_undo_at_once(site_on_each: FinanceSite) -> None:
    """If two clerks undo the same gift at the same time, one of them is refused."""
    database = site_on_each.database
    enter(site_on_each.signed_in(), CASH)
    (one,) = entries(database)

    def undo_it(actor: str) -> str:
        try:
            with database.writing() as session:
                entry = entry_by_number(session, one.id or 0, lock=True)
                assert entry is not None
                gift = session.get_one(Gift, entry.gift_id)
                undoing = Undoing(RETURNED, "", date(2026, 3, 9))
                undo_entry(session, entry, gift, undoing, actor=actor, now=NOW)
        except Conflict:
            return "told"
        return "undone"

    with ThreadPoolExecutor(2) as clerks:
        assert sorted(clerks.map(undo_it, ["staff:1", "staff:2"])) == ["told", "undone"]
    assert entries(database)[0].state == EntryState.UNDONE
    assert audit(database) == []


def test_an_undone_cheque_can_come_again(site: FinanceSite) -> None:
    """The same cheque causes no warning after its first entry was undone."""
    browser = site.signed_in()
    enter(browser, CHEQUE)
    undo(browser, entries(site.database)[0])
    assert enter(browser, CHEQUE).is_redirect


def test_an_offline_gift_is_no_transfer(site: FinanceSite) -> None:
    """An offline gift can be neither marked as received nor undone as a transfer."""
    browser = site.signed_in()
    enter(browser, CHEQUE)
    (gift,) = gifts(site.database)
    page = browser.get(f"/finance/gifts/{gift.id}").text
    assert "/received" not in page
    assert f"{HOME}/entries/{entries(site.database)[0].id}" in page
    data = {"received_on": "2026-03-09", "amount": "1", "bank_reference": "X1", "note": ""}
    answer = browser.post(f"/finance/gifts/{gift.id}/received", data=data | {"csrf": csrf(browser)})
    assert answer.status_code == 409
    assert "Cheques and cash" in answer.text
    undone = {"transfer": entries(site.database)[0].source_id, "reason": "x"}
    answer = browser.post(f"/finance/gifts/{gift.id}/undone", data=undone | {"csrf": csrf(browser)})
    assert answer.status_code == 409
    assert len(movements(site.database)) == 1


def test_a_viewer_cannot_undo(site: FinanceSite) -> None:
    """A viewer sees an entry without the form that undoes it, and is refused."""
    enter(site.signed_in(), CASH)
    (entry,) = entries(site.database)
    viewer = site.signed_in(Role.VIEWER)
    assert "Correct or undo" not in viewer.get(f"{HOME}/entries/{entry.id}").text
    assert undo(viewer, entry).status_code == 403


def test_the_day_follows_the_time_zone(site: FinanceSite) -> None:
    """A day that has begun in UTC, but not in Toronto, is refused as the day of a gift."""
    site.clock.instant = datetime(2026, 3, 9, 3, 30, tzinfo=UTC)  # 23:30 on March 8 in Toronto
    browser = site.signed_in()
    assert "received_on" in problems(enter(browser, CASH, received_on="2026-03-09"))
    assert enter(browser, CASH, received_on="2026-03-08").is_redirect
