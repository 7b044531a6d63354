"""Asks people for their own password before they change how they sign in. Counts wrong ones."""

from sqlmodel import Session

from donate.clock import Clock
from donate.errors import N_, BadInput, Unavailable
from donate.finance.access import AllowedRequest
from donate.finance.models import Staff
from donate.finance.staff.password_check import PasswordChecker
from donate.finance.staff.sign_in_limit import (
    SignInPace,
    begin_attempt,
    begin_code_attempt,
    code_key,
    forget_attempts,
)
from donate.storage.database import Database
from donate.web.giving_limits import network_of

TOO_MANY = N_("Too many attempts. Please wait a few minutes and try again.")


class OwnPassword:
    """Checks the password of the person who is signed in."""

    def __init__(self, database: Database, clock: Clock, checker: PasswordChecker) -> None:
        self._database = database
        self._clock = clock
        self._checker = checker

    def check(self, visit: AllowedRequest, field: str) -> Staff:
        """Return the person if the password in `field` is right. Raises BadInput if it is wrong.

        A person without a password signs in at the identity provider, so they need not enter one.
        """
        me, network = visit.signed_in, network_of(visit.address)
        with self._database.writing() as session:
            person = session.get(Staff, me.staff_id)
            if person and not person.password_hash:
                return person
            attempt = begin_attempt(session, me.email, network, now=self._clock.now())
        if attempt.pace == SignInPace.STOP:
            raise BadInput(field, TOO_MANY)
        verified = self._checker.check(me.email, visit.form.get(field, ""))
        if verified is None:
            raise BadInput(field, N_("That password is wrong."))
        with self._database.writing() as session:
            forget_attempts(session, me.email, network)
        return verified.staff

    def count_code(self, visit: AllowedRequest, field: str) -> None:
        """Count an attempt to enter a code, before checking the code.

        Raises BadInput if too many.
        """
        me, network = visit.signed_in, network_of(visit.address)
        with self._database.writing() as session:
            attempt = begin_code_attempt(session, me.staff_id, network, now=self._clock.now())
        if attempt.pace != SignInPace.GO:
            raise BadInput(field, TOO_MANY)

    def forget_codes(self, session: Session, visit: AllowedRequest) -> None:
        """Delete the counted wrong codes once a right code was entered."""
        forget_attempts(session, code_key(visit.signed_in.staff_id), network_of(visit.address))


def lock_unchanged(session: Session, person: Staff) -> Staff:
    """Lock the person's row.

    Raises Unavailable if the row has changed since the password was checked.
    """
    row = session.get(Staff, person.id, with_for_update=True)
    if row is None or row.disabled_at or row.password_hash != person.password_hash:
        raise Unavailable("the account was changed meanwhile")
    return row
