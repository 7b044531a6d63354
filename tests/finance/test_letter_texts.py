"""The staff pages on which the texts of e-mails are written."""

import html
import re
from typing import Final

import pytest
from httpx2 import Response

from donate.finance.roles import Role
from donate.letters.kinds import LetterKind
from donate.regions.modes import Mode
from donate.regions.regions import Regions
from donate.storage.database import Database
from tests.finance.finance_site import REGIONS, FinanceSite, csrf, fields, open_site
from tests.finance.text_desk import (
    LIST,
    PAGE,
    TYPED,
    acts_on_texts,
    preview,
    send_text,
    stored_texts,
)
from tests.letters.reminding import reminding

# The region does not remind donors of unfinished payments.
SENT_HERE: Final = [kind for kind in LetterKind if kind is not LetterKind.UNFINISHED]


def test_the_list_has_every_text(site: FinanceSite) -> None:
    """The list links to each kind of e-mail in both languages, and says who changed it."""
    browser = site.signed_in()
    for kind in SENT_HERE:
        for language in ("en-CA", "fr-CA"):
            assert f'href="{LIST}/LWCAN/{language}/{kind}"' in browser.get(LIST).text
    assert "Your own" not in browser.get(LIST).text
    send_text(browser, "saved")
    page = browser.get(LIST).text
    assert page.count("Your own") == 1
    assert page.count("</time>, Ann Lee") == 1


@pytest.mark.parametrize("language", ["en-CA", "fr-CA"])
@pytest.mark.parametrize("kind", SENT_HERE)
def test_each_page_begins_with_the_standard_text(
    site: FinanceSite, kind: LetterKind, language: str
) -> None:
    """A page has the standard text in its form, and previews it for an example donor."""
    page = site.signed_in().get(f"{LIST}/LWCAN/{language}/{kind}")
    assert page.status_code == 200
    assert 'name="seen" value="0"' in page.text
    shown_html, shown_text = preview(page)
    for shown in (shown_html, shown_text):
        assert "LWCAN-EXAMPLE" in shown
        assert ("Alex Exemple" if language == "fr-CA" else "Alex Example") in shown
    assert "{" not in shown_text


def test_a_saved_text_is_in_force(site_on_each: FinanceSite) -> None:
    """Saving stores the text, with who and when, and the page then shows it."""
    site = site_on_each
    browser = site.signed_in()
    answer = send_text(browser, "saved")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?done=saved")
    page = browser.get(f"{PAGE}?done=saved")
    assert "Saved. E-mails sent from now on have this text." in page.text
    assert 'value="Your {amount} for the roof"' in page.text
    shown_html, shown_text = preview(page)
    assert "Thank you, Alex Example" in shown_html
    assert "It &lt;i&gt;rains&lt;/i&gt; no more." in shown_html
    assert "It <i>rains</i> no more." in shown_text
    assert "It is not an official tax receipt." in shown_text
    assert stored_texts(site) == [(1, False, "Your {amount} for the roof")]
    assert acts_on_texts(site) == [("letter_text_written", "LWCAN en-CA")]
    sentence = "Wrote the text of “Thank-you” for"
    assert sentence in browser.get("/finance/activity").text


def test_a_preview_saves_nothing(site: FinanceSite) -> None:
    """A preview shows the typed text, and leaves the stored one as it is."""
    page = send_text(site.signed_in(), "preview")
    assert page.status_code == 200
    assert "Not saved yet. The e-mail would look like this." in page.text
    assert "Thank you, Alex Example" in preview(page)[0]
    assert 'value="Your {amount} for the roof"' in page.text
    assert stored_texts(site) == []
    assert acts_on_texts(site) == []


def test_a_preview_can_run_no_script(site: FinanceSite) -> None:
    """The preview is in a sandbox; the page allows only the e-mail's own style, by its hash."""
    page = send_text(site.signed_in(), "preview", opening="<script>alert(1)</script>")
    assert '<iframe class="letter-frame" sandbox srcdoc=' in page.text
    policy = page.headers["content-security-policy"]
    assert re.search(r"style-src 'self' 'sha256-[A-Za-z0-9+/=]{44}';", policy)
    assert "unsafe-inline" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "<script>alert" not in preview(page)[0]


def test_the_standard_text_can_come_back(site: FinanceSite) -> None:
    """Going back adds a row; saving the standard words, or the same words again, adds none."""
    browser = site.signed_in()
    standard = fields_of_form(browser.get(PAGE))
    assert send_text(browser, "saved", **standard).status_code == 303
    assert stored_texts(site) == []
    for _ in range(2):
        send_text(browser, "saved")
    assert send_text(browser, "standard").headers["location"] == f"{PAGE}?done=standard"
    send_text(browser, "standard")
    assert stored_texts(site) == [(1, False, "Your {amount} for the roof"), (2, True, "")]
    acts = [act for act, _ in acts_on_texts(site)]
    assert acts == ["letter_text_written", "letter_text_standard"]
    page = browser.get(PAGE).text
    assert "Your {amount} for the roof" in page.partition("Earlier texts")[2]
    assert "Back to the standard text" not in page


