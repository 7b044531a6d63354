"""Suggestions for bank lines on the staff pages: one is accepted, or all certain ones together."""

import re
from datetime import timedelta

import pytest

from donate.bank.reconciliation import accepting_many
from donate.bank.reconciliation.suggesting import suggest_for_open_lines
from donate.bank.statements.models import RecordedLine
from donate.finance.statements import suggestion_pages
from donate.gifts.models import Gift
from tests.bank.reconciliation.bank_lines import bank_line, findings, reread
from tests.finance.bank_desk import LINES, parts_of, send_about
from tests.finance.finance_site import FinanceSite, csrf
from tests.finance.transfers import mark

HOME = "/finance/statements"


def key_on(page: str) -> str:
    """Return the key of the first suggestion on the page of a line."""
    key = re.search(r'name="suggestion" value="([0-9a-f]+)"', page)
    assert key
    return key[1]


def certain_line(site: FinanceSite, key: str = "one") -> tuple[RecordedLine, Gift]:
    """Return a bank line that has the reference of a gift, after it was matched."""
    one = site.gift(key)
    line = bank_line(site.database, 5_000, f"E-TRANSFER {one.reference}")
    suggest_for_open_lines(site.database, ["LWCAN"], now=site.clock.now())
    return line, one


def test_a_suggestion_is_shown_and_accepted(site_on_each: FinanceSite) -> None:
    """The page of a line shows the suggested gift with its reasons, and one click accepts it."""
    line, gift = certain_line(site_on_each)
    browser = site_on_each.signed_in()
    page = browser.get(f"{LINES}/{line.id}").text
    assert gift.reference in page
    assert "The line contains the reference" in page
    assert "Certain" in page
    answer = send_about(browser, line, "accepted", suggestion=key_on(page))
    assert answer.headers["location"] == "/finance/statements?done=all"
    assert site_on_each.reread(gift).status == "confirmed"
    assert findings(site_on_each.database) == []


def test_equal_candidates_are_told_apart(site: FinanceSite) -> None:
    """Of two gifts that fit equally well, the page has donor, e-mail, reference, day and amount."""
    two = [
        site.gift(key, name=name, now=site.clock.now() - timedelta(days=days))
        for key, name, days in (("one", "Ann Roy", 3), ("two", "Ben Roy", 5))
    ]
    line = bank_line(site.database, 5_000, "DEPOSIT FREE INTERAC E-TRANSFER")
    browser = site.signed_in()
    suggest_for_open_lines(site.database, ["LWCAN"], now=site.clock.now())
    page = browser.get(f"{LINES}/{line.id}").text
    assert "Ambiguous" in page
    assert page.count("Another gift fits just as well. Please choose one.") == 2
    for gift, name, day in zip(two, ("Ann Roy", "Ben Roy"), ("7", "5"), strict=True):
        shown = page[page.index(gift.reference) :].partition("</li>")[0]
        assert re.search(rf"{name}</strong> maya@example.com, chosen on .*\b{day}\b.*50.00", shown)


@pytest.mark.parametrize("suggestion", ["", "0", "x", "-1", "f" * 32])
def test_a_suggestion_that_is_not_there_is_refused(site: FinanceSite, suggestion: str) -> None:
    """A number that names no suggestion of the line is refused with a sentence."""
    line, _ = certain_line(site)
    answer = send_about(site.signed_in(), line, "accepted", suggestion=suggestion)
    assert answer.status_code == 409
    assert "no longer stands" in answer.text


def test_all_certain_lines_are_accepted_after_a_summary(site_on_each: FinanceSite) -> None:
    """The summary names the lines and their sum; one click accepts those that are certain."""
    pairs = [certain_line(site_on_each, key) for key in ("one", "two", "three")]
    bank_line(site_on_each.database, 700, "WHO IS THIS")
    browser = site_on_each.signed_in()
    page = browser.get("/finance/statements/certain").text
    assert "Accept 3 certain lines" in page
    assert "$150.00" in page
    lines = re.search(r'name="lines" value="([^"]*)"', page)
    assert lines
    data = {"csrf": csrf(browser), "lines": lines[1]}
    answer = browser.post("/finance/statements/certain", data=data)
    assert answer.headers["location"] == "/finance/statements?done=certain&accepted=3&of=3"
    assert "3 of 3 certain lines are accepted." in browser.get(answer.headers["location"]).text
    assert {site_on_each.reread(gift).status for _, gift in pairs} == {"confirmed"}
    assert findings(site_on_each.database) == []


