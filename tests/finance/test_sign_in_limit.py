"""Repeated failed sign-ins are delayed and then refused."""

import threading
from datetime import timedelta

import pytest
from sqlmodel import func, select

from donate.finance.activity.trail import MAX_STRANGERS_AN_HOUR
from donate.finance.models import SignInFailure, Staff
from donate.finance.staff.sign_in import DELAYED_AT_ONCE
from donate.finance.staff.sign_in_limit import (
    MAX_PER_ADDRESS,
    MAX_PER_EMAIL,
    MAX_PER_PAIR,
    MAX_ROWS,
    WINDOW,
    SignInPace,
    begin_attempt,
    code_key,
)
from donate.storage.database import Database
from donate.web.limits.networks import network_of
from tests.finance.finance_site import NOW, FinanceSite, sign_in
from tests.finance.people_site import code_at, enter, half_signed_in, with_factor


def failures(database: Database) -> int:
    with database.reading() as session:
        return session.exec(select(func.count()).select_from(SignInFailure)).one()


def test_five_failures_block_user_and_address(site_on_each: FinanceSite) -> None:
    """After five failed sign-ins of a user from an IP address, that pair gets 429 for a while."""
    site = site_on_each
    site.add_staff()
    for _ in range(MAX_PER_PAIR):
        assert sign_in(site.browser(), password="a wrong guess").status_code == 401
    answer = sign_in(site.browser())
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= WINDOW.total_seconds() + 1
    assert "Too many attempts." in answer.text
    assert "too many tries" in site.refusals()
    assert sign_in(site.browser("198.51.100.7")).status_code == 303, "from elsewhere"
    site.wait(seconds=int(answer.headers["retry-after"]))
    assert sign_in(site.browser()).status_code == 303, "after the wait"


def test_signing_in_resets_the_count(site: FinanceSite) -> None:
    """A successful sign-in resets the count of the user's failed ones."""
    site.add_staff()
    for _ in range(3):
        for _ in range(MAX_PER_PAIR - 1):
            assert sign_in(site.browser(), password="a wrong guess").status_code == 401
        assert sign_in(site.browser()).status_code == 303
    assert failures(site.database) == 0


def test_one_address_may_not_try_many_people(database: Database) -> None:
    """Thirty failed sign-ins from an IP address block that address for every user."""
    with database.writing() as session:
        paces = [
            begin_attempt(session, f"{i}@example.org", "203.0.113.5", now=NOW).pace
            for i in range(MAX_PER_ADDRESS + 2)
        ]
        assert paces == [SignInPace.GO] * MAX_PER_ADDRESS + [SignInPace.STOP] * 2
        assert begin_attempt(session, "x@example.org", "203.0.113.6", now=NOW).pace == SignInPace.GO


def test_many_addresses_only_delay(site: FinanceSite) -> None:
    """Failed sign-ins of a user from many networks delay these, and block nobody."""
    site.add_staff()
    with site.database.writing() as session:
        for i in range(MAX_PER_EMAIL):
            begin_attempt(session, "ann@example.org", f"198.51.100.{i}", now=NOW)
    assert sign_in(site.browser()).status_code == 303
    assert site.pauses == [], "a network that never failed is not delayed"
    assert sign_in(site.browser("198.51.100.7")).status_code == 303
    assert site.pauses == [1.0]


def test_few_sign_ins_are_delayed_at_a_time(site: FinanceSite) -> None:
    """At most four sign-ins are delayed at a time, so that they do not use up all threads."""
    assert DELAYED_AT_ONCE == 4
    site.add_staff()
    with site.database.writing() as session:
        for i in range(MAX_PER_EMAIL):
            begin_attempt(session, "ann@example.org", f"198.51.100.{i}", now=NOW)
    waiting = threading.Barrier(DELAYED_AT_ONCE + 1)
    go_on = threading.Event()

    def pause(_: float) -> None:
        waiting.wait(timeout=10)
        go_on.wait(timeout=10)

    site.pauses.pause = pause
    attempts = [
        threading.Thread(target=sign_in, args=(site.browser(f"198.51.100.{i}"),))
        for i in range(DELAYED_AT_ONCE)
    ]
    for attempt in attempts:
        attempt.start()
    waiting.wait(timeout=10)
    answer = sign_in(site.browser("198.51.100.9"))
    go_on.set()
    for attempt in attempts:
        attempt.join()
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "5"
    site.pauses.pause = None
    assert sign_in(site.browser("198.51.100.9")).status_code == 303


def test_the_table_stays_small(site: FinanceSite) -> None:
    """The table of failed sign-ins stops growing at its limit, and old rows are deleted."""
    database = site.database
    with database.writing() as session:
        rows = [
            SignInFailure(email=f"{i}@example.org", address=f"net {i}", failed_at=NOW)
            for i in range(MAX_ROWS)
        ]
        session.bulk_save_objects(rows)
    with database.writing() as session:
        assert begin_attempt(session, "a@example.org", "new", now=NOW).pace == SignInPace.SLOWLY
    assert failures(database) == MAX_ROWS
    with database.writing() as session:
        later = NOW + WINDOW + timedelta(seconds=1)
        assert begin_attempt(session, "a@example.org", "new", now=later).pace == SignInPace.GO
    assert failures(database) == 1


def test_concurrent_attempts_are_all_counted(database: Database) -> None:
    """The limit on failed sign-ins holds even for twenty concurrent attempts."""
    paces = []

    def attempt() -> None:
        with database.writing() as session:
            paces.append(begin_attempt(session, "ann@example.org", "203.0.113.5", now=NOW).pace)

    threads = [threading.Thread(target=attempt) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(paces) == [SignInPace.GO] * MAX_PER_PAIR + [SignInPace.STOP] * (20 - MAX_PER_PAIR)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("::ffff:203.0.113.5", "203.0.113.5"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/56"),
        ("2001:db8:1:2::1", "2001:db8:1::/56"),
        ("fe80::1%eth0", "fe80::/56"),
        ("testclient", "testclient"),
        ("x" * 200, "x" * 64),
        ("a\x00\nb", "a??b"),
        ("", "unknown"),
    ],
)
def test_one_household_is_one_network(address: str, network: str) -> None:
    """Limits count an IPv6 address as its /56 network, and an IPv4 address as itself."""
    assert network_of(address) == network


def test_strangers_do_not_fill_the_trail(site: FinanceSite) -> None:
    """The trail records a limited number of refusals of strangers an hour, but all of staff."""
    browser = site.signed_in()
    for _ in range(MAX_STRANGERS_AN_HOUR + 5):
        site.browser().get("/finance/gifts")
    assert len(site.refusals()) == MAX_STRANGERS_AN_HOUR
    browser.post("/finance/sign-out", data={"csrf": "stale"})
    assert len(site.refusals()) == MAX_STRANGERS_AN_HOUR + 1
    site.wait(hours=1)
    site.browser().get("/finance/gifts")
    assert len(site.refusals()) == MAX_STRANGERS_AN_HOUR + 2


def test_strangers_use_up_nobodys_codes(site: FinanceSite) -> None:
    """Whatever strangers type as an e-mail address, it does not count as an attempt at a code."""
    secret, _ = with_factor(site)
    with site.database.reading() as session:
        key = code_key(session.exec(select(Staff.id)).one() or 0)
    for number in range(10):
        for _ in range(5):
            sign_in(site.browser(f"192.0.2.{number}"), key, "a wrong guess")
    browser = half_signed_in(site, address="198.51.100.1")
    assert enter(browser, code_at(secret, site.clock.now())).status_code == 303
