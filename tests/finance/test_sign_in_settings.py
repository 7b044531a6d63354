"""The settings for signing in, what they mean, and what `donate doctor` says about them."""

import io
from typing import Any

import pytest

from donate.cli import main
from donate.finance.roles import Role
from donate.finance.staff.options import sign_in_options
from tests.settings import SECOND_FACTOR_KEY as KEY, load, refusal

OIDC = {
    "oidc_issuer": "https://id.example.org/realms/x",
    "oidc_client_id": "donate",
    "oidc_client_secret": "secret",
}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"staff_second_factor": "required"}, "SECOND_FACTOR_KEY must be set"),
        ({"staff_second_factor": "everybody"}, "SECOND_FACTOR_KEY must be set"),
        ({"staff_second_factor": "sometimes"}, "STAFF_SECOND_FACTOR"),
        ({"second_factor_key": "short-but-varied-01"}, "32 characters or more"),
        ({"second_factor_key": f"{KEY}, tiny"}, "SECOND_FACTOR_KEY"),
        (OIDC | {"oidc_client_secret": ""}, "belong together"),
        (OIDC | {"oidc_issuer": "http://id.example.org"}, "OIDC_ISSUER must begin with https"),
        (OIDC | {"oidc_issuer": f"https://{'x' * 493}"}, "OIDC_ISSUER has more than 500"),
        (OIDC | {"oidc_roles": "accounting"}, "OIDC_ROLES must be pairs"),
        (OIDC | {"oidc_roles": "accounting=owner"}, "OIDC_ROLES must be pairs"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_setting_is_named(settings: dict[str, Any], sentence: str) -> None:
    """A wrong or missing setting for signing in is named, and no secret is shown."""
    message = refusal(**settings)
    assert sentence in message
    assert KEY not in message


def test_the_settings_say_how_staff_sign_in() -> None:
    """Keys, groups and the provider's address are read from the settings."""
    more = {"oidc_roles": "a=b=finance, office=viewer", "oidc_second_factor": "ours"}
    settings = load(**OIDC, **more, second_factor_key=KEY, staff_second_factor="required")
    options = sign_in_options(settings, None)
    assert options.second_factor_from == Role.FINANCE
    assert options.cipher
    assert options.provider
    assert options.provider.roles == {"a=b": Role.FINANCE, "office": Role.VIEWER}
    assert options.provider.redirect_url.endswith("/finance/sign-in/provider/back")
    assert not options.provider.checks_second_factor
    plain = sign_in_options(load(), None)
    assert (plain.second_factor_from, plain.cipher, plain.provider) == (None, None, None)


@pytest.mark.parametrize(
    ("setting", "roles"),
    [
        ("optional", set()),
        ("required", {Role.FINANCE, Role.ADMIN}),
        ("everybody", set(Role)),
    ],
)
def test_the_setting_says_who_needs_a_second_factor(setting: str, roles: set[Role]) -> None:
    """`STAFF_SECOND_FACTOR` requires a second factor of nobody, of all but viewers, or of all."""
    options = sign_in_options(load(second_factor_key=KEY, staff_second_factor=setting), None)
    assert {role for role in Role if options.requires_second_factor(role)} == roles


def test_the_doctor_asks_for_an_admin(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """`donate doctor` says that nobody is an admin until `donate staff role` makes one."""
    monkeypatch.setattr("sys.stdin", io.StringIO("seven calm herons\n"))
    assert environment["DATABASE_URL"]
    assert main(["staff", "add", "ann@example.org", "--name", "Ann Lee"]) == 0
    main(["doctor"])
    assert "nobody is an admin" in capsys.readouterr().out
    assert main(["staff", "role", "ann@example.org", "admin"]) == 0
    assert main(["staff", "reset-second-factor", "ann@example.org"]) == 0
    assert "has no second factor" in capsys.readouterr().out
    main(["doctor"])
    output = capsys.readouterr().out
    assert "nobody is an admin" not in output
    assert "set SECOND_FACTOR_KEY" in output
