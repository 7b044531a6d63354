"""Limits of staff's e-mail addresses, passwords and names, and of the sign-in form's cookie."""

import pytest

from donate.errors import BadInput
from donate.finance.roles import Role
from donate.finance.staff.accounts import (
    add_staff,
    all_staff,
    names_of,
    set_password,
    tidy_email,
)
from donate.finance.staff.password_rules import MAX_PASSWORD, MIN_PASSWORD, check_password
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
    """An e-mail address is normalized before it is looked up, and cut if it is too long."""
    assert tidy_email(typed) == tidied


@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("a1b2c3d4e5f", "at least 12"),
        ("a1b2c3d4e5g7", None),
        ("a1b2c3d4e5g7" + "x" * 488, None),
        ("a1b2c3d4e5g7" + "x" * 489, "at most 500"),
        ("a1b2c3d4e5f6", "easy to guess"),
        ("abcdabcdabcd", "easy to guess"),
        ("abcdeabcdeab", None),
        ("Ann.Lee@Example.Org", "e-mail address as"),
        ("annlee example org", "e-mail address as"),
        ("2024annlee2024", "your name"),
        ("x2024annlee2024", "your name"),
        ("baker2024annlee2024", "your name"),
        ("bakers2024annlee2024", None),
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
    """A password must have 12 to 500 characters, and not be common or like the e-mail address."""
    assert (MIN_PASSWORD, MAX_PASSWORD) == (12, 500)
    if message is None:
        check_password(password, EMAIL)
        return
    with pytest.raises(BadInput) as raised:
        check_password(password, EMAIL)
    assert raised.value.field == "password"
    assert message in raised.value.message


def test_a_new_password_is_checked(site: FinanceSite) -> None:
    """A new password for existing staff has to meet the same rules as their first one."""
    site.add_staff("ann-lee-long@example.org")
    for password in ("short", "annleelong2026"):
        with pytest.raises(BadInput), site.database.writing() as session:
            set_password(session, "ann-lee-long@example.org", password, now=NOW, passwords=CHEAP)


@pytest.mark.parametrize("length", [499, MAX_PASSWORD, MAX_PASSWORD + 1])
def test_a_long_password_is_not_cut(site: FinanceSite, length: int) -> None:
    """A password of the maximum length has to be typed in full, because it is never cut."""
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
    """The name of staff may have 200 characters, and is stored in one line with single spaces."""
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


def test_actors_of_facts_have_names(site: FinanceSite) -> None:
    """The actor of a fact, such as `staff:1`, is shown by name if it is a staff member."""
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
def test_the_form_replaces_an_invalid_cookie(site: FinanceSite, cookie: str, stays: bool) -> None:
    """The sign-in form replaces a cookie that does not have 20 to 100 characters."""
    browser = site.browser()
    if cookie:
        browser.cookies.set("donate_form", cookie, domain="testserver.local")
    token = fields(browser.get("/finance/sign-in"))["form_token"]
    assert (token == cookie) == stays
    assert stays or len(token) == 43


def test_a_refused_form_keeps_the_address(site: FinanceSite) -> None:
    """After a failed sign-in, the form shows the e-mail address again, cut to its limit."""
    answer = sign_in(site.browser(), "Ann@" + "x" * 300, "hunter2 hunter2")
    assert f'value="Ann@{"x" * 250}"' in answer.text
    assert "hunter2" not in answer.text
