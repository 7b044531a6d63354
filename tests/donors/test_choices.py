"""The Give form refuses what its region does not offer; codes may be typed in many ways."""

import re
from html import unescape
from typing import Any
from urllib.parse import urljoin

import pytest
from sqlalchemy import text

from donate.gifts.queries import donor_of
from tests.donors.visitor import Visitor, error_at, value_of, words_of


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"mode": "gold"}, "mode", "Please choose a payment method."),
        ({"mode": ""}, "mode", "Please choose a payment method."),
        ({"mode": None}, "mode", "Please choose a payment method."),
        ({"mode": "cash"}, "mode", "Please choose a payment method."),
        (
            {"country": "FR"},
            "mode",
            "This payment method works only in Canada, with a Canadian bank account.",
        ),
        ({"country": "XX"}, "country", "Please choose your country from the list."),
        ({"country": "ca"}, "country", "Please choose your country from the list."),
        ({"country": None}, "country", "Please choose your country from the list."),
        ({"frequency": "monthly"}, "frequency", "This frequency isn’t available here."),
        ({"name": "  "}, "name", "Please enter your name."),
        ({"name": None}, "name", "Please enter your name."),
        ({"name": "A" * 201}, "name", "Please shorten your name to 200 characters."),
        (
            {"email": "nobody"},
            "email",
            "Please enter an e-mail address such as name@example.com.",
        ),
        ({"email": None}, "email", "Please enter your e-mail address."),
    ],
    ids=str,
)
def test_refused_beside_its_field(
    visitor: Visitor, fields: dict[str, Any], field: str, sentence: str
) -> None:
    """A choice that is missing or not offered is refused with a message at its field."""
    answer = visitor.give(**fields)
    assert answer.status_code == 422
    assert error_at(answer.text, field) == sentence
    assert visitor.gifts() == []


def test_interac_is_not_in_regions_without_it(visitor: Visitor) -> None:
    """A region without Interac refuses Interac, even in a forged form."""
    answer = visitor.give("LWJPN", amount="5000", country="JP")
    assert error_at(answer.text, "mode") == "Please choose a payment method."
    assert "Interac" not in visitor.get("/give/LWJPN").text


def test_all_mistakes_are_listed_and_the_input_kept(visitor: Visitor) -> None:
    """A form with several mistakes lists them all with links, and keeps its input."""
    page = visitor.give(amount="abc", email="nope", country="FR", name="Zoë & Co").text
    assert page.count("<title>Error:") == 1
    targets = re.findall(r'<li><a href="#([^"]+)">', page)
    assert targets == ["amount", "mode-card", "email"]
    assert all(f'id="{target}"' in page for target in targets)
    for field, typed in (("amount", "abc"), ("email", "nope"), ("name", "Zoë & Co")):
        assert value_of(page, field) == typed
    assert '<option value="FR" selected>' in page
    assert page.count('aria-invalid="true"') == 2
    assert 'aria-describedby="email-error"' in page


def test_a_corrected_form_opens_one_gift(visitor: Visitor) -> None:
    """A refused form keeps its nonce, which identifies it, so the corrected form opens one gift."""
    nonce = visitor.nonce()
    refused = visitor.give(nonce=nonce, amount="abc").text
    assert f'name="nonce" value="{nonce}"' in refused
    assert visitor.open_gift(nonce=nonce).amount_minor == 5_000
    assert len(visitor.gifts()) == 1


@pytest.mark.parametrize("typed", ["lwcan", "LW-CAN", "LWCAN%20", "lw%20can", "Lw%E2%80%93Can"])
def test_codes_as_people_type_them(visitor: Visitor, typed: str) -> None:
    """A giving code in any case, with spaces or dashes, redirects to its canonical URL."""
    answer = visitor.get(f"/give/{typed}?lang=fr-CA")
    assert (answer.status_code, answer.headers["location"]) == (303, "/give/LWCAN?lang=fr-CA")
    assert visitor.get(f"/?code={typed}").headers["location"] == "/give/LWCAN"
    in_french = visitor.get(f"/?code={typed}&lang=fr-CA").headers["location"]
    assert in_french == "/give/LWCAN?lang=fr-CA"
    assert visitor.give(typed, nonce=visitor.nonce()).status_code == 303


