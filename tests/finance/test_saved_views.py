"""Saved views of the gift list: saving, opening, renaming, replacing and deleting them."""

import re
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlmodel import select

from donate.finance.roles import Role
from donate.finance.saved_views.models import SavedView
from donate.finance.saved_views.queries import MOST_VIEWS
from tests.finance.finance_site import FinanceSite, csrf

QUERY = "status=confirmed&status=refunded&mode=card&sort=amount"
CHIP = re.compile(r'<a class="chip saved" href="([^"]+)"([^>]*)>([^<]+)</a>')


def save(browser: TestClient, name: str = "Cards", query: str = QUERY, **more: str) -> Response:
    form = {"csrf": csrf(browser), "name": name, "query": query} | more
    return browser.post("/finance/views/saved", data=form)


def stored(site: FinanceSite) -> list[SavedView]:
    with site.database.reading() as session:
        return list(session.exec(select(SavedView).order_by(SavedView.name)))


def change(browser: TestClient, act: str, view: SavedView, **more: Any) -> Response:
    form = {"csrf": csrf(browser), "view": view.id, "version": view.version} | more
    return browser.post(f"/finance/views/{act}", data=form)


def test_a_view_is_saved_and_opened(site_on_each: FinanceSite) -> None:
    """A saved view is a chip above the list; its link opens the same filters and order."""
    browser = site_on_each.signed_in(Role.VIEWER)
    assert 'action="/finance/views/saved"' in browser.get(f"/finance/gifts?{QUERY}").text
    answer = save(browser, "  Cards  of this year ")
    assert answer.status_code == 303
    page = browser.get(answer.headers["location"]).text
    ((link, current, name),) = CHIP.findall(page)
    assert (name, 'aria-current="true"' in current) == ("Cards of this year", True)
    assert browser.get(link.replace("&amp;", "&")).text.count("checked>Confirmed") == 1
    ((_, elsewhere, _),) = CHIP.findall(browser.get("/finance/gifts").text)
    assert "aria-current" not in elsewhere
    assert [(act.act, act.about) for act in site_on_each.acts()][1:] == [
        ("saved_view", "Cards of this year")
    ]


def test_saving_twice_saves_once(site_on_each: FinanceSite) -> None:
    """A double click saves one view, and answers both times in the same way."""
    browser = site_on_each.signed_in()
    first, second = save(browser), save(browser)
    assert first.headers["location"] == second.headers["location"]
    assert [view.version for view in stored(site_on_each)] == [1]


def test_a_view_is_replaced_only_on_request(site_on_each: FinanceSite) -> None:
    """If another view has the name, nothing is saved until the user confirms to replace it."""
    browser = site_on_each.signed_in()
    save(browser)
    page = save(browser, query="mode=interac")
    assert page.status_code == 409
    assert "You already have a view called “Cards”" in page.text
    assert [view.query for view in stored(site_on_each)] == [QUERY]
    (version,) = re.findall(r'name="replaces" value="(\d+)"', page.text)
    assert save(browser, query="mode=interac", replaces=version).status_code == 303
    assert save(browser, query="mode=card", replaces=version).status_code == 409
    assert [(view.query, view.version) for view in stored(site_on_each)] == [("mode=interac", 2)]


def test_a_view_belongs_to_one_person(site_on_each: FinanceSite) -> None:
    """Two members of staff may use the same name, and neither sees or changes the other's view."""
    ann, bob = site_on_each.signed_in(), site_on_each.signed_in(email="bob@example.org")
    save(ann)
    save(bob, query="mode=interac")
    assert len(stored(site_on_each)) == 2
    (view,) = [view for view in stored(site_on_each) if view.query != "mode=interac"]
    for act in ("renamed", "deleted"):
        answer = change(bob, act, view, name="Mine")
        assert answer.headers["location"] == "/finance/views?done=gone"
    assert "That view is no longer there." in bob.get("/finance/views?done=gone").text
    assert {view.name for view in stored(site_on_each)} == {"Cards"}


