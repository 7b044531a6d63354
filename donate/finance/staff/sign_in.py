"""Sign-in and sign-out. A refusal does not say whether the e-mail or the password was wrong."""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

from fastapi import Request
from pwdlib import PasswordHash
from starlette.responses import RedirectResponse, Response

from donate.clock import Clock
from donate.errors import Unavailable
from donate.finance.access import (
    EVERYBODY,
    HOME,
    NOT_RECORDED,
    SIGN_IN,
    Gate,
    Visiting,
    needs,
    safe_next,
)
from donate.finance.models import Role, Staff
from donate.finance.sessions import end_session, same_secret, start_session
from donate.finance.staff.accounts import MAX_PASSWORD, PASSWORDS, find_staff, spellings, tidy_email
from donate.finance.staff.sign_in_limit import (
    SignInAttempt,
    SignInPace,
    begin_attempt,
    forget_attempts,
)
from donate.finance.trail import record_act
from donate.finance.words import LANGUAGE
from donate.storage.database import Database
from donate.web.giving_limits import network_of
from donate.web.templating import Pages

WRONG: Final = "Wrong e-mail or password."
TOO_MANY: Final = "Too many attempts. Please wait a few minutes and try again."
_DONE: Final = {
    "signed-out": "You’re signed out.",
    NOT_RECORDED: "Your session had ended, so nothing was saved. Please sign in and send the form "
    "again.",
}
NO_COOKIE: Final = (
    "Your browser blocked our cookie. Please allow cookies for this site and try again."
)
PAUSE_S: Final = 1.0
# One hash takes 64 MiB and a whole core for a moment, so few are computed at once. A request that
# waits for its turn occupies one of the server's threads, which donors need too.
HASHES_AT_ONCE: Final = 2
IN_LINE_AT_ONCE: Final = 8
DELAYED_AT_ONCE: Final = 4
DELAYED_RETRY_S: Final = 5


@dataclass(frozen=True, slots=True)
class VerifiedPassword:
    """A member of staff whose password was right, and a new hash if the stored one is outdated."""

    staff: Staff
    better_hash: str | None


@cache
def _hash_of_nobody(passwords: PasswordHash) -> str:
    """Return a hash for sign-ins with an unknown address, so that they take as long as others."""
    return passwords.hash(secrets.token_urlsafe(32))