@pytest.mark.parametrize("path", ["/give/LWCAM", "/?code=LWCAM"])
def test_an_unknown_code_gets_a_suggestion(visitor: Visitor, path: str) -> None:
    """An unknown giving code gets a 404 page with the nearest code and a field to retype it."""
    answer = visitor.get(path)
    assert answer.status_code == 404
    assert 'href="/give/LWCAN?lang=en-CA"' in answer.text
    assert value_of(answer.text, "code") == "LWCAM"
    french = re.search(r'<a href="([^"]+)" lang="fr-CA"', answer.text)
    assert french
    page = visitor.get(urljoin(path, unescape(french[1])))
    assert page.status_code == 404
    assert 'href="/give/LWCAN?lang=fr-CA"' in page.text
    assert 'name="lang" value="fr-CA"' in page.text


@pytest.mark.parametrize("code", ["ZZZ", "%00", "%ED%A0%80", "%3Cscript%3E", "A" * 3_000])
def test_nonsense_codes_are_404(visitor: Visitor, code: str) -> None:
    """A giving code unlike any other gets a 404 page, without the markup in the code."""
    answer = visitor.get(f"/give/{code}")
    assert answer.status_code == 404
    assert "<script>" not in answer.text
    assert visitor.post(f"/give/{code}").status_code == 404


def test_the_home_page_lists_regions(visitor: Visitor) -> None:
    """The home page links every region, in the reader's language."""
    page = visitor.get("/", "fr-CA").text
    codes = ("LWCAN", "LWJPN", "LWKWT")
    assert all(f'href="/give/{code}?lang=fr-CA"' in page for code in codes)
    assert "Koweït" in words_of(page)
    assert "Kuwait" in words_of(visitor.get("/?lang=en-CA", "fr-CA").text)
    assert 'href="?lang=en-CA"' in page


def test_countries_in_the_readers_language(visitor: Visitor) -> None:
    """All countries are listed in the reader's language, the region's own country first."""
    page = visitor.give(country_switch="yes", lang="fr-CA").text
    names = re.findall(r'<option value="(\w\w)"[^>]*>([^<]+)', page)
    assert names[0] == ("CA", "Canada")
    assert ("DE", "Allemagne") in names
    assert len(names) == len(dict(names)) > 240
    listed = [name for _, name in names]
    assert listed.index("Espagne") < listed.index("États-Unis") < listed.index("Finlande")


def test_each_frequency_has_its_own_amounts(kitchen: Visitor) -> None:
    """A form counts the amounts of its frequency only: the others are out of the donor's sight."""
    fields = {"mode": "card", "amount": "", "preset": "5000"}
    once = kitchen.open_gift(**fields, preset_monthly="1000")
    assert once.amount_minor == 5_000
    monthly = kitchen.open_gift(**fields, preset_monthly="1000", frequency="monthly")
    assert monthly.amount_minor == 1_000
    unseen = kitchen.give(**fields, preset_monthly="", frequency="monthly")
    assert (unseen.status_code, error_at(unseen.text, "amount")) != (303, "")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ann@gmial.com", "ann@gmail.com"),
        ("ann@gmail.co", "ann@gmail.com"),
        ("ann@hotmial.com", "ann@hotmail.com"),
        ("ann@yahooo.ca", "ann@yahoo.ca"),
        ("ann@videotron.cz", "ann@videotron.ca"),
        ("Ann.O+x@OUTLOK.com", "Ann.O+x@outlook.com"),
    ],
)
def test_a_likely_typing_error_is_asked_about_once(
    visitor: Visitor, typed: str, meant: str
) -> None:
    """A donor is asked once about a domain that looks misspelled, and may insist."""
    nonce = visitor.nonce()
    asked = visitor.give(nonce=nonce, email=typed)
    assert asked.status_code == 422
    assert error_at(asked.text, "email").startswith(f"Did you mean {meant}?")
    assert visitor.gifts() == []
    assert visitor.give(nonce=nonce, email=typed, email_as_typed=typed).status_code == 303
    corrected = visitor.give(nonce=nonce, email=typed, email_correction="yes")
    assert corrected.status_code == 303
    with visitor.database.reading() as session:
        emails = [donor_of(session, gift).email for gift in visitor.gifts()]
    assert meant in emails


