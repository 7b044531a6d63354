"""Known browsers: guesses from elsewhere do not keep the real person out."""

from datetime import timedelta

import pytest
from sqlmodel import select

from donate.errors import Unavailable
from donate.finance.models import StaffDevice
from donate.finance.staff.devices import KEPT, device_key, remember_device
from donate.finance.staff.password_check import PasswordChecker
from donate.finance.staff.sign_in_limit import (
    MAX_PER_ADDRESS,
    MAX_PER_DEVICE,
    MAX_PER_EMAIL,
    MAX_PER_PAIR,
    MAX_ROWS,
    SignInPace,
    begin_attempt,
    begin_code_attempt,
)
from donate.storage.database import Database
from tests.finance.finance_site import CHEAP, NOW, PASSWORD, FinanceSite, sign_in
from tests.finance.sign_ins import change_password, shut_out

ANN, HERE, WRONG = "ann@example.org", "203.0.113.5", "a wrong guess"
COOKIE = "donate_device"


def guess(site: FinanceSite, how_often: int, email: str = ANN, address: str = HERE) -> None:
    """Guess passwords from a network, without any cookie of earlier sign-ins."""
    for _ in range(how_often):
        assert sign_in(site.browser(address), email, WRONG).status_code in (401, 429)


def test_guesses_do_not_slow_down_a_known_browser(site_on_each: FinanceSite) -> None:
    """In the network of somebody who guesses, the real person signs in at once where they did."""
    site = site_on_each
    site.add_staff()
    browser = site.browser()
    assert sign_in(browser).status_code == 303
    guess(site, MAX_PER_PAIR + 1)
    assert sign_in(site.browser()).status_code == 429, "a new browser in this network waits"
    browser.cookies.delete("donate_staff")
    assert sign_in(browser).status_code == 303
    assert site.pauses == []


def test_a_guessing_network_slows_down_itself_only(site_on_each: FinanceSite) -> None:
    """From any other network the real person signs in at once, without any cookie."""
    site = site_on_each
    site.add_staff()
    guess(site, MAX_PER_PAIR + 3)
    assert sign_in(site.browser("198.51.100.7")).status_code == 303
    assert site.pauses == []


def test_an_ipv6_customer_is_one_network(site: FinanceSite) -> None:
    """All addresses of an IPv6 /48 count as one network, and the next /48 as another."""
    site.add_staff()
    for number in range(MAX_PER_PAIR):
        guess(site, 1, address=f"2001:db8:1:{number}00::1")
    assert sign_in(site.browser("2001:db8:1:ff00::1")).status_code == 429
    assert sign_in(site.browser("2001:db8:2::1")).status_code == 303


def test_a_known_browser_has_a_limit(database: Database) -> None:
    """A stolen cookie gives ten guesses in a quarter of an hour, and then counts as nothing."""
    with database.writing() as session:
        paces = [
            begin_attempt(session, ANN, HERE, now=NOW, device="device 1").pace
            for _ in range(MAX_PER_DEVICE + MAX_PER_PAIR + 1)
        ]
    assert MAX_PER_DEVICE == 10
    assert paces == [SignInPace.GO] * 15 + [SignInPace.STOP]


def test_a_known_browser_is_known_for_its_own_account(site: FinanceSite) -> None:
    """The cookie of one account does not help to guess the password of another."""
    site.add_staff()
    site.add_staff("zoe@example.org")
    browser = site.browser()
    assert sign_in(browser).status_code == 303
    guess(site, MAX_PER_PAIR, "zoe@example.org")
    browser.cookies.delete("donate_staff")
    assert sign_in(browser, "zoe@example.org", WRONG).status_code == 429


def test_two_people_use_one_browser(site: FinanceSite) -> None:
    """A browser in which two people signed in is known for both, by one cookie."""
    site.add_staff()
    site.add_staff("zoe@example.org")
    browser = site.browser()
    sign_in(browser)
    cookie = browser.cookies[COOKIE]
    browser.cookies.delete("donate_staff")
    sign_in(browser, "zoe@example.org")
    assert browser.cookies[COOKIE] == cookie
    with site.database.reading() as session:
        keys = {device_key(session, cookie, email, now=NOW) for email in (ANN, "zoe@example.org")}
    assert len(keys) == 1
    assert keys != {""}


@pytest.mark.parametrize("cookie", ["", "planted", "x" * 5_000], ids=["none", "planted", "long"])
def test_a_planted_cookie_is_replaced(site: FinanceSite, cookie: str) -> None:
    """A cookie that we never gave means nothing, and is replaced after a sign-in."""
    staff_id = site.add_staff()
    with site.database.writing() as session:
        assert device_key(session, cookie, ANN, now=NOW) == ""
        token = remember_device(session, cookie, staff_id, now=NOW)
        assert token != cookie
        assert device_key(session, token, ANN, now=NOW) != ""
        stored = session.exec(select(StaffDevice)).one()
    assert token not in (stored.token_hash, "")


def test_a_browser_is_known_for_half_a_year(site: FinanceSite) -> None:
    """A browser is forgotten 180 days after the last sign-in, and its row deleted later."""
    staff_id = site.add_staff()
    with site.database.writing() as session:
        token = remember_device(session, "", staff_id, now=NOW)
        just = NOW + KEPT - timedelta(seconds=1)
        assert device_key(session, token, ANN, now=just)
        assert device_key(session, token, ANN, now=NOW + KEPT) == ""
        remember_device(session, "", staff_id, now=NOW + KEPT)
        assert len(session.exec(select(StaffDevice)).all()) == 1


@pytest.mark.parametrize("change", [change_password, shut_out])
def test_a_new_password_forgets_the_browsers(site: FinanceSite, change: object) -> None:
    """After a new password, or when the account is disabled, no browser is known any more."""
    site.add_staff()
    sign_in(site.browser())
    with site.database.writing() as session:
        change(session)  # type: ignore[operator]
    with site.database.reading() as session:
        assert session.exec(select(StaffDevice)).all() == []


def test_codes_of_a_known_browser_count_alone(database: Database) -> None:
    """Somebody who knows the password and guesses codes does not keep the real person out."""
    with database.writing() as session:
        for number in range(MAX_PER_EMAIL):
            begin_code_attempt(session, 7, f"198.51.100.{number}", now=NOW)
        stopped = begin_code_attempt(session, 7, HERE, now=NOW)
        known = begin_code_attempt(session, 7, HERE, now=NOW, device="device 1")
    assert (stopped.pace, known.pace) == (SignInPace.STOP, SignInPace.GO)


def test_a_known_browser_goes_on_when_the_table_is_full(database: Database) -> None:
    """Even beyond the limit of stored attempts, a known browser is not delayed."""
    assert MAX_ROWS > MAX_PER_ADDRESS * 300
    with database.writing() as session:
        for number in range(MAX_PER_ADDRESS):
            begin_attempt(session, f"{number}@example.org", HERE, now=NOW)
        attempt = begin_attempt(session, ANN, HERE, now=NOW, device="device 1")
    assert attempt.pace == SignInPace.GO


def test_a_full_line_of_strangers_leaves_room(site: FinanceSite) -> None:
    """While strangers' passwords fill the line for checks, a known browser has its own line."""
    site.add_staff()
    checker = PasswordChecker(site.database, CHEAP)
    while checker._in_line.acquire(blocking=False):
        pass
    with pytest.raises(Unavailable):
        checker.check(ANN, PASSWORD)
    assert checker.check(ANN, PASSWORD, at_known_device=True)
