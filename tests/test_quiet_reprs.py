"""What Python shows of an object has neither secrets nor what donors typed."""

import dataclasses
import importlib
import pkgutil
import re
import sys
from collections.abc import Iterator

import pytest
from pydantic import ValidationError

import donate
from donate.api.schemas import NewGift
from donate.donors.forms import GiveForm
from donate.storage.database import Database
from tests.gifts.samples import choose
from tests.real_parts import make_settings

SECRET = re.compile(r"(^|_)(secret|password|token|token_hash|nonce|verifier|better_hash)$")

NO_SECRET = {"ProviderEndpoints.token"}  # the address at which tokens are asked for


def own_dataclasses() -> Iterator[type]:
    for found in pkgutil.walk_packages(donate.__path__, "donate."):
        if not found.name.startswith(("donate.sandbox", "donate.storage.migrations")):
            importlib.import_module(found.name)
    for name, module in list(sys.modules.items()):
        if name.startswith("donate.") and not name.startswith("donate.sandbox"):
            for value in vars(module).values():
                if isinstance(value, type) and dataclasses.is_dataclass(value):
                    yield value


def test_no_dataclass_shows_a_secret() -> None:
    """A field that holds a secret as text is not shown."""
    shown = {
        f"{one.__qualname__}.{field.name}"
        for one in own_dataclasses()
        for field in dataclasses.fields(one)
        if SECRET.search(field.name)
        and field.repr
        and field.type in ("str", str, "str | None", str | None)
        and one.__dict__.get("__repr__") is not None
    }
    assert shown == NO_SECRET


def test_settings_show_no_password() -> None:
    """Settings hide all secrets, also the password in DATABASE_URL; so does the database."""
    url = "postgresql://donate:qzxword@127.0.0.1:9/gifts"
    settings = make_settings(
        url,
        smtp_url="smtp://user:qzxword@localhost",
        mail_from="give@example.org",
        metrics_token="qzxword",
        second_factor_key="qzxword" * 8,
        oidc_issuer="https://id.example.org",
        oidc_client_id="donate",
        oidc_client_secret="qzxword",
    )
    database = Database(url)
    shown = f"{settings!r}{settings!s}{settings.mail_server!r}{database!r}{database.engine!r}"
    database.close()
    assert "qzxword" not in shown
    assert "sk_test" not in shown


def test_what_donors_typed_is_not_shown() -> None:
    """Choices and forms show neither name nor address."""
    choice = choose(name="qzx", email="qzx@example.com")
    assert "qzx" not in f"{choice!r}{choice!s}{GiveForm(name='qzx', note='qzx')!r}"


def test_a_wrong_request_is_not_quoted() -> None:
    """Pydantic's errors say which field is wrong, but not what was sent."""
    with pytest.raises(ValidationError) as refused:
        NewGift.model_validate({"donor": {"name": 7, "email": "qzx"}, "qzx2": "qzx"})
    assert "donor" in str(refused.value)
    assert "'qzx'" not in str(refused.value)
