"""Signing in at an identity provider, over real HTTP."""

from dataclasses import replace
from typing import Any

import pytest
from sqlmodel import select
from starlette.responses import JSONResponse, Response as Answer

from donate.finance.models import ProviderSignIn
from donate.finance.provider.attempts import MAX_PER_NETWORK
from donate.finance.roles import Role
from donate.finance.staff.accounts import disable
from donate.storage.database import Database
from tests.finance.finance_site import NOW, OPTIONS, FinanceSite
from tests.finance.oidc_provider import EC, RSA, OidcProvider
from tests.finance.people_site import code_at, enter, open_strict_site, with_factor
from tests.finance.provider_desk import BACK, THERE, Desk, desk_on, is_in, options_for
from tests.real_parts import Sqlite


@pytest.mark.parametrize("signer", [RSA, EC], ids=["RS256", "ES256"])
def test_a_person_signs_in_at_the_provider(
    database: Database, provider: OidcProvider, signer: Any
) -> None:
    """A person whose verified address has an account is signed in, and gets the requested page."""
    desk = desk_on(database, provider)
    desk.site.add_staff("ann@example.org")
    provider.signer = signer
    provider.person["email"] = "Ann@Example.ORG"
    browser = desk.browser()
    answer = desk.come_back(browser, "/finance/gifts?status=awaited")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/finance/gifts?status=awaited"
    assert is_in(browser)
    assert "donate_provider" not in browser.cookies
    assert not [value for value in browser.cookies.values() if "." in value]  # no token of theirs
    acts = [act.act for act in desk.site.acts()]
    assert acts == ["staff_added", "provider_account_tied", "signed_in"]


def test_the_secret_may_be_sent_in_the_form(desk: Desk) -> None:
    """If the provider takes the client's secret only in the form, it is sent there."""
    desk.site.add_staff("ann@example.org")
    methods = ["client_secret_post"]
    desk.provider.description = {"token_endpoint_auth_methods_supported": methods}
    assert desk.come_back(desk.browser()).status_code == 303


def test_descriptions_and_keys_are_kept(desk: Desk) -> None:
    """The identity provider's discovery document and keys are fetched once an hour."""
    desk.site.add_staff("ann@example.org")
    for _ in range(3):
        assert desk.come_back(desk.browser()).status_code == 303
    assert sorted(desk.provider.requests) == ["description", "keys", "token", "token", "token"]


def test_a_new_key_is_fetched(desk: Desk) -> None:
    """If the provider signs with a new key, its keys are fetched again, at most once a minute."""
    desk.site.add_staff("ann@example.org")
    desk.provider.listed = [EC]
    assert desk.come_back(desk.browser()).status_code == 403
    desk.provider.listed = [RSA, EC]
    assert desk.come_back(desk.browser()).status_code == 403
    desk.site.wait(minutes=1)
    assert desk.come_back(desk.browser()).status_code == 303
    assert desk.provider.requests.count("keys") == 2


@pytest.mark.parametrize(
    "person",
    [
        {"email": "zoe@example.org", "email_verified": True},
        {"email": "ann@example.org", "email_verified": False},
        {"email": "ann@example.org", "email_verified": "true"},
        {"email": "ann@example.org"},
        {"email_verified": True},
        {"email": ["ann@example.org"], "email_verified": True},
        {"email": "gone@example.org", "email_verified": True},
        {"email": "zoe@example.org", "email_verified": True, "groups": ["accounting"]},
    ],
    ids=str,
)
def test_only_a_verified_address_with_an_account_signs_in(
    desk: Desk, person: dict[str, Any]
) -> None:
    """Without a verified address, an account, or a group with a role, nobody is signed in."""
    desk.site.add_staff("ann@example.org")
    desk.site.add_staff("gone@example.org")
    with desk.site.database.writing() as session:
        disable(session, "gone@example.org", now=NOW)
    desk.provider.person = person
    browser = desk.browser()
    answer = desk.come_back(browser)
    assert answer.status_code == 403
    assert "no staff account" in answer.text
    assert not is_in(browser)


