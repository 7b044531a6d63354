"""A monthly gift is changed only with a new link; an old link still shows it."""

from datetime import timedelta

import pytest
from httpx2 import Response

from donate.gifts.facts import FactKind
from donate.gifts.models import Gift
from donate.gifts.queries import donor_of, facts_of
from tests.donors.own_page.site import OwnPageSite
from tests.donors.visitor import words_of
from tests.gifts.samples import NOW
from tests.links import token_of

BOB = "bob@example.org"
CHANGES = {
    "amount": {"amount": "60.00"},
    "card": {},
    "pause": {"until": "resumed"},
    "resume": {},
    "cancel": {},
}
WHY = "To change, pause or cancel your monthly gift, please ask for a new link"


def change(site: OwnPageSite, first: Gift, act: str) -> Response:
    return site.post(f"/pledges/{token_of(first)}/{act}", CHANGES[act])


def was_requested(site: OwnPageSite, first: Gift) -> bool:
    with site.database.reading() as session:
        kinds = {fact.kind for fact in facts_of(session, first.id)}
    return FactKind.PLEDGE_CHANGE_REQUESTED in kinds


@pytest.mark.parametrize("act", CHANGES)
def test_an_old_link_changes_nothing(sqlite_site: OwnPageSite, act: str) -> None:
    """A day after the start, every change is refused, and the page says what to do instead."""
    first = sqlite_site.begin_pledge()
    sqlite_site.wait(hours=24)
    answer = change(sqlite_site, first, act)
    assert answer.status_code == 403
    assert "Nothing was changed" in words_of(answer.text)
    assert WHY in words_of(answer.text)
    assert not was_requested(sqlite_site, first)


def test_a_new_link_changes_the_gift(site: OwnPageSite) -> None:
    """Within a day of the start, the link alone is enough, and the page has all forms."""
    first = site.begin_pledge()
    site.wait(hours=23, minutes=59)
    page = site.get(f"/pledges/{token_of(first)}").text
    assert WHY not in page
    assert 'id="amount-form"' in page
    assert change(site, first, "amount").status_code == 303
    assert was_requested(site, first)


def test_an_old_link_still_shows_the_gift(sqlite_site: OwnPageSite) -> None:
    """An old link shows the monthly gift, and a button that e-mails a new link."""
    first = sqlite_site.begin_pledge()
    sqlite_site.wait(days=2)
    page = sqlite_site.get(f"/pledges/{token_of(first)}")
    assert page.status_code == 200
    assert "$50.00 every month" in words_of(page.text)
    for form in ("/amount", "/card", "/pause", "/resume", "/cancel"):
        assert f"{token_of(first)}{form}" not in page.text
    assert WHY in words_of(page.text)
    assert "a…@example.com" in page.text
    assert "ann@example.com" not in page.text
    french = sqlite_site.get(f"/pledges/{token_of(first)}?lang=fr-CA").text
    assert "vous devez obtenir un nouveau lien" in words_of(french)


def test_a_one_time_link_allows_changes(site: OwnPageSite) -> None:
    """The button sends a one-time link. Whoever used it may change the gift, for 20 minutes."""
    first = site.begin_pledge()
    site.wait(days=2)
    asked = site.post(f"/gifts/{token_of(first)}/my-gifts?lang=en-CA")
    assert "If we know this address" in site.get(asked.headers["location"]).text
    assert change(site, first, "amount").status_code == 403
    site.open_gifts()
    assert "amount-form" in site.get(f"/pledges/{token_of(first)}").text
    assert change(site, first, "amount").status_code == 303
    assert was_requested(site, first)
    site.wait(minutes=20)
    assert change(site, first, "cancel").status_code == 403


def test_another_donors_session_allows_nothing(sqlite_site: OwnPageSite) -> None:
    """The session of another address, an invented one or one that was ended changes nothing."""
    first = sqlite_site.begin_pledge()
    sqlite_site.give(BOB)
    sqlite_site.wait(days=2)
    sqlite_site.open_gifts(BOB)
    assert change(sqlite_site, first, "cancel").status_code == 403
    sqlite_site.open_gifts()
    sqlite_site.post("/my-gifts/done")
    assert change(sqlite_site, first, "cancel").status_code == 403
    sqlite_site.browser.cookies.set("donate_my_gifts", "x" * 43)
    assert change(sqlite_site, first, "cancel").status_code == 403
    assert not was_requested(sqlite_site, first)


def test_without_an_address_staff_help(sqlite_site: OwnPageSite) -> None:
    """If the gift has no e-mail address, the page asks to write to the organisation."""
    first = sqlite_site.begin_pledge()
    with sqlite_site.database.writing() as session:
        session.get_one(Gift, first.id).opened_at = NOW - timedelta(days=2)
        donor = donor_of(session, first)
        donor.email = ""
    words = words_of(sqlite_site.get(f"/pledges/{token_of(first)}").text)
    assert "Please write to us" in words
    assert "E-mail me a link" not in words
    assert change(sqlite_site, first, "cancel").status_code == 403
