"""The staff pages of bank lines: what is open, and the forms that say what a line is."""

import re
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlmodel import select

from donate.bank.reconciliation.deciding import NoGiftPart
from donate.bank.reconciliation.models import NoGiftReason
from donate.bank.reconciliation.suggesting import suggest_for_open_lines
from donate.bank.statements.models import RecordedLine
from donate.finance.roles import Role
from donate.gifts.models import Gift
from donate.regions.modes import Mode
from tests.bank.reconciliation.bank_lines import bank_line, decide, findings, reread
from tests.finance.bank_desk import LINES, parts_of, send_about
from tests.finance.finance_site import FinanceSite, csrf
from tests.finance.transfers import mark


def test_the_list_shows_open_lines_and_progress(site_on_each: FinanceSite) -> None:
    """The list shows the open lines, how many are done, and how much is unexplained."""
    database = site_on_each.database
    bank_line(database, 5_000, "E-TRANSFER JANE")
    fee = bank_line(database, -150, "SERVICE FEE")
    decide(database, fee, NoGiftPart(NoGiftReason.BANK_FEE, -150))
    page = site_on_each.signed_in(Role.VIEWER).get("/finance/statements").text
    assert "E-TRANSFER JANE" in page
    assert "SERVICE FEE" not in page
    assert "1 of 2" in page
    assert "$50.00" in page
    done = site_on_each.signed_in().get("/finance/statements?show=explained").text
    assert "SERVICE FEE" in done
    assert "E-TRANSFER JANE" not in done


def test_a_line_is_tied_to_a_gift_that_staff_found(site_on_each: FinanceSite) -> None:
    """Staff search a gift on the page of a line, and tie it; the gift is confirmed."""
    line, gift = bank_line(site_on_each.database, 5_000), site_on_each.gift()
    next_line = bank_line(site_on_each.database, 700, "OTHER", day=8)
    browser = site_on_each.signed_in()
    page = browser.get(f"{LINES}/{line.id}?q=tremblay")
    assert gift.reference in page.text
    answer = send_about(browser, line, "tied", gift=str(gift.id), amount="50.00")
    assert answer.headers["location"] == f"{LINES}/{next_line.id}?done=tied"
    assert site_on_each.reread(gift).status == "confirmed"
    assert site_on_each.acts()[-1].act == "bank_line_tied"
    assert findings(site_on_each.database) == []


def test_newer_card_gifts_hide_no_gift_by_transfer(site_on_each: FinanceSite) -> None:
    """The search of a line finds a gift by transfer behind sixty newer card gifts of its amount."""
    line, gift = bank_line(site_on_each.database, 5_000), site_on_each.gift()
    for number in range(60):
        now = site_on_each.clock.now() + timedelta(seconds=number)
        site_on_each.gift(key=f"card {number}", mode=Mode.CARD, now=now)
    page = site_on_each.signed_in().get(f"{LINES}/{line.id}?q=50.00")
    assert gift.reference in page.text


def test_a_gift_that_the_matcher_does_not_look_at_is_found_and_tied(
    site_on_each: FinanceSite,
) -> None:
    """Staff find a gift of years ago that was paid already, and it is marked as paid too much."""
    old = site_on_each.clock.now() - timedelta(days=900)
    gift = site_on_each.gift(now=old)
    browser = site_on_each.signed_in()
    mark(browser, gift, received_on="2026-03-01")
    line = bank_line(site_on_each.database, 5_000, "WHO IS THIS")
    suggest_for_open_lines(site_on_each.database, ["LWCAN"], now=site_on_each.clock.now())
    assert gift.reference not in browser.get(f"{LINES}/{line.id}").text
    assert gift.reference in browser.get(f"{LINES}/{line.id}?q={gift.reference}").text
    assert send_about(browser, line, "tied", gift=str(gift.id), amount="50").status_code == 303
    paid = site_on_each.reread(gift)
    assert (paid.received_minor, paid.flags) == (10_000, "amount_differs,paid_more_than_once")
    assert findings(site_on_each.database) == []


