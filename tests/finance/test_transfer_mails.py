"""The staff pages of Interac's e-mails."""

import re
from collections.abc import Sequence

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from donate.bank.transfer_mails.models import TransferMailKey
from donate.finance.roles import Role
from tests.bank.transfer_mails.mail_writer import SELECTOR, WrittenMail, public_record
from tests.finance.finance_site import FinanceSite, csrf

PAGE = "/finance/transfer-mails"
OTHER = b"From: ann@example.org\r\n\r\nHello"
DEPOSIT = WrittenMail(message="<b>LWCAN-7KQ4M2X</b>\nThanks").signed()


def store_key(site: FinanceSite) -> None:
    with site.database.writing() as session:
        now = site.clock.now()
        session.add(TransferMailKey(selector=SELECTOR, record=public_record(), fetched_at=now))


def add(browser: TestClient, *contents: bytes, names: Sequence[str] = ()) -> Response:
    files = [
        ("files", (names[n] if names else f"{n}.eml", content, "message/rfc822"))
        for n, content in enumerate(contents)
    ]
    return browser.post(f"{PAGE}/added", data={"csrf": csrf(browser)}, files=files)


def test_adding_files(site_on_each: FinanceSite) -> None:
    """Several files are added at once; the page says what became of each, the trail who did it."""
    store_key(site_on_each)
    browser = site_on_each.signed_in()
    page = add(browser, DEPOSIT, OTHER, DEPOSIT)
    assert page.status_code == 200
    for sentence in ("C1AVzjTtqRCM was deposited", "no e-mail of Interac", "was added before"):
        assert sentence in page.text
    (act,) = [act for act in site_on_each.acts() if act.act == "transfer_mails_added"]
    assert act.detail == {"letters": 1}
    assert "Added e-mails of Interac: 1" in browser.get("/finance/activity").text
    listed = browser.get(PAGE).text
    assert "JANE DOE" in listed
    assert "$25.00" in listed


def test_one_transfer(site: FinanceSite) -> None:
    """The page of a transfer shows what the e-mails say, as text and never as HTML."""
    store_key(site)
    browser = site.signed_in()
    add(browser, DEPOSIT)
    (link,) = set(re.findall(rf"{PAGE}/transfers/\d+", browser.get(PAGE).text))
    page = browser.get(link).text
    assert "&lt;b&gt;LWCAN-7KQ4M2X&lt;/b&gt;\nThanks" in page
    assert "jane@example.com" in page
    for wrong in ("/999", "/x", "/" + "9" * 30):
        assert browser.get(f"{PAGE}{wrong}").status_code == 404


def test_search(site: FinanceSite) -> None:
    """Staff find a transfer by its reference or by the sender's name."""
    store_key(site)
    browser = site.signed_in()
    add(browser, DEPOSIT, WrittenMail(reference="CAu3wqe5", name="LUCIE EXEMPLE").signed())
    found = browser.get(PAGE, params={"q": "lucie"}).text
    assert "CAu3wqe5" in found
    assert "C1AVzjTtqRCM" not in found
    assert "No transfer matches" in browser.get(PAGE, params={"q": "nobody"}).text


def test_waiting_mails(site: FinanceSite) -> None:
    """E-mails that wait for Interac's key are shown, and staff have them checked at once."""
    browser = site.signed_in()
    assert "doesn’t count yet" in add(browser, DEPOSIT).text
    assert "1 e-mail waits" in browser.get(PAGE).text
    answer = browser.post(f"{PAGE}/checked", data={"csrf": csrf(browser)})
    assert answer.headers["location"] == f"{PAGE}?done=checked"
    assert "transfer_mails_checked" in [act.act for act in site.acts()]


def test_no_file_and_too_many(site: FinanceSite) -> None:
    """A form without files, or with more than 500, gets a sentence, and nothing is recorded."""
    browser = site.signed_in()
    page = browser.post(f"{PAGE}/added", data={"csrf": csrf(browser)}, files=[("files", ("", b""))])
    assert page.status_code == 422
    assert "choose the .eml files" in page.text
    page = add(browser, *[b"x"] * 501)
    assert page.status_code == 422
    assert "at most 500 files" in page.text


def test_file_names(site: FinanceSite) -> None:
    """The name of a file is shown as text, whatever it contains."""
    page = add(site.signed_in(), b"x", names=["<script>\u202e.eml"])
    assert "&lt;script&gt;\ufffd.eml" in page.text


@pytest.mark.parametrize("action", ["added", "checked"])
def test_viewers_only_look(site: FinanceSite, action: str) -> None:
    """A viewer sees the e-mails, without the form, and may not add any."""
    viewer = site.signed_in(Role.VIEWER)
    page = viewer.get(PAGE)
    assert page.status_code == 200
    assert 'type="file"' not in page.text
    files = [("files", ("a.eml", DEPOSIT))] if action == "added" else None
    answer = viewer.post(f"{PAGE}/{action}", data={"csrf": csrf(viewer)}, files=files)
    assert answer.status_code == 403


def test_strangers(site: FinanceSite) -> None:
    """Nobody adds files without signing in, or from another site."""
    assert (
        site.browser().post(f"{PAGE}/added", files=[("files", ("a.eml", DEPOSIT))]).status_code
        == 303
    )
    browser = site.signed_in()
    stale = browser.post(f"{PAGE}/added", data={"csrf": "x"}, files=[("files", ("a.eml", DEPOSIT))])
    assert stale.status_code == 403


def test_in_french(site: FinanceSite) -> None:
    """The pages and the sentences about files are in the language of the person."""
    store_key(site)
    browser = site.signed_in()
    browser.post(
        "/finance/language", data={"csrf": csrf(browser), "language": "fr-CA", "next": PAGE}
    )
    page = add(browser, DEPOSIT, OTHER).text
    assert "le virement C1AVzjTtqRCM a été déposé" in page
    assert "Ce n’est pas un courriel d’Interac" in page
