"""A bank line that is no gift is noted once for all open lines of the account with its text."""

import re
from threading import Thread

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from donate.bank.matching.inputs import Band
from donate.bank.matching.line_texts import text_without_days
from donate.bank.reconciliation.models import NoGiftReason
from donate.bank.statements.models import RecordedLine
from donate.finance.roles import Role
from donate.finance.statements import alike_pages
from tests.bank.reconciliation.bank_lines import bank_line, findings, reread
from tests.finance.bank_desk import LINES, parts_of, send_about
from tests.finance.finance_site import FinanceSite, csrf
from tests.finance.payout_pages import text_of

FEES = ("SERVICE FEE JAN 31", "Service fee  FEB 28", "SERVICE FEE MAR 31 000123")


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("SERVICE FEE JAN 31 2026", "SERVICE FEE FEB 28 2026", True),
        ("Frais mensuels — février", "FRAIS MENSUELS AOÛT", True),
        ("FEE #0001/26", "fee 99", True),
        ("SERVICE FEE", "SERVICE FEE REVERSAL", False),
        ("FEE A1", "FEE B", False),
        ("RENT TO ANN", "RENT TO ZOE", False),
    ],
)
def test_numbers_and_months_do_not_count(one: str, other: str, *, is_same: bool) -> None:
    """Two texts are the same if they differ in numbers and months only."""
    assert (text_without_days(one) == text_without_days(other)) is is_same


def fees(site: FinanceSite) -> list[RecordedLine]:
    """Record three fees, and lines that are not the same."""
    lines = [bank_line(site.database, -995 - n, text, day=n + 1) for n, text in enumerate(FEES)]
    bank_line(site.database, 995, "SERVICE FEE REFUND")
    bank_line(site.database, 995, "SERVICE FEE APR")
    bank_line(site.database, -995, "SERVICE FEE", account="Savings")
    bank_line(site.database, -700, "12345")
    return lines


def note(browser: TestClient, line: RecordedLine, reason: str = "bank_fee") -> Response:
    amount = f"{abs(line.amount_minor) / 100:.2f}"
    return send_about(browser, line, "no-gift", reason=reason, amount=amount, note="Plan")


def form_of(page: str) -> dict[str, str]:
    found = dict(re.findall(r'name="(line_\d+)" value="(\d+)"', page))
    part = re.search(r'name="part" value="(\d+)"', page)
    assert part
    return found | {"part": part[1]}


def test_one_decision_for_all_fees(site_on_each: FinanceSite) -> None:
    """After a fee is noted, a summary names the others, one act notes them, and each is undone."""
    site = site_on_each
    first, *others = fees(site)
    browser = site.signed_in()
    assert "with the same text" not in browser.get(f"{LINES}/{first.id}").text
    following = browser.get(note(browser, first).headers["location"]).text
    assert "The same as for the line before, for 2 other open lines with that text" in following
    own = browser.get(f"{LINES}/{first.id}").text
    assert "The same for 2 other open lines of this account with the same text" in own
    page = browser.get(f"{LINES}/{first.id}/alike").text
    assert "2 open lines of the account Chequing have this text" in text_of(page)
    assert "Together: −$19.93." in text_of(page).replace("-$", "−$")
    data = form_of(page) | {"csrf": csrf(browser)}
    assert sorted(data) == sorted(["csrf", "part", *(f"line_{one.id}" for one in others)])
    answer = browser.post(f"{LINES}/{first.id}/alike", data=data)
    assert answer.headers["location"] == "/finance/statements?show=explained&noted=2&of=2"
    assert "2 of 2 lines are noted the same way." in browser.get(answer.headers["location"]).text
    for one in others:
        (part,) = parts_of(site, one)
        assert (part.reason, part.note, part.amount_minor) == (
            NoGiftReason.BANK_FEE,
            "Plan",
            one.amount_minor,
        )
        undo = {"line": str(one.id), "reason": "No fee", "csrf": csrf(browser)}
        undone = browser.post(f"/finance/statements/parts/{part.id}/undone", data=undo)
        assert undone.headers["location"].endswith("?done=undone")
        assert reread(site.database, one).explained_minor == 0
    acts = [act for act in site.acts() if act.act == "bank_line_no_gift"]
    assert {act.about for act in acts} == {f"bank line {one.id}" for one in (first, *others)}
    assert findings(site.database) == []


def test_a_line_that_changed_meanwhile_is_left_out_and_said(site: FinanceSite) -> None:
    """A line that somebody decided after the page was opened keeps that; the number is said."""
    first, second, third = fees(site)
    ann, zoe = site.signed_in(), site.signed_in(email="zoe@example.org")
    note(ann, first)
    data = form_of(ann.get(f"{LINES}/{first.id}/alike").text) | {"csrf": csrf(ann)}
    note(zoe, second, "expense")
    answer = ann.post(f"{LINES}/{first.id}/alike", data=data)
    assert answer.headers["location"].endswith("&noted=1&of=2")
    shown = ann.get(answer.headers["location"]).text
    assert "1 of 2 lines are noted the same way." in shown
    assert "The others have changed meanwhile and need you." in shown
    assert [part.reason for part in parts_of(site, second)] == [NoGiftReason.EXPENSE]
    assert [part.reason for part in parts_of(site, third)] == [NoGiftReason.BANK_FEE]


