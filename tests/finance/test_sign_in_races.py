"""Many concurrent sign-ins, and account changes during a sign-in."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlmodel import Session, select

from donate.finance.models import StaffSession
from donate.finance.staff.password_check import HASHES_AT_ONCE, IN_LINE_AT_ONCE
from donate.storage.database import Database
from tests.blocking import until_it_waits
from tests.finance.finance_site import open_site, sign_in
from tests.finance.sign_ins import ANN, change_password, shut_out
from tests.real_parts import Postgres, Sqlite
from tests.waiting import PATIENCE_S


class BlockingHasher(Argon2Hasher):
    """An Argon2 hasher that waits in every verification until `go_on` is set."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)
        self.go_on = threading.Event()
        self.most = 0
        self._inside = 0
        self._lock = threading.Lock()

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:  # noqa: A002
        with self._lock:
            self._inside += 1
            self.most = max(self.most, self._inside)
        self.go_on.wait(PATIENCE_S)
        with self._lock:
            self._inside -= 1
        return super().verify(password, hash)


def test_too_many_sign_ins_at_once_get_503(sqlite: Sqlite) -> None:
    """Of nine sign-ins at once, two are verified, six wait, and the ninth gets 503."""
    assert (HASHES_AT_ONCE, IN_LINE_AT_ONCE) == (2, 8)
    hasher = BlockingHasher()
    database = Database(sqlite.fresh_url())
    site = open_site(database, passwords=PasswordHash((hasher,)))
    site.add_staff()
    with ThreadPoolExecutor(9) as threads:
        attempts = [threads.submit(sign_in, site.browser(f"192.0.2.{n}")) for n in range(9)]
        try:
            first = next(as_completed(attempts, timeout=PATIENCE_S / 2)).result()
        finally:
            hasher.go_on.set()
        answers = Counter(attempt.result().status_code for attempt in attempts)
    assert first.status_code == 503
    assert answers == {303: 8, 503: 1}
    assert hasher.most == HASHES_AT_ONCE
    assert sign_in(site.browser()).status_code == 303, "the line is free again"
    database.close()


@pytest.mark.parametrize("act", [change_password, shut_out])
def test_a_sign_in_fails_if_the_account_is_being_changed(
    postgres: Postgres, act: Callable[[Session], None]
) -> None:
    """A sign-in fails if the user is disabled, or their password changed, at the same time."""
    database = Database(postgres.fresh_url())
    site = open_site(database)
    site.add_staff(ANN)
    with ThreadPoolExecutor(1) as thread:
        with database.writing() as session:
            act(session)
            session.flush()
            answer = thread.submit(sign_in, site.browser())
            until_it_waits(database, answer)
        assert answer.result(PATIENCE_S).status_code == 503
    with database.reading() as session:
        assert session.exec(select(StaffSession)).all() == []
    database.close()