@pytest.mark.parametrize(
    "domain",
    ["gmail.com", "ymail.com", "mail.com", "live.fr", "example.org", "aol.fr", "gmx.ca", "bell.ca"],
)
def test_other_providers_are_no_typing_errors(visitor: Visitor, domain: str) -> None:
    """A domain that is a mail provider of its own is not asked about."""
    assert visitor.give(email=f"ann@{domain}").status_code == 303


def test_countries_are_listed_on_demand(visitor: Visitor) -> None:
    """The list of countries is sent to a donor who asks for it, with what they typed so far."""
    page = visitor.get("/give/LWCAN").text
    assert value_of(page, "country") == "CA"
    assert "<option" not in page.partition('id="country"')[2]
    asked = visitor.give(country_switch="yes", amount="12.5", name="Zoë")
    assert asked.status_code == 200
    assert asked.text.count("<option") > 240
    assert (value_of(asked.text, "amount"), value_of(asked.text, "name")) == ("12.5", "Zoë")
    assert 'class="error"' not in asked.text
    assert visitor.gifts() == []
    assert visitor.get("/give/LWCAN?country=").text.count("<option") > 240


def test_the_language_switch_keeps_what_was_typed(visitor: Visitor) -> None:
    """Switching the language keeps the input and the form's nonce (its id), and shows no errors."""
    nonce = visitor.nonce()
    answer = visitor.give(nonce=nonce, amount="12,5", name="", language_switch="fr-CA")
    assert answer.status_code == 200
    assert '<html lang="fr-CA">' in answer.text
    assert value_of(answer.text, "amount") == "12,5"
    assert value_of(answer.text, "email") == "anne@example.org"
    assert f'value="{nonce}"' in answer.text
    assert 'class="error"' not in answer.text
    assert visitor.gifts() == []


def test_french_by_browser_and_by_link(visitor: Visitor) -> None:
    """The browser's language or `?lang=fr` selects French, and a gift stores its language."""
    assert "Comment souhaitez-vous donner?" in visitor.get("/give/LWCAN", "fr").text
    assert "Comment souhaitez-vous donner?" in visitor.get("/give/LWCAN?lang=fr").text
    assert visitor.open_gift(lang="fr-CA").language == "fr-CA"


def test_back_finds_the_form(visitor: Visitor) -> None:
    """The browser may cache the form, so that its "back" button shows the filled-in form."""
    assert visitor.get("/give/LWCAN").headers["cache-control"] == "private, no-cache"
    assert visitor.give(amount="abc").headers["cache-control"] == "private, no-cache"


def test_a_busy_database_loses_nothing(visitor: Visitor) -> None:
    """If the database is busy, the donor gets the filled-in form back and can send it again."""
    nonce = visitor.nonce()
    with visitor.database.writing() as session:
        session.execute(text("SELECT 1"))  # In `writing()`, this takes the write lock.
        answer = visitor.give(nonce=nonce)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert "What you entered is still here" in words_of(answer.text)
    assert value_of(answer.text, "name") == "Anne Ouellet"
    assert visitor.open_gift(nonce=nonce).amount_minor == 5_000
