"""Limits of addresses, passwords and names of staff, and of the sign-in form."""

import pytest

from donate.errors import BadInput
from donate.finance.models import Role
from donate.finance.staff.accounts import (
    MAX_PASSWORD,
    MIN_PASSWORD,
    add_staff,
    all_staff,
    check_password,
    names_of,
    set_password,
    tidy_email,
)
from tests.finance.finance_site import CHEAP, NOW, PASSWORD, FinanceSite, fields, sign_in

EMAIL = "ann.lee@example.org"


@pytest.mark.parametrize(
    ("typed", "tidied"),
    [
        ("Ann@Example.ORG", "ann@example.org"),
        (" \t ann@example.org \n", "ann@example.org"),
        ("\uff41\uff4e\uff4e\uff20example.org", "ann@example.org"),
        ("a" * 254, "a" * 254),
        ("a" * 255, "a" * 254),
        (" " * 1_000 + "a", ""),
        (" " * 999 + "a", "a"),
    ],
    ids=["capitals", "spaces", "full width", "254", "255", "beyond a thousand", "within"],
)
def test_an_address_is_tidied(typed: str, tidied: str) -> None:
    """Case, outer spaces and full-width characters are normalized, and long text is cut."""
    assert tidy_email(typed) == tidied


@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("a1b2c3d4e5f", "at least 12"),
        ("a1b2c3d4e5f6", None),
        ("a1b2c3d4e5f6" + "x" * 488, None),
        ("a1b2c3d4e5f6" + "x" * 489, "at most 500"),
        ("abcdabcdabcd", "easy to guess"),
        ("abcdeabcdeab", None),
        ("Ann.Lee@Example.Org", "e-mail address as"),
        ("annlee example org", "e-mail address as"),
        ("2024annlee2024", "easy to guess"),
        ("x2024annlee2024", None),
        ("Letmein-20261", "easy to guess"),
        ("987qwerty98765", "easy to guess"),
        ("98765-welcome", "easy to guess"),
        ("2026-03-donate", "easy to guess"),
        ("loveworld2026", "easy to guess"),
        ("password_2026", "easy to guess"),
        ("passw0rd-2026", "easy to guess"),
        ("love world 2026x", None),
        ("cdefghijklmno", "easy to guess"),
        ("sdfghjklzxcvb", "easy to guess"),
        ("890123456789", "easy to guess"),
        ("cdefghijklmnp", None),
    ],
)
def test_which_passwords_are_refused(password: str, message: str | None) -> None:
    """Passwords are limited in length, and must not be repetitive, common or like the address."""
    assert (MIN_PASSWORD, MAX_PASSWORD) == (12, 500)
    if message is None:
        check_password(password, EMAIL)
        return
    with pytest.raises(BadInput) as raised:
        check_password(password, EMAIL)
    assert raised.value.field == "password"
    assert message in raised.value.message


def test_what_is_set_is_checked(site: FinanceSite) -> None:
    """A new password is checked against the same rules and the user's address."""
    site.add_staff("ann-lee-long@example.org")
    for password in ("short", "annleelong2026"):
        with pytest.raises(BadInput), site.database.writing() as session:
            set_password(session, "ann-lee-long@example.org", password, now=NOW, passwords=CHEAP)


@pytest.mark.parametrize("length", [499, MAX_PASSWORD, MAX_PASSWORD + 1])
def test_of_a_password_every_character_counts(site: FinanceSite, length: int) -> None:
    """The longest password works only in full."""
    longest = (PASSWORD * 50)[:MAX_PASSWORD]
    site.add_staff()
    with site.database.writing() as session:
        set_password(session, "ann@example.org", longest, now=NOW, passwords=CHEAP)
    answer = sign_in(site.browser(), password=(PASSWORD * 50)[:length])
    assert answer.status_code == (303 if length == MAX_PASSWORD else 401)


@pytest.mark.parametrize(
    "name", ["x" * 200, "Zoë  Ó\n Neill", "X"], ids=["longest", "spaces", "shortest"]
)
def test_a_name_is_kept_in_one_line(site: FinanceSite, name: str) -> None:
    """A name of up to 200 characters is stored with single spaces."""
    with site.database.writing() as session:
        staff = add_staff(
            session,
            "ann@example.org",
            name=name,
            role=Role.VIEWER,
            password=PASSWORD,
            now=NOW,
            passwords=CHEAP,
        )
    assert staff.name == " ".join(name.split())
    assert staff.added_at == NOW
    (act,) = site.acts()
    assert (act.act, act.about, act.detail) == (
        "staff_added",
        "ann@example.org",
        {"role": "viewer"},
    )


def test_staff_are_named_by_what_facts_call_them(site: FinanceSite) -> None:
    """Only staff actors have a name."""
    ids = [site.add_staff(f"{name}@example.org") for name in ("zoe", "ann", "bob")]
    with site.database.reading() as session:
        assert [one.email[:3] for one in all_staff(session)] == ["ann", "bob", "zoe"]
        actors = ["stripe", f"staff:{ids[0]}", "staff:999", "staff:x", "staff:", f"{ids[1]}"]
        assert names_of(session, actors) == {f"staff:{ids[0]}": "Ann Lee"}
        assert names_of(session, []) == {}


@pytest.mark.parametrize(
    ("cookie", "stays"),
    [
        ("a" * 19, False),
        ("a" * 20, True),
        ("a" * 100, True),
        ("a" * 101, False),
        ("", False),
    ],
    ids=["19", "20", "100", "101", "none"],
)
def test_a_form_keeps_the_cookie_that_may_be_ours(
    site: FinanceSite, cookie: str, stays: bool
) -> None:
    """A form cookie of 20 to 100 characters is kept, and any other is replaced."""
    browser = site.browser()
    if cookie:
        browser.cookies.set("donate_form", cookie, domain="testserver.local")
    token = fields(browser.get("/finance/sign-in"))["form_token"]
    assert (token == cookie) == stays
    assert stays or len(token) == 43


def test_a_form_that_comes_back_keeps_what_was_typed(site: FinanceSite) -> None:
    """A refused form keeps the address, up to its maximum length, but not the password."""
    answer = sign_in(site.browser(), "Ann@" + "x" * 300, "hunter2 hunter2")
    assert f'value="Ann@{"x" * 250}"' in answer.text
    assert "hunter2" not in answer.text
