"""Checks and hashes passwords, few at a time. A check reveals nothing by how long it takes."""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Final

from pwdlib import PasswordHash

from donate.errors import Unavailable
from donate.finance.models import Staff
from donate.finance.staff.accounts import MAX_PASSWORD, find_staff, spellings
from donate.storage.database import Database

# One hash takes 64 MiB and a whole core for a moment, so few are computed at once. A request that
# waits for its turn occupies one of the server's threads, which donors need too.
HASHES_AT_ONCE: Final = 2
IN_LINE_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class VerifiedPassword:
    """A member of staff whose password was right, and a new hash if the stored one is outdated."""

    staff: Staff
    better_hash: str | None


@cache
def _hash_of_nobody(passwords: PasswordHash) -> str:
    """Return a hash for sign-ins with an unknown address, so that they take as long as others."""
    return passwords.hash(secrets.token_urlsafe(32))


class PasswordChecker:
    """Checks and hashes the passwords of staff."""

    def __init__(self, database: Database, passwords: PasswordHash) -> None:
        self._database = database
        self._passwords = passwords
        self._hashing = threading.BoundedSemaphore(HASHES_AT_ONCE)
        self._in_line = threading.BoundedSemaphore(IN_LINE_AT_ONCE)
        self._nobodys_hash = _hash_of_nobody(passwords)

    def check(self, email: str, password: str) -> VerifiedPassword | None:
        """Return the member of staff if the password is right, otherwise None.

        One hash is computed for each Unicode form of the password, even if the account does not
        exist, so that the time taken reveals nothing.
        """
        with self._database.reading() as session:
            staff = find_staff(session, email)
        if staff and (staff.disabled_at or not staff.password_hash or len(password) > MAX_PASSWORD):
            staff = None
        against = staff.password_hash if staff else self._nobodys_hash
        with self._in_turn():
            right, better = self._verify(password[:MAX_PASSWORD], against)
        return VerifiedPassword(staff, better) if staff and right else None

    def hash(self, tidied: str) -> str:
        """Return the hash of a password that `accounts.tidy_password` returned."""
        with self._in_turn():
            return self._passwords.hash(tidied)

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """Wait until few other hashes are computed. Raises Unavailable if too many wait."""
        if not self._in_line.acquire(blocking=False):
            raise Unavailable("too many are signing in at once")
        try:
            with self._hashing:
                yield
        finally:
            self._in_line.release()

    def _verify(self, password: str, against: str) -> tuple[bool, str | None]:
        """Return whether any Unicode form of a password matches, and a new hash if one is needed.

        A new hash is needed if the stored hash was made of a form that earlier versions of the code
        used.
        """
        own, *earlier = spellings(password)
        right, better = self._passwords.verify_and_update(own, against)
        for spelling in earlier:
            if self._passwords.verify(spelling, against):
                right, better = True, self._passwords.hash(own)
        return right, better