def fields_of_form(page: Response) -> dict[str, str]:
    values = dict(re.findall(r'<input id="(\w+)" name="\1"[^>]*? value="([^"]*)"', page.text))
    areas = re.findall(r'<textarea id="(\w+)"[^>]*>\n(.*?)</textarea>', page.text, re.DOTALL)
    return {name: html.unescape(value) for name, value in {**values, **dict(areas)}.items()}


def test_the_second_of_two_is_told(site_on_each: FinanceSite) -> None:
    """The second of two people is told, sees both texts, and may then save again."""
    site = site_on_each
    one, two = site.signed_in(), site.signed_in(email="zoe@example.org")
    page = fields(two.get(PAGE))
    send_text(one, "saved")
    form = TYPED | page | {"subject": "Mine"}
    told = two.post(f"{PAGE}/saved", data=form)
    assert told.status_code == 409
    assert "Someone else changed this text after you opened it," in told.text
    assert "Now saved: Your {amount} for the roof" in told.text
    assert 'value="Mine"' in told.text
    assert len(stored_texts(site)) == 1
    previewed = two.post(f"{PAGE}/preview", data=form)
    assert 'name="seen" value="0"' in previewed.text
    again = two.post(f"{PAGE}/saved", data=form | fields(told))
    assert again.status_code == 303
    assert [subject for *_, subject in stored_texts(site)] == ["Your {amount} for the roof", "Mine"]


@pytest.mark.parametrize("act", ["saved", "preview", "test"])
def test_a_wrong_text_loses_nothing(site: FinanceSite, act: str) -> None:
    """A wrong placeholder gets a sentence that names it, and what was typed stays in the form."""
    page = send_text(site.signed_in(), act, opening="Dear {nome}", closing="4242 4242 4242 4242")
    assert page.status_code == 422
    assert "You can’t use {nome} here. You can use {name}, {amount}, {date}," in page.text
    assert "That looks like a card number. Please remove it." in page.text
    assert "Dear {nome}</textarea>" in page.text
    assert 'aria-invalid="true" aria-describedby="opening-error"' in page.text
    assert stored_texts(site) == []


def test_a_form_without_fields_is_no_error(site: FinanceSite) -> None:
    """A form that lacks fields gets sentences, and one that lacks the version gets 404."""
    browser = site.signed_in()
    token = {"csrf": csrf(browser)}
    assert browser.post(f"{PAGE}/saved", data=token).status_code == 422
    assert browser.post(f"{PAGE}/preview", data=token | {"opening": "a"}).status_code == 422
    assert browser.post(f"{PAGE}/standard", data=token).status_code == 404
    for seen in ("", "x", "-1", "9" * 40):
        assert send_text(browser, "saved", seen=seen).status_code == 404
    assert send_text(browser, "saved", seen="7").status_code == 409


@pytest.mark.parametrize("place", ["X/en-CA/refund", "LWCAN/de/refund", "LWCAN/en-CA/advert"])
def test_an_unknown_text_is_not_found(site: FinanceSite, place: str) -> None:
    """An unknown region, language or kind gets 404."""
    assert site.signed_in().get(f"{LIST}/{place}").status_code == 404


def test_a_region_has_only_the_e_mails_that_it_sends(database: Database) -> None:
    """A region without transfers has no text for instructions, on the list or on a page."""
    region = REGIONS["LWCAN"]
    cards = region.model_copy(update={"modes": {Mode.CARD: region.modes[Mode.CARD]}})
    browser = open_site(database, regions=Regions({"LWCAN": cards})).signed_in()
    assert "/instructions" not in browser.get(LIST).text
    assert "/thank_you" in browser.get(LIST).text
    assert browser.get(f"{LIST}/LWCAN/en-CA/instructions").status_code == 404


def test_a_region_that_reminds_has_a_text_for_it(database: Database) -> None:
    """Where donors are reminded, staff can write the text, and the link that stops it stays."""
    browser = open_site(database, regions=reminding()).signed_in()
    page = browser.get(f"{LIST}/LWCAN/en-CA/unfinished")
    assert "{organisation}" in page.text
    assert "Stop reminders about unfinished payments" in preview(page)[1]
    changed = send_text(
        browser, "preview", page=f"{LIST}/LWCAN/en-CA/unfinished", closing="{organisation}"
    )
    assert "Roof Fund" in preview(changed)[1]
    assert "Stop reminders about unfinished payments" in preview(changed)[1]


def test_viewers_change_no_texts(site: FinanceSite) -> None:
    """A viewer gets no link to the texts, and 403."""
    viewer = site.signed_in(Role.VIEWER)
    assert LIST not in viewer.get("/finance/letters").text
    assert viewer.get(LIST).status_code == 403
    form = TYPED | {"csrf": csrf(viewer), "seen": "0"}
    for act in ("saved", "preview", "standard", "test"):
        assert viewer.post(f"{PAGE}/{act}", data=form).status_code == 403