class SignIn:
    """The pages that sign staff in and out."""

    def __init__(
        self,
        database: Database,
        pages: Pages,
        clock: Clock,
        gate: Gate,
        *,
        passwords: PasswordHash = PASSWORDS,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._database = database
        self._pages = pages
        self._clock = clock
        self._gate = gate
        self._passwords = passwords
        self._pause = pause
        self._hashing = threading.BoundedSemaphore(HASHES_AT_ONCE)
        self._in_line = threading.BoundedSemaphore(IN_LINE_AT_ONCE)
        self._delayed = threading.BoundedSemaphore(DELAYED_AT_ONCE)
        self._nobodys_hash = _hash_of_nobody(passwords)

    @needs(EVERYBODY)
    def form(self, request: Request, visit: Visiting) -> Response:
        """Show the sign-in form."""
        target = safe_next(request.query_params.get("next", HOME))
        if visit.staff:
            return RedirectResponse(target, 303)
        done = _DONE.get(request.query_params.get("done", ""), "")
        return self._form(request, target, done=done)

    @needs(EVERYBODY)
    def sign_in(self, request: Request, visit: Visiting) -> Response:
        """Check the password and start a session."""
        target = safe_next(visit.form.get("next", HOME))
        typed = visit.form.get("email", "")
        form_token = request.cookies.get(self._gate.form_cookie, "")
        if not same_secret(visit.form.get("form_token", ""), form_token):
            self._gate.record_refusal(request, None, "sign-in without its form")
            return self._form(request, target, typed, problem=NO_COOKIE, status_code=403)
        email, network = tidy_email(typed), network_of(visit.address)
        with self._database.writing() as session:
            attempt = begin_attempt(session, email, network, now=self._clock.now())
        if attempt.pace != SignInPace.GO:
            refusal = self._slow_down(request, attempt, target, typed)
            if refusal:
                return refusal
        verified = self._check(email, visit.form.get("password", ""))
        if verified is None:
            self._gate.record_refusal(request, None, "wrong e-mail or password")
            return self._form(request, target, typed, problem=WRONG, status_code=401)
        return self._start(request, verified, network, target)

    @needs(Role.VIEWER)
    def sign_out(self, request: Request, visit: Visiting) -> Response:
        """End the session of the member of staff."""
        with self._database.writing() as session:
            end_session(session, request.cookies.get(self._gate.session_cookie, ""))
            visit.record(session, "signed_out", now=self._clock.now())
        answer = RedirectResponse(f"{SIGN_IN}?done=signed-out", 303)
        self._gate.drop_cookie(answer, self._gate.session_cookie)
        return answer

    def _slow_down(
        self, request: Request, attempt: SignInAttempt, target: str, typed: str
    ) -> Response | None:
        retry_after_s = attempt.retry_after_s
        if attempt.pace == SignInPace.SLOWLY:
            if self._delayed.acquire(blocking=False):
                try:
                    self._pause(PAUSE_S)
                finally:
                    self._delayed.release()
                return None
            retry_after_s = DELAYED_RETRY_S
        self._gate.record_refusal(request, None, "too many tries")
        return self._form(
            request,
            target,
            typed,
            problem=TOO_MANY,
            status_code=429,
            headers={"Retry-After": str(retry_after_s)},
        )

    def _check(self, email: str, password: str) -> VerifiedPassword | None:
        """Return the member of staff if the password is right, otherwise None.

        One hash is computed for each Unicode form of the password, even if the account does not
        exist, so that the time taken reveals nothing.
        """
        with self._database.reading() as session:
            staff = find_staff(session, email)
        if staff and (staff.disabled_at or len(password) > MAX_PASSWORD):
            staff = None
        against = staff.password_hash if staff else self._nobodys_hash
        if not self._in_line.acquire(blocking=False):
            raise Unavailable("too many are signing in at once")
        try:
            with self._hashing:
                right, better = self._verify(password[:MAX_PASSWORD], against)
        finally:
            self._in_line.release()
        return VerifiedPassword(staff, better) if staff and right else None

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

    def _start(
        self, request: Request, verified: VerifiedPassword, network: str, target: str
    ) -> Response:
        now = self._clock.now()
        staff_id = verified.staff.id
        assert staff_id is not None
        with self._database.writing() as session:
            row = session.get(Staff, staff_id, with_for_update=True)
            if row is None or row.disabled_at or row.password_hash != verified.staff.password_hash:
                raise Unavailable("the password changed, or the account was disabled, meanwhile")
            row.password_hash = verified.better_hash or row.password_hash
            forget_attempts(session, row.email, network)
            end_session(session, request.cookies.get(self._gate.session_cookie, ""))
            token = start_session(session, staff_id, now=now)
            record_act(session, "signed_in", now=now, staff_id=staff_id, address=network)
        answer = RedirectResponse(target, 303)
        self._gate.set_cookie(answer, self._gate.session_cookie, token)
        self._gate.drop_cookie(answer, self._gate.form_cookie)
        return answer

    def _form(
        self,
        request: Request,
        target: str,
        typed: str = "",
        *,
        problem: str = "",
        done: str = "",
        status_code: int = 200,
        headers: dict[str, str] | None = None,
    ) -> Response:
        # Reuse the form token in the cookie. All tabs share the cookie, and a new token would
        # invalidate a sign-in form that is open in another tab.
        form_token = request.cookies.get(self._gate.form_cookie, "")
        if not (20 <= len(form_token) <= 100 and form_token.isascii()):
            form_token = secrets.token_urlsafe(32)
        answer = self._pages.render(
            "finance/sign_in.html",
            LANGUAGE,
            status_code=status_code,
            headers=headers,
            staff=None,
            next=target,
            email=typed[:254],
            form_token=form_token,
            problem=problem,
            done=done,
        )
        self._gate.set_cookie(answer, self._gate.form_cookie, form_token)
        return answer
