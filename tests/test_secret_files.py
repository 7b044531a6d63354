"""Secrets may come from files: in `/run/secrets` of a container, or systemd's credentials."""

from pathlib import Path

import pytest

from donate.errors import Misconfigured
from donate.settings import Settings, load_settings
from tests.links import LINK_KEY
from tests.real_parts import SECRET_KEY, WEBHOOK_SECRET

URL = "postgresql://donate:a-password@/donate?host=/run/postgresql"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "stripe_secret_key").write_text(SECRET_KEY + "\n")
    (tmp_path / "stripe_webhook_secret").write_text(f"{WEBHOOK_SECRET},{WEBHOOK_SECRET}\n")
    (tmp_path / "database_url").write_text(URL)
    (tmp_path / "link_key").write_text(LINK_KEY)
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_secrets_come_from_files() -> None:
    """A file with the name of a setting has its value; a line break at its end does not count."""
    settings = load_settings(None)
    assert settings.stripe_secret_key.get_secret_value() == SECRET_KEY
    assert settings.webhook_secrets == (WEBHOOK_SECRET, WEBHOOK_SECRET)
    assert settings.database_url == URL


@pytest.mark.usefixtures("folder")
def test_the_environment_overrides_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of the environment counts more than a file."""
    monkeypatch.setenv("DATABASE_URL", "sqlite:///other.sqlite3")
    assert load_settings(None).database_url == "sqlite:///other.sqlite3"


def test_a_file_that_is_wrong_is_named_without_its_value(folder: Path) -> None:
    """A wrong value in a file stops the start with the setting's name, and not with its value."""
    (folder / "stripe_secret_key").write_text("pk_live_51Kd83kfLs02mQpZ7uYtR1")
    with pytest.raises(Misconfigured, match="STRIPE_SECRET_KEY must be") as refused:
        load_settings(None)
    assert "51Kd83" not in str(refused.value)


def test_a_file_that_cannot_be_read_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that the service may not read stops the start with its name."""

    def refuse(path: Path, *_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(Misconfigured, match=f"cannot be read .*Permission denied: '{folder}"):
        load_settings(None)