def test_a_split_leaves_the_rest_open(site_on_each: FinanceSite) -> None:
    """If a part of a line is tied, the page of the line stays, with the rest."""
    line, gift = bank_line(site_on_each.database, 8_000), site_on_each.gift()
    browser = site_on_each.signed_in()
    answer = send_about(browser, line, "tied", gift=str(gift.id), amount="50")
    assert answer.headers["location"] == f"{LINES}/{line.id}?done=part"
    assert "$30.00" in browser.get(answer.headers["location"]).text


def test_a_debit_is_noted_with_its_reason(site_on_each: FinanceSite) -> None:
    """Staff note what money that left the account was; they type the amount without a sign."""
    line, browser = bank_line(site_on_each.database, -150, "FEE"), site_on_each.signed_in()
    answer = send_about(browser, line, "no-gift", reason="bank_fee", amount="1.50", note="March")
    assert answer.headers["location"] == "/finance/statements?done=all"
    (part,) = parts_of(site_on_each, line)
    assert (part.reason, part.amount_minor, part.note) == (NoGiftReason.BANK_FEE, -150, "March")


@pytest.mark.parametrize(
    ("act", "typed", "sentence"),
    [
        ("tied", {"gift": "x", "amount": "50"}, "Please choose a gift."),
        ("tied", {"amount": "50"}, "Please choose a gift."),
        ("no-gift", {"amount": "50"}, "Please choose what it is."),
        ("no-gift", {"reason": "gold", "amount": "50"}, "Please choose what it is."),
        ("no-gift", {"reason": "other", "amount": "abc"}, "amount"),
        ("no-gift", {"reason": "other", "amount": "50.01"}, "more than is left"),
        ("no-gift", {"reason": "other", "amount": "1", "note": "x" * 501}, "shorten"),
        ("no-gift", {"reason": "other", "amount": "1", "note": "4242 4242 4242 4242"}, "card"),
    ],
)
def test_wrong_forms_are_answered_with_a_sentence(
    site: FinanceSite, act: str, typed: dict[str, str], sentence: str
) -> None:
    """A form with a mistake is answered with the page, the sentence, and what was typed."""
    line = bank_line(site.database, 5_000)
    answer = send_about(site.signed_in(), line, act, **typed)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert parts_of(site, line) == []


def test_of_two_clerks_the_second_is_told(site_on_each: FinanceSite) -> None:
    """A form from before somebody else's decision is refused with 409."""
    line, gift = bank_line(site_on_each.database, 5_000), site_on_each.gift()
    decide(site_on_each.database, line, NoGiftPart(NoGiftReason.OTHER, 1_000))
    answer = send_about(site_on_each.signed_in(), line, "tied", gift=str(gift.id), amount="40")
    assert answer.status_code == 409
    assert "look again" in answer.text


def test_undo_needs_a_reason_and_opens_the_line(site_on_each: FinanceSite) -> None:
    """A part is undone with a reason, and then the line can be decided again."""
    line = bank_line(site_on_each.database, 5_000)
    (part,) = decide(site_on_each.database, line, NoGiftPart(NoGiftReason.OTHER, 5_000))
    browser = site_on_each.signed_in()
    path = f"/finance/statements/parts/{part.id}/undone"
    data = {"line": str(line.id), "csrf": csrf(browser)}
    for refused in (" ", "4242 4242 4242 4242"):
        assert browser.post(path, data=data | {"reason": refused}).status_code == 422
    answer = browser.post(path, data=data | {"reason": "It was a gift"})
    assert answer.headers["location"] == f"{LINES}/{line.id}?done=undone"
    assert reread(site_on_each.database, line).explained_minor == 0
    assert "It was a gift" in browser.get(f"{LINES}/{line.id}").text
    assert browser.post(path, data=data | {"reason": "again"}).status_code == 409


def test_viewers_only_look(site: FinanceSite) -> None:
    """A viewer sees a line, but no form, and may not decide."""
    line, viewer = bank_line(site.database, 5_000), site.signed_in(Role.VIEWER)
    assert "This is not a gift" not in viewer.get(f"{LINES}/{line.id}").text
    answer = send_about(viewer, line, "no-gift", reason="other", amount="50")
    assert answer.status_code == 403