def test_a_view_is_renamed(site_on_each: FinanceSite) -> None:
    """A view gets another name, unless another view has it or it was changed meanwhile."""
    browser = site_on_each.signed_in()
    save(browser)
    save(browser, "Transfers", "mode=interac")
    cards, _ = stored(site_on_each)
    taken = change(browser, "renamed", cards, name="Transfers")
    assert taken.status_code == 409
    assert "Another view has this name." in taken.text
    assert 'value="Transfers" aria-invalid="true"' in taken.text
    assert change(browser, "renamed", cards, name="Plastic").status_code == 303
    assert change(browser, "renamed", cards, name="Plastic").status_code == 303
    stale = change(browser, "renamed", cards, name="Other")
    assert stale.status_code == 409
    assert "This view was changed meanwhile." in stale.text
    assert [view.name for view in stored(site_on_each)] == ["Plastic", "Transfers"]


def test_a_view_is_deleted(site_on_each: FinanceSite) -> None:
    """A view is deleted once, but not by a form that was loaded before the view changed."""
    browser = site_on_each.signed_in()
    save(browser)
    (view,) = stored(site_on_each)
    assert change(browser, "renamed", view, name="Plastic").status_code == 303
    assert change(browser, "deleted", view).status_code == 409
    (view,) = stored(site_on_each)
    assert change(browser, "deleted", view).headers["location"] == "/finance/views?done=deleted"
    assert change(browser, "deleted", view).headers["location"] == "/finance/views?done=gone"
    assert stored(site_on_each) == []
    assert "No saved views yet." in browser.get("/finance/views").text


@pytest.mark.parametrize("typed", ["Another", "a\x00b"], ids=ascii)
def test_the_trail_names_the_view_that_was_deleted(site_on_each: FinanceSite, typed: str) -> None:
    """The trail has the name of the deleted view, whatever name the form sends."""
    browser = site_on_each.signed_in(Role.VIEWER)
    save(browser)
    assert change(browser, "deleted", stored(site_on_each)[0], name=typed).status_code == 303
    last = site_on_each.acts()[-1]
    assert (last.act, last.about) == ("deleted_view", "Cards")


@pytest.mark.parametrize(
    ("name", "query", "sentence"),
    [
        ("", QUERY, "Please enter a name."),
        (" ", QUERY, "Please enter a name."),
        ("x" * 61, QUERY, "Please enter at most 60 characters."),
        ("a\u0000b", QUERY, "Please enter letters, digits and signs only."),
        ("Cards", "", "There is nothing to save."),
        ("Cards", "zz=1&csrf=2", "There is nothing to save."),
        ("Cards", "status=zz", "There is nothing to save."),
    ],
)
def test_a_wrong_view_is_refused(site: FinanceSite, name: str, query: str, sentence: str) -> None:
    """A view without a proper name or without valid filters is refused with a sentence."""
    page = save(site.signed_in(), name, query)
    assert page.status_code == 422
    assert sentence in page.text
    assert stored(site) == []
    if query == QUERY:
        assert 'aria-describedby="name-error"' in page.text
        assert 'name="query" value="status=confirmed&amp;status=refunded' in page.text


def test_a_hostile_view_is_shown_as_text(site: FinanceSite) -> None:
    """Markup in a view's name is shown as text, and a view stores only fields of the list."""
    browser = site.signed_in()
    answer = save(browser, '"><script>alert(1)</script>', "mode=card&next=https://x.example")
    assert answer.headers["location"] == "/finance/gifts?mode=card"
    for path in ("/finance/gifts", "/finance/views"):
        assert "<script>" not in browser.get(path).text


def test_there_is_a_most_of_views(site: FinanceSite) -> None:
    """A person who has the maximum number of views must delete one before saving another."""
    browser = site.signed_in()
    for number in range(MOST_VIEWS):
        assert save(browser, f"View {number}").status_code == 303
    assert "Please delete one first." in save(browser, "One more").text
    assert len(stored(site)) == MOST_VIEWS