def test_a_decision_that_was_undone_decides_nothing(site: FinanceSite) -> None:
    """If the first decision was undone after the page was opened, nothing is recorded."""
    first, second, _ = fees(site)
    browser = site.signed_in()
    note(browser, first)
    data = form_of(browser.get(f"{LINES}/{first.id}/alike").text) | {"csrf": csrf(browser)}
    (part,) = parts_of(site, first)
    undo = {"line": str(first.id), "reason": "Mistake", "csrf": csrf(browser)}
    browser.post(f"/finance/statements/parts/{part.id}/undone", data=undo)
    answer = browser.post(f"{LINES}/{first.id}/alike", data=data)
    assert answer.status_code == 409
    assert "was undone or changed meanwhile" in answer.text
    assert parts_of(site, second) == []
    assert browser.get(f"{LINES}/{first.id}/alike").status_code == 409


def test_lines_with_a_suggestion_are_not_offered(site: FinanceSite) -> None:
    """A line that may be a gift is never noted together with others."""
    plain, other, likely = (bank_line(site.database, 100 + n, f"TRANSFER 10{n}") for n in range(3))
    with site.database.writing() as session:
        session.get_one(RecordedLine, likely.id).band = Band.LIKELY
    browser = site.signed_in()
    note(browser, plain, "other_income")
    page = browser.get(f"{LINES}/{plain.id}/alike").text
    assert f"line_{other.id}" in page
    assert f"line_{likely.id}" not in page


def test_lines_that_are_not_alike_cannot_be_sent(site: FinanceSite) -> None:
    """A form with other lines, or with none, records nothing."""
    first, *_ = fees(site)
    other = bank_line(site.database, -123_456, "PAYROLL")
    browser = site.signed_in()
    note(browser, first)
    form = form_of(browser.get(f"{LINES}/{first.id}/alike").text)
    data = {"part": form["part"], "csrf": csrf(browser)}
    none = browser.post(f"{LINES}/{first.id}/alike", data=data)
    assert none.status_code == 422
    assert "Please choose at least one line." in none.text
    sent = {f"line_{other.id}": str(other.version), "line_x": "1", "line_9": "x", "line_999": "1"}
    answer = browser.post(f"{LINES}/{first.id}/alike", data=data | sent)
    assert answer.headers["location"].endswith("&noted=0&of=2")
    assert parts_of(site, other) == []
    for wrong in ("/999/alike", "/x/alike"):
        assert browser.get(f"{LINES}{wrong}").status_code == 404


def test_a_part_of_a_line_is_not_repeated(site: FinanceSite) -> None:
    """If only a part of the line is noted, nothing is offered for other lines."""
    first, *_ = fees(site)
    browser = site.signed_in()
    send_about(browser, first, "no-gift", reason="bank_fee", amount="1.00")
    assert "with the same text" not in browser.get(f"{LINES}/{first.id}").text
    page = browser.get(f"{LINES}/{first.id}/alike")
    assert page.status_code == 409
    assert "isn’t noted as a whole" in page.text


def test_many_lines_come_in_pages(site: FinanceSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page shows so many lines and says how many follow."""
    monkeypatch.setattr(alike_pages, "MOST_ALIKE", 1)
    first, *_ = fees(site)
    browser = site.signed_in()
    note(browser, first)
    page = browser.get(f"{LINES}/{first.id}/alike").text
    assert len(form_of(page)) == 2
    assert "1 more line follows once these are noted." in page


def test_viewers_and_french(site: FinanceSite) -> None:
    """Viewers get no offer and no page; the page exists in French."""
    first, *_ = fees(site)
    browser = site.signed_in()
    note(browser, first)
    viewer = site.signed_in(Role.VIEWER)
    assert "with the same text" not in viewer.get(f"{LINES}/{first.id}").text
    assert viewer.get(f"{LINES}/{first.id}/alike").status_code == 403
    language = {"csrf": csrf(browser), "language": "fr-CA", "next": "/finance"}
    browser.post("/finance/language", data=language)
    page = text_of(browser.get(f"{LINES}/{first.id}/alike").text)
    assert "Lignes avec le même texte" in page
    assert "2 lignes ouvertes du compte Chequing ont ce texte" in page


def test_two_people_at_once_note_each_line_once(site_on_each: FinanceSite) -> None:
    """Two people who send the same page at once neither deadlock nor note a line twice."""
    site = site_on_each
    first, *others = fees(site)
    people = [site.signed_in(), site.signed_in(email="zoe@example.org")]
    note(people[0], first)
    data = form_of(people[0].get(f"{LINES}/{first.id}/alike").text)
    answers: list[str] = []

    def send(browser: TestClient, token: str) -> None:
        answer = browser.post(f"{LINES}/{first.id}/alike", data=data | {"csrf": token})
        answers.append(answer.headers["location"])

    threads = [Thread(target=send, args=(each, csrf(each))) for each in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer[-12:] for answer in answers) == ["noted=0&of=2", "noted=2&of=2"]
    assert [len(parts_of(site, one)) for one in others] == [1, 1]
    assert findings(site.database) == []