@pytest.mark.parametrize("number", ["0", "x", "9" * 30, "-1", "1%00"])
def test_unknown_lines_are_not_found(site: FinanceSite, number: str) -> None:
    """The page of a line that does not exist is answered with 404."""
    assert site.signed_in().get(f"{LINES}/{number}").status_code == 404


def open_new(browser: TestClient, line: RecordedLine, **typed: str) -> Response:
    data = {"form_key": "k" * 20, "code": "LWCAN", "amount": "50", "donor": "new"} | typed
    return send_about(browser, line, "new-gift", **data)


def test_a_gift_is_opened_for_a_line(site_on_each: FinanceSite) -> None:
    """Staff open a gift for money that nobody announced, and the line pays it."""
    line, browser = bank_line(site_on_each.database, 5_000), site_on_each.signed_in()
    assert browser.get(f"{LINES}/{line.id}/new-gift").status_code == 200
    answer = open_new(browser, line, name="Jane Smith", email="jane@example.com")
    assert answer.headers["location"] == f"{LINES}/{line.id}?done=gift_opened"
    page = browser.get("/finance/gifts").text
    assert "Jane Smith" in page
    assert reread(site_on_each.database, line).explained_minor == 5_000
    assert findings(site_on_each.database) == []


def test_a_gift_that_is_opened_twice_is_one(site_on_each: FinanceSite) -> None:
    """If the form is sent twice, the second is refused, and there is one gift."""
    line, browser = bank_line(site_on_each.database, 5_000), site_on_each.signed_in()
    open_new(browser, line, name="Jane Smith")
    assert open_new(browser, line, name="Jane Smith").status_code == 409
    assert len(parts_of(site_on_each, line)) == 1


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"name": ""}, "enter the donor’s name"),
        ({"name": "Jane", "email": "jane"}, "such as name@example.com"),
        ({"name": "Jane", "amount": "50.01"}, "more than is left"),
        ({"name": "Jane", "amount": "x"}, "amount"),
        ({"name": "Jane", "fund": "gold"}, "choose a fund"),
        ({"name": "Jane", "code": "NOPE"}, "choose a code"),
        ({"donor": "999"}, "choose who gave it"),
    ],
)
def test_a_wrong_new_gift_keeps_what_was_typed(
    site: FinanceSite, typed: dict[str, str], sentence: str
) -> None:
    """A mistake in the form of a new gift is named, and nothing is opened."""
    line, browser = bank_line(site.database, 5_000), site.signed_in()
    answer = open_new(browser, line, **typed)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert parts_of(site, line) == []
    with site.database.reading() as session:
        assert session.exec(select(Gift)).all() == []


def test_no_gift_is_opened_for_money_out(site: FinanceSite) -> None:
    """The page of a new gift does not exist for a debit."""
    line = bank_line(site.database, -5_000)
    assert site.signed_in().get(f"{LINES}/{line.id}/new-gift").status_code == 404


def test_a_marked_transfer_is_tied_by_hand(site_on_each: FinanceSite) -> None:
    """The search offers a gift's marked transfer, and tying it records no second one."""
    line, gift = bank_line(site_on_each.database, 5_000, "DEPOSIT"), site_on_each.gift()
    browser = site_on_each.signed_in()
    mark(browser, gift)
    page = browser.get(f"{LINES}/{line.id}?q=tremblay").text
    assert "Marked as received by hand on 2026-03-09" in page
    source = re.search(r'name="source" value="([^"]*)"', page)
    assert source
    answer = send_about(browser, line, "tied", gift=str(gift.id), source=source[1])
    assert answer.status_code == 303
    assert site_on_each.reread(gift).received_minor == 5_000
    again = bank_line(site_on_each.database, 5_000, "ANOTHER")
    assert (
        send_about(browser, again, "tied", gift=str(gift.id), source=source[1]).status_code == 409
    )
    assert findings(site_on_each.database) == []


@pytest.mark.parametrize("path", ["payouts/%00", "gifts/%00", "donors/%00", "statements/lines/%00"])
def test_nul_in_an_address_is_not_found(site_on_each: FinanceSite, path: str) -> None:
    """NUL in the address of a staff page is answered with 404 on both databases."""
    assert site_on_each.signed_in().get(f"/finance/{path}").status_code == 404
