"""The staff pages about e-mails to donors."""

import re
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from donate.finance.roles import Role
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.gifts.queries import replacement_key
from donate.letters.finder import LetterFinder
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter, new_letter
from donate.letters.sending.outbox import Outbox
from donate.letters.sending.smtp import Smtp
from donate.regions.modes import Mode
from donate.storage.bulk_writes import insert_new
from tests.finance.finance_site import REGIONS, FinanceSite, csrf
from tests.letters.mailer import SENDER, SITE, run_mail_server, smtp_to
from tests.links import links_at, token_of

REFUSED = "The mail server refused it: 550 5.1.1."


def put_letter(
    site: FinanceSite, gift: Gift, kind: LetterKind = LetterKind.INSTRUCTIONS, state: str = "sent"
) -> Letter:
    now = site.clock.now()
    row = new_letter(gift.id, kind, "", now=now) | {"state": state}
    row |= {"sent_at": now if state == "sent" else None}
    row |= {"reason": REFUSED if state == "set_aside" else ""}
    with site.database.writing() as session:
        insert_new(session, Letter, [row])
        return session.exec(select(Letter).order_by(col(Letter.id).desc())).first()  # type: ignore[return-value]


def letters(site: FinanceSite) -> list[tuple[int, str]]:
    with site.database.reading() as session:
        return [
            (letter.again, letter.state)
            for letter in session.exec(select(Letter).order_by(col(Letter.id)))
        ]


def press(browser: TestClient, gift: Gift, action: str, target: Letter, **more: object) -> int:
    form = {"csrf": csrf(browser), "letter": target.id, "again": target.again + 1} | more
    return browser.post(f"/finance/gifts/{gift.id}/{action}", data=form).status_code


def test_a_gift_shows_its_letters(site: FinanceSite) -> None:
    """A gift's page lists the e-mails to the donor, and whether each was sent."""
    gift = site.gift()
    put_letter(site, gift)
    put_letter(site, gift, kind=LetterKind.REMINDER, state="set_aside")
    page = site.signed_in().get(f"/finance/gifts/{gift.id}").text
    for words in ("How to send the gift", "Sent.", "Reminder", REFUSED):
        assert words in page
    assert page.count("Send again") == 2
    assert page.count("Don’t send") == 1


@pytest.mark.parametrize("kind", sorted(LetterKind))
def test_a_letter_can_be_read(site: FinanceSite, kind: LetterKind) -> None:
    """Staff can read an e-mail that still applies, but the donor's secret link is not in it."""
    gift = site.gift()
    letter = put_letter(site, gift, kind=kind)
    page = site.signed_in(Role.VIEWER).get(f"/finance/gifts/{gift.id}/letters/{letter.id}")
    assert page.status_code == 200
    # Nothing was paid, refunded or changed, and the region reminds nobody, so e-mails of these
    # kinds do not apply.
    about_money = ("refund", "refund_failed", "not_sent_back", "thank_you", "correction")
    about_changes = ("pledge_amount", "pledge_paused", "pledge_resumed", "pledge_method")
    about_links = ("confirm_account", "pledge_link", "unfinished")
    is_empty = kind in (*about_money, *about_changes, *about_links)
    assert ("This e-mail no longer applies" in page.text) == is_empty
    assert (gift.reference in page.text.partition("<pre")[2]) != is_empty
    assert token_of(gift) not in page.text


def test_a_viewer_sees_letters_and_sends_none(site: FinanceSite) -> None:
    """A viewer sees e-mails, but has no buttons to send or dismiss them, and gets 403."""
    gift = site.gift()
    letter = put_letter(site, gift, state="set_aside")
    viewer = site.signed_in(Role.VIEWER)
    page = viewer.get(f"/finance/gifts/{gift.id}").text
    assert REFUSED in page
    assert "Send again" not in page
    assert "Send it again" not in viewer.get("/finance/letters").text
    assert press(viewer, gift, "letter-again", letter) == 403
    assert press(viewer, gift, "letter-dismissed", letter) == 403
    assert viewer.post("/finance/letters/again", data={"csrf": csrf(viewer)}).status_code == 403
    assert letters(site) == [(0, "set_aside")]


