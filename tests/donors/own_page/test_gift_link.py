"""One click from each e-mail, gift and monthly gift to the button that sends the link."""

import pytest

from donate.donors.own_page.asking import MOST_PER_NETWORK
from donate.gifts.facts import FactKind
from donate.gifts.models import Donor
from donate.letters.email_message import Composer
from donate.letters.kinds import LetterKind
from tests.donors.own_page.site import ANN, OwnPageSite, link_in
from tests.donors.visitor import words_of
from tests.gifts.samples import NOW, fact, paid, record
from tests.letters.every_kind import a_letter
from tests.letters.mailer import SENDER, markup, plain
from tests.links import token_of


def test_a_gift_leads_to_all_gifts(site: OwnPageSite) -> None:
    """The button sends the link to the gift's own address, which is in no URL."""
    gift, other = site.give(), site.give()
    page = f"/gifts/{token_of(gift)}/my-gifts"
    assert f'href="{page}?lang=en-CA"' in site.get(f"/gifts/{token_of(gift)}").text
    shown = site.get(page).text
    assert "a…@example.com" in words_of(shown)
    assert ANN not in shown
    assert token_of(other) not in shown
    answer = site.post(page)
    assert ANN not in answer.headers["location"]
    assert "a link is on its way" in site.get(answer.headers["location"]).text
    site.send()
    (message,) = site.carrier.messages
    assert message["To"] == ANN
    site.post(link_in(message))
    assert token_of(other) in site.get("/my-gifts").text


def test_opening_the_page_sends_nothing(sqlite_site: OwnPageSite) -> None:
    """Only the button sends a link, because mail scanners open pages."""
    gift = sqlite_site.give()
    sqlite_site.get(f"/gifts/{token_of(gift)}/my-gifts")
    assert sqlite_site.requests() == []


def test_the_language_is_the_gifts(sqlite_site: OwnPageSite) -> None:
    """The page and the e-mail are in the gift's language, or the one that the donor switched to."""
    gift = sqlite_site.give(language="fr-CA")
    page = f"/gifts/{token_of(gift)}/my-gifts"
    assert "Recevoir un lien" in sqlite_site.get(page).text
    assert "Send me a link" in sqlite_site.get(f"{page}?lang=en-CA").text
    sqlite_site.post(page)
    assert sqlite_site.requests()[0]["language"] == "fr-CA"


def test_the_limit_of_a_network_holds_here_too(sqlite_site: OwnPageSite) -> None:
    """Beyond the limit the answer is the same, and nothing is stored."""
    gift = sqlite_site.give()
    page = f"/gifts/{token_of(gift)}/my-gifts"
    answers = {sqlite_site.post(page).headers["location"] for _ in range(MOST_PER_NETWORK + 1)}
    assert len(answers) == 1
    assert len(sqlite_site.requests()) == MOST_PER_NETWORK


def test_another_site_cannot_press_the_button(sqlite_site: OwnPageSite) -> None:
    """A form on another site sends no link."""
    gift = sqlite_site.give()
    headers = {"sec-fetch-site": "cross-site"}
    sqlite_site.post(f"/gifts/{token_of(gift)}/my-gifts", headers=headers)
    assert sqlite_site.requests() == []


def test_a_gift_without_an_address_has_no_such_page(sqlite_site: OwnPageSite) -> None:
    """A gift that staff entered without an address leads nowhere."""
    gift = sqlite_site.give()
    with sqlite_site.database.writing() as session:
        session.get_one(Donor, gift.donor_id).email = ""
    for answer in (
        sqlite_site.get(f"/gifts/{token_of(gift)}/my-gifts"),
        sqlite_site.post(f"/gifts/{token_of(gift)}/my-gifts"),
        sqlite_site.get("/gifts/nosuchgift/my-gifts"),
    ):
        assert answer.status_code == 404
    assert "my-gifts" not in sqlite_site.get(f"/gifts/{token_of(gift)}").text


def test_a_monthly_gift_and_the_form_lead_there(sqlite_site: OwnPageSite) -> None:
    """The page of a monthly gift and the Give form lead to all gifts."""
    first = sqlite_site.give(frequency="monthly")
    record(sqlite_site.database, first, paid(), fact(FactKind.PLEDGE_STARTED, "sub_1"))
    page = sqlite_site.get(f"/pledges/{token_of(first)}").text
    assert f'href="/gifts/{token_of(first)}/my-gifts?lang=en-CA"' in page
    form = sqlite_site.get("/give/LWCAN?lang=fr-CA").text
    assert 'href="/my-gifts?lang=fr-CA"' in form
    assert "Vous avez déjà fait un don?" in form


@pytest.mark.parametrize("kind", LetterKind)
def test_every_email_leads_there(sqlite_site: OwnPageSite, kind: LetterKind) -> None:
    """Each kind of e-mail has the link in its text and its HTML, without the address."""
    letter, context = a_letter(sqlite_site.database, kind, "fr-CA")
    message = Composer(SENDER).compose(letter, context, NOW)
    for text in (plain(message), markup(message)):
        assert f"{context.page}/my-gifts" in text
        assert "Voir tous vos dons" in text
        assert context.donor.email not in text
