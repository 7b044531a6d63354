"""Checks whether it is the person who is signed in: their password, and their code."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from sqlmodel import Session

from donate.clock import Clock
from donate.errors import N_, BadInput, Unavailable
from donate.finance.access import AllowedRequest
from donate.finance.fresh_proof.asking import OWN_CODE, OWN_PASSWORD
from donate.finance.models import Staff, StaffSession
from donate.finance.second_factor.code_pages import WRONG_CODE
from donate.finance.second_factor.codes import accept_code, has_second_factor
from donate.finance.sessions import SignedIn, renew_session
from donate.finance.staff.password_check import PasswordChecker
from donate.finance.staff.sign_in_limit import (
    SignInPace,
    begin_attempt,
    begin_code_attempt,
    code_key,
    forget_attempts,
)
from donate.storage.database import Database
from donate.trust.secret_cipher import SecretCipher
from donate.web.limits.networks import wide_network_of

TOO_MANY: Final = N_("Too many attempts. Please wait a few minutes and try again.")


@dataclass(frozen=True, slots=True)
class FreshProof:
    """Somebody who has just proved who they are: their locked account, and the session's new token.

    `session` is the open transaction, which renews the token and may change the account.
    """

    session: Session
    person: Staff
    token: str = field(repr=False)


class OwnProof:
    """Checks everything with which the person who is signed in signs in here."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        checker: PasswordChecker,
        *,
        cipher: SecretCipher | None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._checker = checker
        self._cipher = cipher

    @contextmanager
    def checked(self, visit: AllowedRequest) -> Iterator[FreshProof]:
        """Check the password and, if the person has a second factor, the code. Renew the session.

        Raises BadInput for the field that is wrong, and Unavailable if the account was changed
        meanwhile.
        """
        me, network, now = visit.signed_in, wide_network_of(visit.address), self._clock.now()
        password_hash = self._check_password(visit, network)
        with self._database.reading() as session:
            has_factor = has_second_factor(session, me.staff_id)
        if has_factor:
            self.count_code(visit, OWN_CODE)
        with self._database.writing() as session:
            row = lock_own_account(session, me)
            if row.password_hash != password_hash:
                raise Unavailable("the password was changed meanwhile")
            if has_factor:
                typed = visit.form.get(OWN_CODE, "")
                if not accept_code(session, me.staff_id, typed, self._cipher, now=now):
                    raise BadInput(OWN_CODE, WRONG_CODE)
                self.forget_codes(session, visit)
            forget_attempts(session, me.email, network)
            token = renew_session(session, me, now=now, with_second_factor=has_factor)
            yield FreshProof(session, row, token)

    def count_code(self, visit: AllowedRequest, field_name: str) -> None:
        """Count an attempt to enter a code, before checking the code.

        Raises BadInput if there were too many.
        """
        me, network = visit.signed_in, wide_network_of(visit.address)
        with self._database.writing() as session:
            attempt = begin_code_attempt(session, me.staff_id, network, now=self._clock.now())
        if attempt.pace != SignInPace.GO:
            raise BadInput(field_name, TOO_MANY)

    def forget_codes(self, session: Session, visit: AllowedRequest) -> None:
        """Delete the counted wrong codes once a right code was entered."""
        forget_attempts(session, code_key(visit.signed_in.staff_id), wide_network_of(visit.address))

    def _check_password(self, visit: AllowedRequest, network: str) -> str:
        me = visit.signed_in
        with self._database.writing() as session:
            attempt = begin_attempt(session, me.email, network, now=self._clock.now())
        if attempt.pace == SignInPace.STOP:
            raise BadInput(OWN_PASSWORD, TOO_MANY)
        verified = self._checker.check(me.email, visit.form.get(OWN_PASSWORD, ""))
        if verified is None:
            raise BadInput(OWN_PASSWORD, N_("That password is wrong."))
        return verified.staff.password_hash


def lock_own_account(session: Session, me: SignedIn) -> Staff:
    """Lock the account of the person who is signed in.

    Raises Unavailable if their session or their account was ended meanwhile.
    """
    row = session.get(Staff, me.staff_id, with_for_update=True)
    if row is None or row.disabled_at or session.get(StaffSession, me.token_hash) is None:
        raise Unavailable("the session was ended meanwhile")
    return row