@pytest.mark.parametrize(
    ("groups", "role"),
    [(["office", "accounting"], "finance"), (["office", 7], "viewer"), ("accounting", None)],
    ids=str,
)
def test_a_group_gives_an_account(
    database: Database, provider: OidcProvider, groups: Any, role: str | None
) -> None:
    """Someone without an account gets one with the highest role of their groups."""
    roles = {"office": Role.VIEWER, "accounting": Role.FINANCE}
    desk = desk_on(database, provider, roles=roles)
    provider.person = {"email": "zoe@example.org", "email_verified": True, "groups": groups}
    answer = desk.come_back(desk.browser())
    assert answer.status_code == (303 if role else 403)
    if role:
        staff = desk.site.staff("zoe@example.org")
        assert (staff.role, staff.name, staff.password_hash) == (role, "zoe@example.org", "")


def test_a_group_changes_no_account(sqlite: Sqlite, provider: OidcProvider) -> None:
    """Someone who has an account keeps the role that an admin gave them."""
    database = Database(sqlite.fresh_url())
    desk = desk_on(database, provider, roles={"admins": Role.ADMIN})
    desk.site.add_staff("ann@example.org", Role.VIEWER)
    provider.person["groups"] = ["admins"]
    assert desk.come_back(desk.browser()).status_code == 303
    assert desk.site.staff("ann@example.org").role == Role.VIEWER
    database.close()


def test_a_state_works_once(desk: Desk) -> None:
    """The state of a sign-in is refused when it comes a second time, even with a new code."""
    desk.site.add_staff("ann@example.org")
    browser = desk.browser()
    location = browser.get(THERE).headers["location"]
    cookie = browser.cookies["donate_provider"]
    assert browser.get(BACK, params=desk.provider.authorize(location)).status_code == 303
    thief = desk.browser()
    thief.cookies.set("donate_provider", cookie)
    answer = thief.get(BACK, params=desk.provider.authorize(location))
    assert answer.status_code == 403
    assert not is_in(thief)
    assert desk.site.refusals()[0] == "state of no sign-in"


@pytest.mark.parametrize("cookie", [None, "", "another"])
def test_a_state_is_bound_to_its_browser(desk: Desk, cookie: str | None) -> None:
    """Another browser cannot finish a sign-in, so nobody is signed in as the attacker."""
    desk.site.add_staff("ann@example.org")
    victim, attacker = desk.browser(), desk.browser()
    query = desk.provider.authorize(attacker.get(THERE).headers["location"])
    if cookie is not None:
        victim.cookies.set("donate_provider", cookie)
    assert victim.get(BACK, params=query).status_code == 403
    assert not is_in(victim)
    assert attacker.get(BACK, params=query).status_code == 303


@pytest.mark.parametrize(
    "query",
    [{}, {"state": ""}, {"state": "x" * 9_000}, {"state": "\x00"}],
    ids=["none", "empty", "long", "zero"],
)
def test_a_strange_state_is_refused(
    database: Database, provider: OidcProvider, query: dict[str, str]
) -> None:
    """An answer with a missing, long or unprintable state is refused."""
    desk = desk_on(database, provider)
    browser = desk.browser()
    browser.get(THERE)
    assert browser.get(BACK, params=query | {"code": "c"}).status_code == 403


def test_a_sign_in_at_the_provider_ends(desk: Desk) -> None:
    """A sign-in at the provider has to be finished within ten minutes."""
    desk.site.add_staff("ann@example.org")
    browser = desk.browser()
    query = desk.provider.authorize(browser.get(THERE).headers["location"])
    desk.site.wait(minutes=10)
    assert browser.get(BACK, params=query).status_code == 403


@pytest.mark.parametrize(
    "more",
    [{"error": "access_denied"}, {"code": ""}, {"code": "c" * 5_000}, {"iss": "https://e.example"}],
    ids=str,
)
def test_an_answer_without_a_usable_code_is_refused(desk: Desk, more: dict[str, str]) -> None:
    """An error, a missing or huge code, and an answer of another issuer sign nobody in."""
    desk.site.add_staff("ann@example.org")
    browser = desk.browser()
    query = desk.provider.authorize(browser.get(THERE).headers["location"])
    assert browser.get(BACK, params=query | more).status_code == 403
    assert "token" not in desk.provider.requests