def test_a_letter_is_sent_again_and_arrives(site_on_each: FinanceSite) -> None:
    """Sending an e-mail again stores and sends a second one, and the trail records who did it."""
    site = site_on_each
    gift = site.gift()
    letter = put_letter(site, gift)
    browser = site.signed_in()
    assert press(browser, gift, "letter-again", letter) == 303
    assert letters(site) == [(0, "sent"), (1, "waiting")]
    with run_mail_server() as mail_server:
        sending(site, smtp_to(mail_server)).send_due()
    assert len(mail_server.messages) == 1
    assert letters(site) == [(0, "sent"), (1, "sent")]
    act = site.acts()[-1]
    assert (act.act, act.about) == ("letter_again", gift.reference)
    assert act.detail == {"kind": "instructions", "letter": letter.id}
    page = browser.get(f"/finance/gifts/{gift.id}").text
    assert "sent again by Ann Lee" in page
    assert page.count("Send again") == 1


def sending(site: FinanceSite, carrier: Smtp) -> Outbox:
    return Outbox(site.database, REGIONS, site.clock, carrier, sender=SENDER, links=links_at(SITE))


def test_a_letter_is_sent_again_once(site: FinanceSite) -> None:
    """A form to send an e-mail again has effect once, even after a double click."""
    gift = site.gift()
    letter = put_letter(site, gift)
    browser = site.signed_in()
    for _ in range(2):
        assert press(browser, gift, "letter-again", letter) == 303
    assert letters(site) == [(0, "sent"), (1, "waiting")]
    assert [act.act for act in site.acts()].count("letter_again") == 1


def test_sending_again_decides_about_a_set_aside_letter(site: FinanceSite) -> None:
    """A set-aside e-mail that is sent again leaves the list, and its gift still shows the error."""
    gift = site.gift()
    letter = put_letter(site, gift, state="set_aside")
    browser = site.signed_in()
    assert gift.reference in browser.get("/finance/letters").text
    assert press(browser, gift, "letter-again", letter) == 303
    assert letters(site) == [(0, "dismissed"), (1, "waiting")]
    assert gift.reference not in browser.get("/finance/letters").text
    assert REFUSED in browser.get(f"/finance/gifts/{gift.id}").text


def test_a_letter_can_be_left_unsent(site: FinanceSite) -> None:
    """Staff can dismiss a set-aside e-mail, and the trail records that once."""
    gift = site.gift()
    letter = put_letter(site, gift, state="set_aside")
    browser = site.signed_in()
    for _ in range(2):
        assert press(browser, gift, "letter-dismissed", letter) == 303
    assert letters(site) == [(0, "dismissed")]
    assert [act.act for act in site.acts()].count("letter_dismissed") == 1


def test_an_untrue_letter_is_not_sent_again(site: FinanceSite) -> None:
    """An e-mail that is no longer true cannot be sent again, such as instructions after payment."""
    gift = site.gift(received_minor=5_000)
    letter = put_letter(site, gift)
    browser = site.signed_in()
    assert "Send again" not in browser.get(f"/finance/gifts/{gift.id}").text
    assert press(browser, gift, "letter-again", letter) == 409
    assert letters(site) == [(0, "sent")]


@pytest.mark.parametrize("state", ["sent", "set_aside"])
def test_instructions_are_not_sent_again_after_another_gift(
    site_on_each: FinanceSite, state: str
) -> None:
    """Instructions cannot be sent again after the donor paid with another gift instead."""
    site = site_on_each
    gift, other = site.gift(), site.gift("other")
    letter = put_letter(site, gift, state=state)
    browser, page = site.signed_in(), f"/finance/gifts/{gift.id}"
    assert "Send again" in browser.get(page).text
    paid = Fact(FactKind.TRANSFER_RECEIVED, "C1", site.clock.now(), "stripe", 5_000, "CAD")
    with site.database.writing() as session:
        session.get_one(Gift, other.id).form_key = replacement_key(gift, Mode.INTERAC)
        record_facts(session, [(other.id, paid)], now=site.clock.now())
    assert site.reread(gift).status == "awaited"
    assert "Send again" not in browser.get(page).text
    assert press(browser, gift, "letter-again", letter) == 409
    assert browser.post("/finance/letters/again", data={"csrf": csrf(browser)}).status_code == 303
    assert letters(site) == [(0, state)]


@pytest.mark.parametrize(
    "typed",
    [
        {"letter": ""}, {"letter": "99"}, {"letter": "-1"}, {"letter": "9" * 40}, {"letter": "٣"},
        {"again": ""}, {"again": "0"}, {"again": "7"}, {"again": "9" * 18}, {"again": "x"},
    ],
    ids=ascii,
)  # fmt: skip
def test_an_invalid_form_finds_no_letter(site: FinanceSite, typed: dict[str, str]) -> None:
    """A form with an invalid id or number of an e-mail gets 404, and nothing is sent."""
    gift = site.gift()
    letter = put_letter(site, gift)
    assert press(site.signed_in(), gift, "letter-again", letter, **typed) == 404
    assert letters(site) == [(0, "sent")]


