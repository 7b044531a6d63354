"""A one-time link works once and for 20 minutes; so does the session that it begins."""

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from donate.donors.own_page.links import LINK_LIFE, MOST_LINKS, SESSION_LIFE, begin_link, use_link
from donate.donors.own_page.models import DonorLink
from donate.donors.own_page.queries import profile_of_address
from donate.gifts.donor_profiles.rules import email_key
from tests.donors.own_page.site import ANN, OwnPageSite
from tests.donors.visitor import words_of
from tests.gifts.samples import NOW

USED = "This link doesn’t work any more"


def test_opening_a_link_does_not_use_it(site: OwnPageSite) -> None:
    """Mail scanners open links: however often a link is opened, its button still works."""
    site.give()
    link = site.link_for()
    for _ in range(3):
        page = site.get(link)
        assert "Show my gifts" in page.text
        assert "set-cookie" not in page.headers
    assert site.post(link).headers["location"].startswith("/my-gifts?")
    assert "Your gifts" in words_of(site.get("/my-gifts").text)


def test_a_link_works_once(site: OwnPageSite) -> None:
    """A used link opens nothing in another browser, says so, and offers a new one."""
    site.give()
    link = site.link_for()
    assert site.post(link).status_code == 303
    other = site.another_browser()
    for answer in (other.get(link), other.post(link)):
        assert answer.status_code == 404
        assert USED in answer.text
        assert "Send me a link" in answer.text
        assert "set-cookie" not in answer.headers
    assert "Your gifts" not in words_of(other.get("/my-gifts").text)


def test_a_second_click_in_the_same_browser_shows_the_gifts(sqlite_site: OwnPageSite) -> None:
    """Whoever opens the link again in the browser that used it sees the gifts."""
    sqlite_site.give()
    link = sqlite_site.link_for()
    sqlite_site.post(link)
    for answer in (sqlite_site.get(link), sqlite_site.post(link)):
        assert (answer.status_code, answer.headers["location"][:9]) == (303, "/my-gifts")
        assert "set-cookie" not in answer.headers


def test_of_two_uses_at_once_one_counts(site: OwnPageSite) -> None:
    """If many requests use a link at the same time, exactly one begins a session."""
    site.give()
    token = site.link_for().partition("?")[0].rpartition("/")[2]
    start, sessions = threading.Barrier(6), []

    def use() -> None:
        start.wait(10)
        with site.database.writing() as session:
            sessions.append(use_link(session, token, now=NOW))

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(sessions) == 6
    assert len([one for one in sessions if one]) == 1


def test_a_link_expires(site: OwnPageSite) -> None:
    """A link works until just before 20 minutes are over, and not after."""
    site.give()
    link = site.link_for()
    site.clock.instant = NOW + LINK_LIFE - timedelta(seconds=1)
    assert site.get(link).status_code == 200
    site.wait(seconds=1)
    for answer in (site.get(link), site.post(link)):
        assert answer.status_code == 404
        assert USED in answer.text
    assert timedelta(minutes=20) == LINK_LIFE


def test_a_session_ends_after_20_minutes(site: OwnPageSite) -> None:
    """The gifts are shown for 20 minutes; after that the page offers a new link."""
    site.give()
    site.open_gifts()
    site.clock.instant = NOW + SESSION_LIFE - timedelta(seconds=1)
    assert "Your gifts" in words_of(site.get("/my-gifts").text)
    site.wait(seconds=1)
    page = site.get("/my-gifts")
    assert "this page closes after 20 minutes" in page.text
    assert "Monthly" not in page.text
    assert timedelta(minutes=20) == SESSION_LIFE


def test_a_donor_ends_the_session(site: OwnPageSite) -> None:
    """“I’m done” ends the session in the database too, so that an old cookie opens nothing."""
    site.give()
    site.open_gifts()
    cookie = site.browser.cookies["donate_my_gifts"]
    answer = site.post("/my-gifts/done")
    assert answer.headers["clear-site-data"] == '"cache"'
    assert "You’re done" in site.get(answer.headers["location"]).text
    site.browser.cookies.set("donate_my_gifts", cookie)
    assert "Send me a link" in site.get("/my-gifts").text


def test_a_new_session_ends_the_earlier_one(sqlite_site: OwnPageSite) -> None:
    """A browser has one session: using another link ends the one before."""
    site = sqlite_site
    site.give()
    site.open_gifts()
    old = site.browser.cookies["donate_my_gifts"]
    site.open_gifts()
    other = site.another_browser()
    other.cookies.set("donate_my_gifts", old)
    assert "Send me a link" in other.get("/my-gifts").text


@pytest.mark.parametrize("token", ["nosuchlink", "x" * 64, "x" * 65, "%00", "a%20b", "é"])
def test_an_unknown_link_says_the_same(sqlite_site: OwnPageSite, token: str) -> None:
    """A link that never existed is answered as a used one."""
    for answer in (sqlite_site.get(f"/my-gifts/{token}"), sqlite_site.post(f"/my-gifts/{token}")):
        assert answer.status_code == 404
        assert USED in answer.text


def test_only_hashes_are_stored(site: OwnPageSite) -> None:
    """No column has the token of a link or of a session."""
    site.give()
    link = site.link_for()
    site.post(link)
    secrets = [link.partition("?")[0].rpartition("/")[2], site.browser.cookies["donate_my_gifts"]]
    stored = str(site.links())
    assert site.links()[0]["session_hash"]
    assert [secret for secret in secrets if secret in stored] == []


def test_links_to_a_mailbox_are_limited(site: OwnPageSite) -> None:
    """A mailbox gets three links an hour and ten a day, also under other spellings."""
    spellings = ["ann.lee@gmail.com", "annlee@gmail.com", "annlee+x@googlemail.com"]
    for email in spellings:
        site.give(email)
    made = 0
    for hour in range(6):
        site.clock.instant = NOW + timedelta(hours=hour)
        with site.database.writing() as session:
            for email in spellings * 2:
                profile = profile_of_address(session, email)
                assert profile
                made += bool(begin_link(session, profile, now=site.clock.now()))
        assert made == min(3 * (hour + 1), 10)
    assert [most for _, most in MOST_LINKS] == [3, 10]


def test_links_are_deleted_after_a_day(sqlite_site: OwnPageSite) -> None:
    """Links are kept as long as they count, and then deleted."""
    site = sqlite_site
    site.give()
    site.link_for()
    site.wait(days=1)
    site.link_for()
    assert len(site.links()) == 1


@pytest.mark.parametrize(
    "values",
    [
        pytest.param("used_at = made_at", id="used without a session"),
        pytest.param("session_hash = 'x'", id="a session without a use"),
        pytest.param("session_ends_at = made_at", id="an end without a use"),
        pytest.param(
            "used_at = expires_at, session_hash = 'x', session_ends_at = made_at", id="used late"
        ),
        pytest.param("expires_at = made_at", id="never usable"),
    ],
)
def test_the_database_guards_links(site: OwnPageSite, values: str) -> None:
    """The database refuses a link that is used without a session, or after it expired."""
    site.give()
    site.link_for()
    with pytest.raises(IntegrityError), site.database.writing() as session:
        session.execute(sa.text(f"UPDATE {DonorLink.__tablename__} SET {values}"))


def test_a_mailbox_is_no_identity(sqlite_site: OwnPageSite) -> None:
    """Another spelling of a known address gets no link, because it may be another person's."""
    site = sqlite_site
    site.give(ANN)
    site.ask("ann+x@example.com")
    site.send()
    assert site.carrier.messages == []
    assert email_key("ann+x@example.com") != email_key(ANN)