def test_a_promised_issuer_must_be_there(desk: Desk) -> None:
    """If the provider says that its answers name the issuer, an answer without it is refused."""
    desk.site.add_staff("ann@example.org")
    desk.provider.description = {"authorization_response_iss_parameter_supported": True}
    browser = desk.browser()
    assert desk.come_back(browser).status_code == 403
    query = desk.provider.authorize(browser.get(THERE).headers["location"])
    assert browser.get(BACK, params=query | {"iss": desk.provider.issuer}).status_code == 303


@pytest.mark.parametrize(
    "answer",
    [
        Answer("<html>", media_type="text/html"),
        JSONResponse({"error": "server_error"}, 500),
        JSONResponse(["id_token"]),
        JSONResponse({"id_token": 7}),
        JSONResponse({}),
        Answer(b"[" * 100_000),
        Answer(b'"' + b"x" * 600_000 + b'"'),
        Answer("", 302, {"location": "http://127.0.0.1:9/"}),
    ],
    ids=["html", "500", "list", "number", "nothing", "deep", "huge", "redirect"],
)
def test_a_broken_provider_is_no_error_of_ours(desk: Desk, answer: Answer) -> None:
    """If the provider's answer cannot be used, the sign-in page says so, with 503."""
    desk.site.add_staff("ann@example.org")
    desk.provider.answer = lambda: answer
    browser = desk.browser()
    page = desk.come_back(browser)
    assert page.status_code == 503
    assert "answer now" in page.text
    assert not is_in(browser)


@pytest.mark.parametrize(
    "description",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "file:///etc/passwd"},
        {"jwks_uri": None},
        {"authorization_endpoint": ["https://evil.example"]},
    ],
    ids=str,
)
def test_a_wrong_description_is_not_used(desk: Desk, description: dict[str, Any]) -> None:
    """A provider's description with another issuer or unusable endpoints is not used."""
    desk.provider.description = description
    assert desk.browser().get(THERE).status_code == 503


def test_without_a_provider_that_answers_the_password_works(site: FinanceSite) -> None:
    """If the provider cannot be reached, the sign-in form appears with a sentence and 503."""
    page = site.browser().get(THERE)
    assert page.status_code == 503
    assert 'name="password"' in page.text


def test_a_network_stores_few_sign_ins(desk: Desk) -> None:
    """Only the newest fifty unfinished sign-ins of one network are kept."""
    desk.site.add_staff("ann@example.org")
    for _ in range(MAX_PER_NETWORK):
        desk.site.wait(seconds=1)
        desk.browser().get(THERE)
    assert desk.come_back(desk.browser()).status_code == 303
    with desk.site.database.reading() as session:
        rows = session.exec(select(ProviderSignIn)).all()
    assert len(rows) == MAX_PER_NETWORK - 1


@pytest.mark.parametrize("asks_here", [True, False])
def test_the_second_factor_may_be_asked_here(
    sqlite: Sqlite, provider: OidcProvider, asks_here: bool
) -> None:
    """With OIDC_SECOND_FACTOR=ours a code is asked after the provider, otherwise it is not."""
    database = Database(sqlite.fresh_url())
    options = replace(
        OPTIONS,
        second_factor_from=Role.FINANCE,
        provider=options_for(provider, checks_second_factor=not asks_here),
    )
    desk = Desk(open_strict_site(database, options), provider)
    secret, _ = with_factor(desk.site)
    browser = desk.browser()
    answer = desk.come_back(browser)
    if asks_here:
        assert answer.headers["location"] == "/finance/sign-in/code"
        assert not is_in(browser)
        assert enter(browser, code_at(secret, desk.site.clock.now())).status_code == 303
    assert is_in(browser)
    database.close()


def test_a_link_on_another_site_signs_nobody_in(desk: Desk) -> None:
    """A link on another site leads to the sign-in form, on which the person has to press."""
    browser, cross = desk.browser(), {"Sec-Fetch-Site": "cross-site"}
    answer = browser.get(THERE, params={"next": "/finance/gifts?page=2"}, headers=cross)
    assert answer.headers["location"] == "/finance/sign-in?next=%2Ffinance%2Fgifts%3Fpage%3D2"
    assert "donate_provider" not in browser.cookies
    with desk.site.database.reading() as session:
        assert session.exec(select(ProviderSignIn)).all() == []
    own = {"Sec-Fetch-Site": "same-origin"}
    assert browser.get(THERE, headers=own).headers["location"].startswith(desk.provider.issuer)
