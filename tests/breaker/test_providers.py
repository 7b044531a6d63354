"""Turnstile and hCaptcha in place of our own work, over real HTTP to a server that plays them."""

import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from httpx2 import Response

from donate.breaker import providers
from donate.breaker.breaker import Visitor
from donate.breaker.challenge import WAIT_S
from donate.breaker.providers import KINDS, PAUSE, ChallengeProvider
from donate.clock import FixedClock
from tests.breaker.attacked_site import AttackedSite, hidden, needed_by
from tests.breaker.attempts import NOW, work_for
from tests.breaker.siteverify import HOST, SECRET, SITE_KEY, SiteVerify, running_siteverify
from tests.real_parts import Sqlite

OWN_WORK = 'src="/static/challenge.'
VISITOR = Visitor("203.0.113.5", "a form", answer="good")


@pytest.fixture
def siteverify(monkeypatch: pytest.MonkeyPatch) -> Iterator[SiteVerify]:
    with running_siteverify() as played:
        for name, kind in list(KINDS.items()):
            monkeypatch.setitem(KINDS, name, replace(kind, verify=played.url))
        played.good = {"good"}
        yield played


@pytest.fixture
def site(sqlite: Sqlite, siteverify: SiteVerify) -> Iterator[AttackedSite]:
    assert siteverify.url
    keys = {"challenge_site_key": SITE_KEY, "challenge_secret": SECRET}
    site = AttackedSite(sqlite.fresh_url(), challenge_provider="turnstile", **keys)
    site.attack()
    yield site
    site.database.close()


def provider(name: str = "turnstile", secret: str = SECRET) -> ChallengeProvider:
    url, clock = f"https://{HOST}:8000", FixedClock(NOW)
    return ChallengeProvider(KINDS[name], SITE_KEY, secret, public_url=url, clock=clock)


def filled(site: AttackedSite, text: str, address: str = "203.0.113.5") -> dict[str, str]:
    """Return the form that the page with the widget sends with this answer."""
    return hidden(site.give(address)) | {"cf-turnstile-response": text}


def is_challenged(page: Response) -> bool:
    return page.status_code == 200 and "One more step" in page.text


@pytest.mark.parametrize("name", ["turnstile", "hcaptcha"])
def test_a_provider_is_asked_once(siteverify: SiteVerify, name: str) -> None:
    """A good answer passes once. The provider gets the secret, and no address of the donor.

    It is asked for a verdict that is not compressed, because none is unpacked here.
    """
    one = provider(name)
    assert one.accepts(VISITOR)
    assert not one.accepts(VISITOR)
    assert one.is_working
    site_key = {"sitekey": SITE_KEY} if name == "hcaptcha" else {}
    assert siteverify.asked == [{"secret": SECRET, "response": "good"} | site_key] * 2


@pytest.mark.parametrize(
    ("name", "verdict", "passes"),
    [
        ("turnstile", {"hostname": HOST, "action": "gift", "cdata": ""}, True),
        ("turnstile", {"hostname": "elsewhere.example", "action": "gift"}, False),
        ("turnstile", {"hostname": "not-provided", "action": "gift"}, False),
        ("turnstile", {"hostname": [HOST], "action": "gift"}, False),
        ("turnstile", {"hostname": None, "action": "gift"}, False),
        ("turnstile", {"action": "gift"}, False),
        ("turnstile", {"hostname": HOST, "action": "sign-in"}, False),
        ("turnstile", {"hostname": HOST}, False),
        ("hcaptcha", {"hostname": HOST}, True),
        ("hcaptcha", {"hostname": "not-provided"}, True),
        ("hcaptcha", {"hostname": "elsewhere.example"}, False),
        ("hcaptcha", {}, False),
    ],
)
def test_an_answer_belongs_to_our_page(
    siteverify: SiteVerify, name: str, verdict: dict[str, Any], passes: bool
) -> None:
    """The site key is public, so an answer from another host or form does not pass."""
    siteverify.verdict = verdict
    one = provider(name)
    assert one.accepts(VISITOR) is passes
    assert one.is_working


@pytest.mark.parametrize("text", ["", "x" * 9_000, "two words", "nul\0", "\udc80", "é" * 20])
def test_what_no_widget_writes_is_not_asked_about(siteverify: SiteVerify, text: str) -> None:
    """An answer that cannot be one costs no request."""
    assert not provider().accepts(replace(VISITOR, answer=text))
    assert siteverify.asked == []


SILENT: dict[str, dict[str, Any]] = {
    "500": {"status": 500},
    "500 that says success": {
        "status": 500,
        "raw": b'{"success": true, "hostname": "127.0.0.1", "action": "gift"}',
    },
    "a redirect": {"status": 302},
    "garbage": {"raw": b"\xff\x00<html>"},
    "nothing": {"raw": b""},
    "a list": {"raw": b"[true]"},
    "a truth that is none": {
        "raw": b'{"success": "true", "hostname": "127.0.0.1", "action": "gift"}'
    },
    "deep": {"raw": b"[" * 16_000},
    "endless": {"raw": b'{"success": true,' + b" " * 70_000},
    "our secret": {"raw": b'{"success": false, "error-codes": ["invalid-input-secret"]}'},
    "odd codes": {"raw": b'{"success": false, "error-codes": [{"a": 1}, 7]}'},
    "slow": {"wait": threading.Event()},
    "a drip": {"drip_s": 0.1},
}


