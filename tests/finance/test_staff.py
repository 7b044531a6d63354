"""Staff accounts, and the rules for passwords."""

import pytest

from donate.errors import BadInput, Conflict, NotFound
from donate.finance.roles import Role
from donate.finance.staff.accounts import (
    add_staff,
    all_staff,
    disable,
    set_password,
    staff_by_email,
)
from donate.finance.staff.password_rules import check_password
from donate.storage.database import Database
from tests.finance.finance_site import CHEAP, NOW, PASSWORD, FinanceSite


def test_staff_are_kept_under_a_lower_case_address(database: Database) -> None:
    """Staff are stored with a unique lower-case e-mail address and an Argon2 password hash."""
    for email in ("Ann@Example.org", "zoe@example.org"):
        with database.writing() as session:
            add_staff(
                session, email, name=" Ann  Lee ", role=Role.VIEWER, password=PASSWORD, now=NOW
            )
    with database.reading() as session:
        assert [s.email for s in all_staff(session)] == ["ann@example.org", "zoe@example.org"]
        ann = staff_by_email(session, "ANN@example.org")
    assert (ann.name, ann.role) == ("Ann Lee", "viewer")
    assert ann.password_hash.startswith("$argon2id$")
    assert PASSWORD not in ann.password_hash
    with (
        pytest.raises(Conflict, match="already has a staff account"),
        database.writing() as session,
    ):
        add_staff(
            session,
            "ANN@EXAMPLE.ORG",
            name="Ann",
            role=Role.VIEWER,
            password=PASSWORD,
            now=NOW,
            passwords=CHEAP,
        )


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("email", {"email": "ann"}),
        ("email", {"email": ""}),
        ("email", {"email": "ann@exa mple.org"}),
        ("email", {"email": "änn@example.org"}),
        ("name", {"name": " "}),
        ("name", {"name": "x" * 201}),
        ("name", {"name": "a\x00b"}),
        ("password", {"password": "short"}),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_what_is_wrong_about_staff_is_named(
    site: FinanceSite, field: str, changes: dict[str, str]
) -> None:
    """Staff with a bad e-mail address, name or password are not added."""
    values = {"email": "ann@example.org", "name": "Ann", "password": PASSWORD} | changes
    with pytest.raises(BadInput) as raised, site.database.writing() as session:
        add_staff(
            session,
            values["email"],
            name=values["name"],
            role=Role.FINANCE,
            password=values["password"],
            now=NOW,
            passwords=CHEAP,
        )
    assert raised.value.field == field
    with site.database.reading() as session:
        assert all_staff(session) == []


@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("", "at least 12"),
        ("elevenchars", "at least 12"),
        ("x" * 501, "at most 500"),
        ("ann.lee.long@example.org", "e-mail"),
        ("Ann.Lee.Long@Example.Org", "e-mail"),
        ("ann-lee-long", "e-mail"),
        ("password1234", "easy to guess"),
        ("PASSWORD-2026!", "easy to guess"),
        ("123456789012", "easy to guess"),
        ("qwertyuiopas", "easy to guess"),
        ("aaaaaaaaaaaa", "easy to guess"),
        ("annleelong2026", "your name"),
    ],
)
def test_a_password_that_would_be_guessed_is_refused(password: str, message: str) -> None:
    """A password that is short or easy to guess is refused, with the reason."""
    with pytest.raises(BadInput) as raised:
        check_password(password, "ann.lee.long@example.org")
    assert message in raised.value.message


@pytest.mark.parametrize("password", [PASSWORD, "correct horse battery staple", "ünïcödé pässwörd"])
def test_a_good_password_is_taken(password: str) -> None:
    """A long password needs no special characters or capitals."""
    check_password(password, "ann@example.org")


def test_unknown_staff_are_not_found(site: FinanceSite) -> None:
    """Disabling staff or setting their password raises NotFound if the e-mail is unknown."""
    with pytest.raises(NotFound), site.database.writing() as session:
        disable(session, "nobody@example.org", now=NOW)
    with pytest.raises(NotFound), site.database.writing() as session:
        set_password(session, "nobody@example.org", PASSWORD, now=NOW, passwords=CHEAP)