def test_a_full_page_says_how_many_certain_lines_follow(
    site: FinanceSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page shows so many certain lines and no more; it says how many follow and how many stay."""
    monkeypatch.setattr(suggestion_pages, "MOST_AT_ONCE", 2)
    for key in ("one", "two", "three"):
        certain_line(site, key)
    bank_line(site.database, 700, "WHO IS THIS")
    browser = site.signed_in()
    page = browser.get("/finance/statements/certain").text
    assert "Accept 2 certain lines" in page
    assert "1 more certain line follows." in page
    assert "1 more line stays open." in page
    lines = re.search(r'name="lines" value="([^"]*)"', page)
    assert lines
    data = {"csrf": csrf(browser), "lines": lines[1]}
    answer = browser.post("/finance/statements/certain", data=data)
    assert answer.headers["location"].endswith("accepted=2&of=2")
    page = browser.get("/finance/statements/certain").text
    assert "Accept 1 certain line" in page
    assert "follows" not in page


def test_a_line_that_changed_is_left_out(site_on_each: FinanceSite) -> None:
    """If a gift was paid between the summary and the click, its line is left for a person."""
    pairs = [certain_line(site_on_each, key) for key in ("one", "two")]
    browser = site_on_each.signed_in()
    page = browser.get("/finance/statements/certain").text
    lines = re.search(r'name="lines" value="([^"]*)"', page)
    assert lines
    mark(site_on_each.signed_in(email="bo@example.org"), pairs[0][1], bank_reference="CA-77")
    data = {"csrf": csrf(browser), "lines": lines[1]}
    answer = browser.post("/finance/statements/certain", data=data)
    page = browser.get(answer.headers["location"]).text
    assert "1 of 2 certain lines are accepted." in page
    assert site_on_each.reread(pairs[0][1]).received_minor == 5_000
    assert site_on_each.reread(pairs[1][1]).received_minor == 5_000


def test_one_line_that_changes_just_now_stops_no_other(
    site_on_each: FinanceSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a bank reference is used at this very moment, all other certain lines are accepted."""
    pairs = [certain_line(site_on_each, key) for key in ("one", "two")]
    browser = site_on_each.signed_in()
    lines = re.search(r'name="lines" value="([^"]*)"', browser.get(f"{HOME}/certain").text)
    assert lines
    other = site_on_each.gift("three")
    mark(site_on_each.signed_in(email="bo@example.org"), other, bank_reference="LINE 1")
    monkeypatch.setattr(accepting_many, "_unused", lambda _session, whole: list(whole))
    data = {"csrf": csrf(browser), "lines": lines[1]}
    answer = browser.post(f"{HOME}/certain", data=data)
    assert answer.headers["location"].endswith("accepted=1&of=2")
    assert [site_on_each.reread(gift).received_minor for _, gift in pairs] == [0, 5_000]
    assert findings(site_on_each.database) == []


@pytest.mark.parametrize("lines", ["", "x", "1", "1.x", "0.0", ",,,", "9" * 60])
def test_odd_numbers_of_lines_accept_nothing(site: FinanceSite, lines: str) -> None:
    """A form with numbers of no lines accepts nothing, and is answered like any other."""
    line, gift = certain_line(site)
    browser = site.signed_in()
    data = {"csrf": csrf(browser), "lines": lines}
    assert browser.post("/finance/statements/certain", data=data).status_code == 303
    assert site.reread(gift).received_minor == 0
    assert parts_of(site, line) == []


def test_only_certain_lines_are_accepted_together(site_on_each: FinanceSite) -> None:
    """A line that is only likely is not accepted with the certain ones, even if a form names it."""
    gift = site_on_each.gift()
    line = bank_line(site_on_each.database, 5_000, "E-TRANSFER - AUTODEPOSIT MAYA TREMBLAY")
    browser = site_on_each.signed_in()
    suggest_for_open_lines(site_on_each.database, ["LWCAN"], now=site_on_each.clock.now())
    key = key_on(browser.get(f"{LINES}/{line.id}").text)
    data = {"csrf": csrf(browser), "lines": f"{line.id}.{line.version}.{key}"}
    answer = browser.post("/finance/statements/certain", data=data)
    assert answer.headers["location"] == "/finance/statements?done=certain&accepted=0&of=1"
    assert reread(site_on_each.database, line).band == "likely"
    assert site_on_each.reread(gift).received_minor == 0
