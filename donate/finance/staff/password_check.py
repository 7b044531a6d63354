"""Checks and hashes passwords, only a few at a time. A check always takes equally long."""

import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from pwdlib import PasswordHash

from donate.errors import Unavailable
from donate.finance.models import Staff
from donate.finance.staff.accounts import find_staff, spellings
from donate.finance.staff.password_rules import MAX_PASSWORD, check_password
from donate.storage.database import Database

# Computing a hash takes 64 MiB of memory and a whole core for a moment, so only a few are computed
# at once. A waiting request occupies one of the server's threads, and donors need these threads
# too, so only a few requests may wait.
HASHES_AT_ONCE: Final = 2
IN_LINE_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class VerifiedPassword:
    """A member of staff whose password was right.

    `better_hash` is a new hash if the stored hash is outdated, otherwise None.
    """

    staff: Staff
    better_hash: str | None = field(repr=False)


@cache
def _hash_of_nobody(passwords: PasswordHash) -> str:
    """Return a hash to check against if the e-mail address is unknown.

    Then the check takes as long as it does for a known address.
    """
    return passwords.hash(secrets.token_urlsafe(32))


class PasswordChecker:
    """Checks and hashes the passwords of staff. `charity` has the charity's names."""

    def __init__(
        self, database: Database, passwords: PasswordHash, *, charity: Sequence[str] = ()
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._charity = charity
        self._hashing = threading.BoundedSemaphore(HASHES_AT_ONCE)
        self._in_line = threading.BoundedSemaphore(IN_LINE_AT_ONCE)
        # Sign-ins from known browsers wait in a separate line, so that guesses do not fill it.
        self._in_line_of_known = threading.BoundedSemaphore(IN_LINE_AT_ONCE)
        self._nobodys_hash = _hash_of_nobody(passwords)

    def check(
        self, email: str, password: str, *, at_known_device: bool = False
    ) -> VerifiedPassword | None:
        """Return the member of staff if the password is right, otherwise None.

        One hash is computed for each Unicode form of the password, even if the account does not
        exist, so that the time taken does not reveal whether it exists.
        """
        with self._database.reading() as session:
            staff = find_staff(session, email)
        if staff and (staff.disabled_at or not staff.password_hash or len(password) > MAX_PASSWORD):
            staff = None
        against = staff.password_hash if staff else self._nobodys_hash
        with self._in_turn(self._in_line_of_known if at_known_device else self._in_line):
            right, better = self._verify(password[:MAX_PASSWORD], against)
        return VerifiedPassword(staff, better) if staff and right else None

    def check_new(self, tidied: str, person: Staff) -> None:
        """Raise BadInput if a person's new password is easy to guess."""
        check_password(tidied, person.email, person.name, *self._charity)

    def hash(self, tidied: str) -> str:
        """Return the hash of a password.

        The password must be a result of `tidy_password`.
        """
        with self._in_turn(self._in_line_of_known):
            return self._passwords.hash(tidied)

    @contextmanager
    def _in_turn(self, line: threading.Semaphore) -> Iterator[None]:
        """Wait for a turn to compute a hash. Raises Unavailable if too many are in this line."""
        if not line.acquire(blocking=False):
            raise Unavailable("too many are signing in at once")
        try:
            with self._hashing:
                yield
        finally:
            line.release()

    def _verify(self, password: str, against: str) -> tuple[bool, str | None]:
        """Return whether any Unicode form of a password matches, and a new hash if one is needed.

        A new hash is needed if the stored hash is outdated, or was made from a form that only
        earlier versions of the code hashed.
        """
        own, *earlier = spellings(password)
        right, better = self._passwords.verify_and_update(own, against)
        for spelling in earlier:
            if self._passwords.verify(spelling, against):
                right, better = True, self._passwords.hash(own)
        return right, better
