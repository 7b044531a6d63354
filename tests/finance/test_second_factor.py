"""The second step of signing in: codes from an app, recovery codes, and how they are set up."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from donate.finance.models import PendingSignIn, RecoveryCode, SecondFactor, StaffSession
from donate.finance.staff.accounts import disable, set_password
from donate.trust.secret_cipher import SecretCipher
from donate.web.secret_tokens import hash_of
from tests.finance.finance_site import CHEAP, FinanceSite, fields, sign_in
from tests.finance.people_site import (
    STEP_S,
    begin,
    code_at,
    enter,
    half_signed_in,
    post,
    set_up,
    with_factor,
)

ANN = "ann@example.org"
PAGE = "/finance/me/second-factor"


def is_in(browser: TestClient) -> bool:
    return browser.get("/finance/gifts").status_code == 200


def test_the_password_and_a_code_sign_in(site_on_each: FinanceSite) -> None:
    """A person with a second factor is signed in after the password and a code, and not before."""
    site = site_on_each
    secret, _ = with_factor(site)
    browser = site.browser()
    answer = sign_in(browser, next="/finance/gifts?status=awaited")
    assert answer.headers["location"] == "/finance/sign-in/code"
    assert "donate_staff" not in browser.cookies
    assert not is_in(browser)
    answer = enter(browser, code_at(secret, site.clock.now()))
    assert answer.status_code == 303
    assert answer.headers["location"] == "/finance/gifts?status=awaited"
    assert is_in(browser)
    assert "donate_pending" not in browser.cookies


@pytest.mark.parametrize(
    ("away_s", "is_right"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)]
)
def test_a_code_may_be_one_step_away(site: FinanceSite, away_s: int, is_right: bool) -> None:
    """A code of the time step before or after is accepted, and no other."""
    secret, _ = with_factor(site)
    site.wait(minutes=5)
    code = code_at(secret, site.clock.now() + timedelta(seconds=away_s))
    browser = half_signed_in(site)
    assert enter(browser, code).status_code == (303 if is_right else 401)
    assert is_in(browser) == is_right


def test_a_code_works_once(site: FinanceSite) -> None:
    """A code that was used, or is older than one that was used, does not work again."""
    secret, _ = with_factor(site)
    older, code = (code_at(secret, site.clock.now() + timedelta(seconds=s)) for s in (0, STEP_S))
    assert enter(half_signed_in(site), code).status_code == 303
    assert enter(half_signed_in(site), code).status_code == 401
    assert enter(half_signed_in(site), older).status_code == 401


def test_two_requests_cannot_use_one_code(site_on_each: FinanceSite) -> None:
    """Of eight browsers that send the same code at once, one is signed in."""
    site = site_on_each
    secret, _ = with_factor(site)
    code = code_at(secret, site.clock.now())
    browsers = [half_signed_in(site, address=f"192.0.2.{n}") for n in range(8)]
    forms = [fields(browser.get("/finance/sign-in/code")) | {"code": code} for browser in browsers]

    def send(number: int) -> int:
        return browsers[number].post("/finance/sign-in/code", data=forms[number]).status_code

    with ThreadPoolExecutor(8) as threads:
        answers = sorted(threads.map(send, range(8)))
    assert answers == [303] + [401] * 7
    assert sum(is_in(browser) for browser in browsers) == 1


def test_a_recovery_code_works_once(site_on_each: FinanceSite) -> None:
    """Each of the ten recovery codes signs in once, however it is typed; only hashes are stored."""
    site = site_on_each
    _, codes = with_factor(site)
    assert len(set(codes)) == 10
    assert {len(code.replace("-", "")) * 5 for code in codes} == {140}  # bits
    assert enter(half_signed_in(site), f" {codes[3].upper().replace('-', ' ')} ").status_code == 303
    assert enter(half_signed_in(site), codes[3]).status_code == 401
    assert enter(half_signed_in(site), codes[4]).status_code == 303
    with site.database.reading() as session:
        stored = session.exec(select(RecoveryCode)).all()
    assert sum(row.used_at is not None for row in stored) == 2
    assert not any(code in row.model_dump_json() for row in stored for code in codes)


def test_a_recovery_code_is_one_persons(site: FinanceSite) -> None:
    """A recovery code of one person does not sign in another."""
    _, codes = with_factor(site)
    with_factor(site, "zoe@example.org")
    assert enter(half_signed_in(site, "zoe@example.org"), codes[0]).status_code == 401
    assert enter(half_signed_in(site), codes[0]).status_code == 303


@pytest.mark.parametrize("code", ["", "000000", "12345", "1234567", "x" * 5_000, "\x00", "１２３"])
def test_a_wrong_code_is_refused(site_on_each: FinanceSite, code: str) -> None:
    """A wrong code gets a sentence and 401, and the activity log records the refusal."""
    site = site_on_each
    with_factor(site)
    browser = half_signed_in(site)
    answer = enter(browser, code)
    assert answer.status_code == 401
    assert "That code is wrong" in answer.text
    assert site.refusals() == ["wrong code"]
    assert not is_in(browser)


def test_wrong_codes_are_slowed_down(site: FinanceSite) -> None:
    """After five wrong codes even a right one is refused for a while, also after a new sign-in."""
    secret, codes = with_factor(site)
    browser = half_signed_in(site)
    for _ in range(5):
        assert enter(browser, "000000").status_code == 401
    answer = enter(browser, code_at(secret, site.clock.now()))
    assert (answer.status_code, int(answer.headers["retry-after"])) == (429, 901)
    assert enter(half_signed_in(site), codes[0]).status_code == 429
    site.wait(minutes=15)
    assert enter(half_signed_in(site), code_at(secret, site.clock.now())).status_code == 303


def test_many_networks_guess_no_more(site: FinanceSite) -> None:
    """After fifty wrong codes from many networks, further codes are refused, not only delayed."""
    secret, _ = with_factor(site)
    for number in range(10):
        browser = half_signed_in(site, address=f"192.0.2.{number}")
        for _ in range(5):
            assert enter(browser, "000000").status_code == 401
    browser = half_signed_in(site, address="198.51.100.1")
    assert enter(browser, code_at(secret, site.clock.now())).status_code == 429


def test_a_half_signed_in_browser_ends(site: FinanceSite) -> None:
    """A person has ten minutes between password and code, and then has to sign in again."""
    secret, _ = with_factor(site)
    browser = half_signed_in(site)
    form = fields(browser.get("/finance/sign-in/code"))
    site.wait(minutes=10)
    code = code_at(secret, site.clock.now())
    answer = browser.post("/finance/sign-in/code", data=form | {"code": code})
    assert answer.headers["location"] == "/finance/sign-in?done=expired"
    assert not is_in(browser)
    assert "took too long" in browser.get(answer.headers["location"]).text


@pytest.mark.parametrize("act", ["disable", "password"])
def test_a_change_ends_what_is_half_signed_in(site: FinanceSite, act: str) -> None:
    """Disabling a person, or a new password, ends a sign-in that still lacks the code."""
    secret, _ = with_factor(site)
    browser = half_signed_in(site)
    form = fields(browser.get("/finance/sign-in/code"))
    with site.database.writing() as session:
        if act == "disable":
            disable(session, ANN, now=site.clock.now())
        else:
            set_password(session, ANN, "three loud geese", now=site.clock.now(), passwords=CHEAP)
    code = code_at(secret, site.clock.now())
    answer = browser.post("/finance/sign-in/code", data=form | {"code": code})
    assert answer.headers["location"] == "/finance/sign-in?done=expired"
    assert not is_in(browser)


def test_the_half_signed_in_cookie_opens_nothing(site: FinanceSite) -> None:
    """The cookie between password and code is no session, and only its hash is stored."""
    with_factor(site)
    browser = half_signed_in(site)
    token = browser.cookies["donate_pending"]
    thief = site.browser()
    thief.cookies.set("donate_staff", token)
    assert thief.get("/finance/gifts").status_code == 303
    with site.database.reading() as session:
        (row,) = session.exec(select(PendingSignIn))
    assert row.token_hash == hash_of(token)
    assert token not in browser.get("/finance/sign-in/code").text


def test_a_code_needs_its_form(site: FinanceSite) -> None:
    """A code without the token of its form is refused, even if it is right."""
    secret, _ = with_factor(site)
    browser = half_signed_in(site)
    data = {"code": code_at(secret, site.clock.now()), "form_token": "x"}
    answer = browser.post("/finance/sign-in/code", data=data)
    assert answer.headers["location"] == "/finance/sign-in?done=expired"
    assert not is_in(browser)
    assert site.refusals()[0] == "code without its form"


def test_the_secret_is_stored_encrypted(site: FinanceSite) -> None:
    """The database has the secret only encrypted, and another key cannot read it."""
    secret, _ = with_factor(site)
    with site.database.reading() as session:
        (row,) = session.exec(select(SecondFactor))
    assert secret not in row.secret
    old, new = "a key for tests", "another key for tests"
    assert SecretCipher([new]).decrypt(row.secret) is None
    assert SecretCipher([new, old]).decrypt(row.secret) == secret
    assert SecretCipher([old]).decrypt(row.secret[:-3] + "AA=") is None


def test_only_a_right_code_turns_it_on(site: FinanceSite) -> None:
    """A second factor counts after its first code, and that code does not sign in again."""
    site.add_staff(ANN)
    browser = site.browser()
    sign_in(browser)
    secret = begin(browser)
    answer = post(browser, f"{PAGE}/confirmed", PAGE, code="000000")
    assert answer.status_code == 422
    assert "That code is wrong" in answer.text
    assert sign_in(site.browser()).headers["location"] == "/finance/gifts"
    code = code_at(secret, site.clock.now())
    assert post(browser, f"{PAGE}/confirmed", PAGE, code=code).status_code == 200
    assert enter(half_signed_in(site), code).status_code == 401


def test_a_double_click_shows_the_same_codes(site_on_each: FinanceSite) -> None:
    """The form that turns the second factor on may be sent twice, and shows the same codes."""
    site = site_on_each
    site.add_staff(ANN)
    browser = site.browser()
    sign_in(browser)
    secret = begin(browser)
    data = fields(browser.get(PAGE)) | {"code": code_at(secret, site.clock.now())}
    first, second = (browser.post(f"{PAGE}/confirmed", data=data) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.text == second.text
    assert [act.act for act in site.acts()].count("second_factor_set_up") == 1


def test_turning_it_on_ends_other_sessions(site: FinanceSite) -> None:
    """When a person turns on the second factor, their other sessions end."""
    site.add_staff(ANN)
    browser, other = site.browser(), site.browser()
    sign_in(browser)
    sign_in(other)
    set_up(site, browser)
    assert (is_in(browser), is_in(other)) == (True, False)


def test_renewed_codes_replace_the_old(site: FinanceSite) -> None:
    """New recovery codes end the old codes."""
    site.add_staff(ANN)
    browser = site.browser()
    sign_in(browser)
    _, old = set_up(site, browser)
    assert post(browser, f"{PAGE}/codes", PAGE).status_code == 200
    assert enter(half_signed_in(site), old[0]).status_code == 401
    assert [act.act for act in site.acts()][-2] == "recovery_codes_renewed"


def test_it_is_turned_off(site: FinanceSite) -> None:
    """A person turns the second factor off; then the password is enough."""
    site.add_staff(ANN)
    browser = site.browser()
    sign_in(browser)
    set_up(site, browser)
    assert post(browser, f"{PAGE}/removed", PAGE).status_code == 303
    assert sign_in(site.browser()).headers["location"] == "/finance/gifts"
    with site.database.reading() as session:
        assert session.exec(select(RecoveryCode)).all() == []


def test_a_session_knows_whether_a_code_was_entered(site: FinanceSite) -> None:
    """A session stores when its second factor was proved, and from which browser it is."""
    secret, _ = with_factor(site)
    browser = half_signed_in(site)
    browser.headers["user-agent"] = "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/130.0"
    enter(browser, code_at(secret, site.clock.now()))
    with site.database.reading() as session:
        row = session.get_one(StaffSession, hash_of(browser.cookies["donate_staff"]))
    assert row.second_factor_at == site.clock.now()
    assert (row.browser, row.address) == ("Firefox, Windows", "203.0.113.5")