@pytest.mark.alone
@pytest.mark.parametrize("how", SILENT)
def test_a_provider_without_a_verdict_lets_nobody_through(
    siteverify: SiteVerify,
    how: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whatever it sends instead, it is not asked again for a minute, and the log says it once."""
    if how in ("slow", "a drip"):
        monkeypatch.setattr(providers, "TIMEOUT_S", 0.5)
    for name, value in SILENT[how].items():
        setattr(siteverify, name, value)
    one, begin = provider(), time.monotonic()
    assert not one.accepts(VISITOR)
    assert time.monotonic() - begin < 6
    assert not one.is_working
    assert not one.accepts(VISITOR)
    assert len(siteverify.asked) <= 1
    (line,) = [each for each in caplog.records if each.name == providers.__name__]
    assert line.levelno == logging.WARNING
    assert SECRET not in line.getMessage()


def test_a_wrong_secret_is_told(siteverify: SiteVerify, caplog: pytest.LogCaptureFixture) -> None:
    """The log says what the provider says about our settings, and nothing about wrong answers."""
    assert not provider().accepts(replace(VISITOR, answer="wrong"))
    assert not caplog.records
    assert not provider(secret="another").accepts(VISITOR)
    assert "invalid-input-secret" in caplog.text
    assert len(siteverify.asked) == 2


def test_a_good_answer_opens_one_gift(site: AttackedSite, siteverify: SiteVerify) -> None:
    """The page has the widget. A good answer leads on, and neither it nor the page works twice."""
    siteverify.good = {"good", "better"}
    page = site.give()
    assert f'class="cf-turnstile" data-sitekey="{SITE_KEY}" data-action="gift"' in page.text
    assert f'src="{KINDS["turnstile"].script}"' in page.text
    assert OWN_WORK not in page.text
    policy = page.headers["content-security-policy"]
    assert policy.count("https://challenges.cloudflare.com") == 4
    assert SECRET not in page.text + repr(site.settings)
    form = hidden(page) | {"cf-turnstile-response": "good"}
    opened = site.visitor().post("/give/LWCAN", data=form)
    assert opened.headers["location"].startswith("/gifts/")
    assert is_challenged(site.visitor().post("/give/LWCAN", data=filled(site, "good")))
    again = form | {"preset": "5000", "cf-turnstile-response": "better"}
    assert site.visitor().post("/give/LWCAN", data=again).status_code == 429
    assert site.gifts() == 1


def test_a_wrong_answer_loses_nothing(site: AttackedSite) -> None:
    """The donor gets the same page again with all fields, and passes it by waiting."""
    form = filled(site, "wrong")
    page = site.visitor().post("/give/LWCAN", data=form)
    assert is_challenged(page)
    assert "cf-turnstile" in page.text
    assert hidden(page).items() <= form.items()
    site.clock.instant += timedelta(seconds=WAIT_S)
    assert site.visitor().post("/give/LWCAN", data=hidden(page)).status_code == 303


def test_an_answer_counts_only_with_our_own_challenge(
    site: AttackedSite, siteverify: SiteVerify
) -> None:
    """Without the challenge of this form and network, the provider is not even asked."""
    form = filled(site, "good")
    forged = form["proof"].replace(".", "0.", 1)
    for proof in ("", forged, hidden(site.give("198.51.100.9"))["proof"]):
        page = site.visitor().post("/give/LWCAN", data=form | {"proof": proof})
        assert is_challenged(page)
    site.clock.instant += timedelta(minutes=9, seconds=1)
    assert is_challenged(site.visitor().post("/give/LWCAN", data=form))
    assert (site.gifts(), siteverify.asked) == (0, [])


def test_our_own_work_replaces_a_provider_that_is_down(
    site: AttackedSite, siteverify: SiteVerify
) -> None:
    """For a minute the page has our own work; then the provider is asked again."""
    siteverify.status = 500
    page = site.visitor().post("/give/LWCAN", data=filled(site, "good"))
    assert is_challenged(page)
    assert OWN_WORK in page.text
    assert "cf-turnstile" not in page.text
    form = hidden(page) | {"proof": work_for(needed_by(page))}
    assert site.visitor().post("/give/LWCAN", data=form).status_code == 303
    siteverify.status = 200
    siteverify.good = {"later"}
    site.clock.instant += PAUSE
    page = site.visitor().post("/give/LWCAN", data=filled(site, "later"))
    assert (page.status_code, site.gifts()) == (303, 2)


@pytest.mark.alone
def test_a_slow_provider_holds_up_nobody_else(site: AttackedSite, siteverify: SiteVerify) -> None:
    """One answer of a network and four in all are asked about at a time; others may wait."""
    siteverify.good = {f"good-{n}" for n in range(8)}
    siteverify.wait = threading.Event()
    addresses = [f"198.51.100.{n}" for n in (9, 9, 10, 11, 12, 13, 14, 15)]
    forms = [filled(site, f"good-{n}", at) for n, at in enumerate(addresses)]
    with ThreadPoolExecutor(8) as pool:
        sent = [
            pool.submit(site.visitor(at).post, "/give/LWCAN", data=form)
            for at, form in zip(addresses, forms, strict=True)
        ]
        begin = time.monotonic()
        while sum(each.done() for each in sent) < 4 and time.monotonic() < begin + 3:
            time.sleep(0.01)
        assert [is_challenged(each.result()) for each in sent if each.done()] == [True] * 4
        # Neither a thread nor a transaction is missing for an honest donor.
        assert site.give("192.0.2.77", mode="interac").status_code == 303
        siteverify.wait.set()
    passed = {at for at, each in zip(addresses, sent, strict=True) if each.result().is_redirect}
    assert len(passed) == len(siteverify.asked) == 4
