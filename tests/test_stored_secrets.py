"""`donate secrets renew` encrypts stored secrets with the new key, and loses none."""

import base64
import hashlib
from datetime import UTC, datetime

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text
from sqlmodel import SQLModel

from donate.cli import main
from donate.commands.stored_secrets import (
    AT_A_TIME,
    STORED,
    KeyUse,
    count_old_secrets,
    renew_secrets,
)
from donate.finance.models import SecondFactor
from donate.finance.roles import Role
from donate.finance.staff.accounts import add_staff
from donate.outbound_webhooks.models import WebhookReceiver
from donate.storage.database import Database
from donate.trust.secret_cipher import SecretCipher
from tests.finance.finance_site import CHEAP, PASSWORD

NOW = datetime(2026, 3, 1, tzinfo=UTC)
OLD_KEY, NEW_KEY = "the old key of this service 2025", "the new key of this service 2026"
OLD, NEW, BOTH = SecretCipher([OLD_KEY]), SecretCipher([NEW_KEY]), SecretCipher([NEW_KEY, OLD_KEY])


def store(database: Database, cipher: SecretCipher, number: int = 1, old: str = "") -> None:
    """Store a second factor and a program with two secrets."""
    with database.writing() as session:
        person = add_staff(
            session,
            f"p{number}@example.org",
            name="Ann",
            role=Role.FINANCE,
            password=PASSWORD,
            now=NOW,
            passwords=CHEAP,
        )
        assert person.id is not None
        session.add(SecondFactor(staff_id=person.id, secret=cipher.encrypt(f"factor {number}")))
        session.add(receiver(number, cipher.encrypt(f"program {number}"), old))


def receiver(number: int, secret: str, old: str) -> WebhookReceiver:
    return WebhookReceiver(
        form_key=f"form {number}",
        url="https://crm.example.org/",
        description="CRM",
        with_donor=False,
        secret=secret,
        old_secret=old,
        old_secret_until=NOW if old else None,
        added_at=NOW,
        free_at=NOW,
    )


def stored(database: Database) -> list[str]:
    with database.reading() as session:
        return [
            value
            for column in STORED
            for value in session.execute(text(f"SELECT {column.name} FROM {column.table.name}"))
            .scalars()
            .all()
        ]


def count(database: Database, cipher: SecretCipher = BOTH) -> KeyUse:
    with database.reading() as session:
        return count_old_secrets(session, cipher)


def test_old_keys_can_be_removed(database: Database) -> None:
    """All secrets are the same after that, and the new key alone decrypts them; once is enough."""
    fernet = Fernet(base64.urlsafe_b64encode(hashlib.sha256(NEW_KEY.encode()).digest()))
    store(database, OLD, old=fernet.encrypt(b"an older secret").decode())
    store(database, NEW, 2)
    assert count(database) == KeyUse(old=3)
    assert renew_secrets(database, BOTH) == 3
    assert count(database) == KeyUse()
    assert sorted(NEW.decrypt(each) or "" for each in stored(database)) == [
        *("", "an older secret", "factor 1", "factor 2", "program 1", "program 2"),
    ]
    before = stored(database)
    assert renew_secrets(database, BOTH) == 0
    assert stored(database) == before


def test_it_may_be_stopped_and_run_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is done before it is stopped stays done, and the next run does the rest."""
    monkeypatch.setattr("donate.commands.stored_secrets.AT_A_TIME", 2)
    for number in range(5):
        store(database, OLD, number)
    calls = 0

    class Stopped(SecretCipher):
        def encrypt(self, secret: str) -> str:
            nonlocal calls
            calls += 1
            if calls > 7:
                raise KeyboardInterrupt
            return super().encrypt(secret)

    with pytest.raises(KeyboardInterrupt):
        renew_secrets(database, Stopped([NEW_KEY, OLD_KEY]))
    assert count(database) == KeyUse(old=3)
    assert renew_secrets(database, BOTH) == 3
    assert count(database) == KeyUse()


def test_more_than_a_batch(database: Database) -> None:
    """All rows are read, however many there are."""
    with database.writing() as session:
        for number in range(2 * AT_A_TIME):
            session.add(receiver(number, OLD.encrypt("x"), ""))
    assert renew_secrets(database, BOTH) == 2 * AT_A_TIME
    assert count(database) == KeyUse()


def test_a_change_at_the_same_time_wins(database: Database) -> None:
    """A secret that somebody makes anew meanwhile is not replaced by the one before."""
    store(database, OLD)
    other = Database(database.engine.url.render_as_string(hide_password=False))
    made = NEW.encrypt("made anew")

    class Slow(SecretCipher):
        def decrypt(self, encrypted: str) -> str | None:
            secret = super().decrypt(encrypted)
            # SQLite has one writer at a time.
            if secret == "program 1" and not database.is_sqlite:
                with other.writing() as session:
                    session.execute(
                        text("UPDATE webhook_receiver SET secret = :made"), {"made": made}
                    )
            return secret

    renew_secrets(database, Slow([NEW_KEY, OLD_KEY]))
    other.close()
    if not database.is_sqlite:
        assert made in stored(database)
    assert count(database) == KeyUse()


def test_what_no_key_decrypts_stays(database: Database) -> None:
    """It is counted and left as it is, for the day when its key is found."""
    store(database, SecretCipher(["a lost key"]))
    before = stored(database)
    assert renew_secrets(database, BOTH) == 0
    assert count(database) == KeyUse(lost=2)
    assert stored(database) == before


def test_no_column_with_secrets_is_forgotten() -> None:
    """Each column of the name of a secret is among those, or holds none that a key encrypts."""
    named = {
        f"{table.name}.{column.name}"
        for table in SQLModel.metadata.tables.values()
        for column in table.columns
        if "secret" in column.name and "until" not in column.name
    }
    assert named == {f"{column.table.name}.{column.name}" for column in STORED}


def test_the_command_and_the_doctor(
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The doctor says how many are left, the command renews them, and says what is left over."""
    database = Database(environment["DATABASE_URL"])
    store(database, OLD)
    assert main(["secrets", "renew"]) == 1
    assert "SECOND_FACTOR_KEY is empty" in capsys.readouterr().err
    monkeypatch.setenv("SECOND_FACTOR_KEY", f"{NEW_KEY},{OLD_KEY}")
    main(["doctor"])
    assert "2 secrets are under an old key: run `donate secrets renew`" in capsys.readouterr().out
    monkeypatch.setenv("SECOND_FACTOR_KEY", NEW_KEY)
    main(["doctor"])
    assert "no key of SECOND_FACTOR_KEY decrypts 2 secrets" in capsys.readouterr().out
    assert main(["secrets", "renew"]) == 1
    assert "No key of SECOND_FACTOR_KEY decrypts 2" in capsys.readouterr().out
    monkeypatch.setenv("SECOND_FACTOR_KEY", f"{NEW_KEY},{OLD_KEY}")
    assert main(["secrets", "renew"]) == 0
    said = capsys.readouterr().out
    assert "Encrypted again: 2. Left under an old key: 0." in said
    assert "Old keys can be removed" in said
    main(["doctor"])
    assert "SECOND_FACTOR_KEY decrypts" not in capsys.readouterr().out
    database.close()
