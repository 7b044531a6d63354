"""`donate secrets renew`: encrypts stored secrets again, so that an old key can be removed.

These are the secrets that SECOND_FACTOR_KEY encrypts. The addresses of payment pages, which
LINK_KEY encrypts, are not among them: they end with their pages, within a day.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, Table, select, update
from sqlmodel import Session

from donate.errors import Misconfigured
from donate.finance.models import SecondFactor
from donate.outbound_webhooks.models import WebhookReceiver
from donate.settings import Settings
from donate.storage.bulk_writes import count_changed, table_of
from donate.storage.database import Database
from donate.trust.secret_cipher import SecretCipher, cipher_of

AT_A_TIME: Final = 100
_FACTORS: Final = table_of(SecondFactor)
_RECEIVERS: Final = table_of(WebhookReceiver)
STORED: Final[tuple[Column[Any], ...]] = (
    _FACTORS.c.secret,
    _RECEIVERS.c.secret,
    _RECEIVERS.c.old_secret,
)
"""Each column with secrets that SECOND_FACTOR_KEY encrypts. An empty text is no secret."""


@dataclass(frozen=True, slots=True)
class KeyUse:
    """How many stored secrets need an old key or an old cipher, and how many no key decrypts."""

    old: int = 0
    lost: int = 0


def count_old_secrets(session: Session, cipher: SecretCipher) -> KeyUse:
    """Return how many stored secrets are not as the cipher would encrypt them today."""
    texts = [
        text
        for column in STORED
        for text in session.execute(select(column).where(column != "")).scalars()
        if not cipher.is_current(text)
    ]
    lost = sum(cipher.decrypt(text) is None for text in texts)
    return KeyUse(len(texts) - lost, lost)


def renew_secrets(database: Database, cipher: SecretCipher) -> int:
    """Encrypt again what is not as the cipher would encrypt it today; return how many those were.

    It commits after each batch, so it may be stopped at any time and run again. What somebody else
    changes at the same time stays as they made it. Raises DatabaseBusy.
    """
    return sum(
        renewed for column in STORED for renewed in _renew_in_batches(database, column, cipher)
    )


def _renew_in_batches(
    database: Database, column: Column[Any], cipher: SecretCipher
) -> Iterator[int]:
    table: Table = column.table
    (key,) = table.primary_key.columns
    last = -1
    while True:
        with database.writing() as session:
            batch = select(key, column).where(key > last, column != "").order_by(key)
            rows = session.execute(batch.limit(AT_A_TIME)).all()
            yield sum(_renew(session, key, column, row, cipher) for row in rows)
        if len(rows) < AT_A_TIME:
            return
        last = rows[-1][0]


def _renew(
    session: Session, key: Column[Any], column: Column[Any], row: Any, cipher: SecretCipher
) -> bool:
    number, encrypted = row
    secret = None if cipher.is_current(encrypted) else cipher.decrypt(encrypted)
    if secret is None:
        return False
    unchanged = (key == number, column == encrypted)
    change = update(column.table).where(*unchanged).values({column.name: cipher.encrypt(secret)})
    return count_changed(session, change) == 1


def add_secrets_commands(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    open_database: Callable[[], Database],
    read_settings: Callable[[], Settings],
) -> None:
    """Add `donate secrets renew`."""
    secrets = commands.add_parser("secrets", help="manage the secrets in the database")
    actions = secrets.add_subparsers(required=True, metavar="COMMAND")
    text = "encrypt stored secrets with the first key of SECOND_FACTOR_KEY"
    renew = actions.add_parser("renew", help=text, description=f"{text.capitalize()}.")
    renew.set_defaults(run=lambda _: _run(open_database(), read_settings()))


def _run(database: Database, settings: Settings) -> int:
    try:
        cipher = cipher_of(settings.second_factor_key)
        if cipher is None:
            raise Misconfigured("SECOND_FACTOR_KEY is empty, so no secret can be encrypted")
        renewed = renew_secrets(database, cipher)
        with database.reading() as session:
            left = count_old_secrets(session, cipher)
    finally:
        database.close()
    print(f"Encrypted again: {renewed}. Left under an old key: {left.old}.")
    if left.lost:
        print(f"No key of SECOND_FACTOR_KEY decrypts {left.lost}: put the key back.")
    elif not left.old:
        print("Old keys can be removed from SECOND_FACTOR_KEY.")
    return 1 if left.old or left.lost else 0