def test_another_gift_s_letter_is_not_here(site: FinanceSite) -> None:
    """The URL of an e-mail gets 404 if it names another gift."""
    mine, other = site.gift("form-1"), site.gift("form-2")
    letter = put_letter(site, other, state="set_aside")
    browser = site.signed_in()
    assert press(browser, mine, "letter-again", letter) == 404
    assert press(browser, mine, "letter-dismissed", letter) == 404
    assert browser.get(f"/finance/gifts/{mine.id}/letters/{letter.id}").status_code == 404
    assert letters(site) == [(0, "set_aside")]


def test_all_can_be_sent_again_at_once(site: FinanceSite) -> None:
    """One button sends all set-aside e-mails again that are still true."""
    for number in range(3):
        put_letter(site, site.gift(f"form-{number}"), state="set_aside")
    put_letter(site, site.gift("paid", received_minor=5_000), state="set_aside")
    browser = site.signed_in()
    for _ in range(2):
        answer = browser.post("/finance/letters/again", data={"csrf": csrf(browser)})
        assert answer.status_code == 303
    states = [state for _, state in letters(site)]
    assert sorted(states) == ["dismissed"] * 3 + ["set_aside"] + ["waiting"] * 3
    assert [act.detail for act in site.acts() if act.act == "letters_again"] == [{"letters": 3}]


def test_every_page_says_what_could_not_be_sent(site: FinanceSite) -> None:
    """Every staff page links to e-mails that could not be sent, until staff decide about them."""
    gift = site.gift()
    letter = put_letter(site, gift, state="set_aside")
    browser = site.signed_in()
    notice = "1 e-mail to a donor could not be sent."
    for page in ("gifts", f"gifts/{gift.id}", "set-aside", "activity"):
        shown = browser.get(f"/finance/{page}").text
        assert re.search(rf'{notice} <a href="/finance/letters">Review it\.</a>', shown)
    assert notice not in browser.get("/finance/letters").text
    press(browser, gift, "letter-dismissed", letter)
    assert notice not in browser.get("/finance/gifts").text


def test_every_page_says_when_letters_wait(site: FinanceSite) -> None:
    """Every staff page says if an e-mail has failed at least once and is over an hour late."""
    letter = put_letter(site, site.gift(), state="waiting")
    with site.database.writing() as session:
        session.get_one(Letter, letter.id).tries = 1
    notice = "E-mails are delayed. The mail server hasn’t accepted any for an hour."
    assert notice not in site.signed_in().get("/finance/gifts").text
    site.clock.instant += timedelta(hours=1, seconds=1)
    assert notice in site.signed_in(email="ann@example.org").get("/finance/gifts").text


def test_staff_see_when_the_thanks_are_sent(site_on_each: FinanceSite) -> None:
    """A gift's page says when the thank-you will be sent, and undoing the transfer stops it."""
    site = site_on_each
    gift = site.gift()
    finder = LetterFinder(site.database, site.clock, lambda: None)
    finder.find_due()
    browser = site.signed_in()
    form = {"received_on": "2026-03-10", "amount": "60.00", "bank_reference": "CAX1", "seen": "0"}
    marked = browser.post(f"/finance/gifts/{gift.id}/received", data=form | {"csrf": csrf(browser)})
    page = browser.get(marked.headers["location"]).text
    assert "The thank-you e-mail will be sent at 11:10\u202fa.m., unless you undo" in page
    finder.find_due()
    page = browser.get(f"/finance/gifts/{gift.id}").text
    assert "Undo the transfer to stop it. Will be sent at" in page
    assert "If you undo it before 11:10\u202fa.m., the thank-you e-mail isn’t sent." in page

    undo = {"transfer": "CAX1#0", "reason": "Mistyped", "csrf": csrf(browser)}
    undone = browser.post(f"/finance/gifts/{gift.id}/undone", data=undo)
    page = browser.get(undone.headers["location"]).text
    assert "Not sent. The transfer was undone." in page
    assert "11:10" not in page
    assert page.count("Send again") == 0


def test_after_ten_minutes_the_thanks_cannot_be_stopped(site: FinanceSite) -> None:
    """Ten minutes after staff marked a transfer, the page says that undoing sends a correction."""
    gift = site.gift()
    browser = site.signed_in()
    form = {"received_on": "2026-03-10", "amount": "60.00", "bank_reference": "CAX1"}
    browser.post(f"/finance/gifts/{gift.id}/received", data=form | {"csrf": csrf(browser)})
    site.wait(minutes=10)
    page = browser.get(f"/finance/gifts/{gift.id}?done=marked").text
    assert "will be sent at" not in page
    assert "we send a correction" in page
