"""Sign-in and sign-out.

A refusal does not say whether the e-mail address or the password was wrong.
"""

import secrets
import threading
import time
from collections.abc import Callable
from typing import Final

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from donate.clock import Clock
from donate.errors import N_, Unavailable
from donate.finance.access import (
    EVERYBODY,
    NOT_RECORDED,
    AllowedRequest,
    Gate,
    Visiting,
    needs,
)
from donate.finance.models import Staff
from donate.finance.roles import Role
from donate.finance.second_factor.codes import has_second_factor
from donate.finance.sessions import end_session
from donate.finance.staff.accounts import tidy_email
from donate.finance.staff.addresses import HOME, SIGN_IN, safe_next
from donate.finance.staff.devices import device_key
from donate.finance.staff.language_pages import keep_language
from donate.finance.staff.password_check import PasswordChecker, VerifiedPassword
from donate.finance.staff.session_start import SessionStart
from donate.finance.staff.sign_in_limit import (
    SignInAttempt,
    SignInPace,
    begin_attempt,
    forget_attempts,
)
from donate.storage.database import Database
from donate.web.languages import LANGUAGES
from donate.web.limits.networks import wide_network_of
from donate.web.secret_tokens import FORGET_PAGES, same_secret
from donate.web.templating import Pages

WRONG: Final = N_("Wrong e-mail or password.")
TOO_MANY: Final = N_("Too many attempts. Please wait a few minutes and try again.")
_DONE: Final = {
    "signed-out": N_("You’re signed out."),
    "expired": N_("Signing in took too long. Please start again."),
    "password-set": N_("Your password is set. Please sign in."),
    NOT_RECORDED: N_(
        "Your session had ended, so nothing was saved. Please sign in and send the form again."
    ),
}
NO_COOKIE: Final = N_(
    "Your browser blocked our cookie. Please allow cookies for this site and try again."
)
PAUSE_S: Final = 1.0
DELAYED_AT_ONCE: Final = 4
DELAYED_RETRY_S: Final = 5


class SignIn:
    """The pages that sign staff in and out."""

    def __init__(
        self,
        database: Database,
        pages: Pages,
        clock: Clock,
        gate: Gate,
        *,
        checker: PasswordChecker,
        pause: Callable[[float], None] = time.sleep,
        has_provider: bool = False,
    ) -> None:
        self._database = database
        self._pages = pages
        self._clock = clock
        self._gate = gate
        self._checker = checker
        self._starts = SessionStart(gate)
        self._pause = pause
        self._has_provider = has_provider
        self._delayed = threading.BoundedSemaphore(DELAYED_AT_ONCE)

    @needs(EVERYBODY)
    def form(self, request: Request, visit: Visiting) -> Response:
        """Show the sign-in form."""
        target = safe_next(request.query_params.get("next", HOME))
        if visit.staff:
            return RedirectResponse(target, 303)
        done = _DONE.get(request.query_params.get("done", ""), "")
        return self.answer_form(request, target, done=done)

    @needs(EVERYBODY)
    def sign_in(self, request: Request, visit: Visiting) -> Response:
        """Check the password. Then start a session, or ask for a code if the person needs one."""
        target = safe_next(visit.form.get("next", HOME))
        typed = visit.form.get("email", "")
        form_token = request.cookies.get(self._gate.form_cookie, "")
        if not same_secret(visit.form.get("form_token", ""), form_token):
            self._gate.record_refusal(request, None, "sign-in without its form")
            return self.answer_form(request, target, typed, problem=NO_COOKIE, status_code=403)
        email, network, now = tidy_email(typed), wide_network_of(visit.address), self._clock.now()
        with self._database.writing() as session:
            cookie = request.cookies.get(self._gate.device_cookie, "")
            device = device_key(session, cookie, email, now=now)
            attempt = begin_attempt(session, email, network, now=now, device=device)
        if attempt.pace != SignInPace.GO:
            refusal = self._slow_down(request, attempt, target, typed)
            if refusal:
                return refusal
        password = visit.form.get("password", "")
        verified = self._checker.check(email, password, at_known_device=bool(device))
        if verified is None:
            self._gate.record_refusal(request, None, "wrong e-mail or password", email=email)
            return self.answer_form(request, target, typed, problem=WRONG, status_code=401)
        return self._start(request, visit, verified, (network, device), target)

    @needs(Role.VIEWER, before_second_factor=True)
    def sign_out(self, request: Request, visit: Visiting) -> Response:
        """End the session of the member of staff, and delete its cookie."""
        with self._database.writing() as session:
            end_session(session, request.cookies.get(self._gate.session_cookie, ""))
            visit.record(session, "signed_out", now=self._clock.now())
        answer = RedirectResponse(f"{SIGN_IN}?done=signed-out", 303, headers=FORGET_PAGES)
        self._gate.cookies.drop(answer, self._gate.session_cookie)
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
        self._gate.record_refusal(request, None, "too many tries", email=tidy_email(typed))
        return self.answer_form(
            request,
            target,
            typed,
            problem=TOO_MANY,
            status_code=429,
            headers={"Retry-After": str(retry_after_s)},
        )

    def _start(
        self,
        request: Request,
        visit: AllowedRequest,
        verified: VerifiedPassword,
        counted_at: tuple[str, str],
        target: str,
    ) -> Response:
        now = self._clock.now()
        staff_id, chosen = verified.staff.id, visit.form.get("language", "")
        assert staff_id is not None
        with self._database.writing() as session:
            row = session.get(Staff, staff_id, with_for_update=True)
            if row is None or row.disabled_at or row.password_hash != verified.staff.password_hash:
                raise Unavailable("the password changed, or the account was disabled, meanwhile")
            row.password_hash = verified.better_hash or row.password_hash
            if chosen in LANGUAGES:
                row.language = chosen
            language = row.language
            forget_attempts(session, row.email, *counted_at)
            if has_second_factor(session, staff_id):
                token = self._starts.wait_for_code(
                    session, request, staff_id, target, now=now, proved_at=now
                )
                answer = self._starts.answer_pending(token)
            else:
                started = self._starts.start(session, request, row, now=now, proved_at=now)
                answer = self._starts.answer_started(started, target)
        keep_language(self._gate, answer, language)
        return answer

    def answer_form(
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
        """Return the sign-in form, with what was typed and with a message.

        `problem` says what was wrong, and `done` what was done.
        """
        # Keep the form token from the cookie. All tabs share this cookie, so a new token would
        # invalidate a sign-in form that is open in another tab.
        form_token = request.cookies.get(self._gate.form_cookie, "")
        if not (20 <= len(form_token) <= 100 and form_token.isascii()):
            form_token = secrets.token_urlsafe(32)
        visit: AllowedRequest = request.state.visit
        # The language chosen on this page is stored for the person when they sign in.
        chosen = request.query_params.get("lang", "") or visit.form.get("language", "")
        answer = self._pages.render(
            "finance/sign_in.html",
            visit.language,
            status_code=status_code,
            headers=headers,
            staff=None,
            next=target,
            email=typed[:254],
            form_token=form_token,
            problem=problem,
            done=done,
            chosen=chosen if chosen in LANGUAGES else "",
            has_provider=self._has_provider,
        )
        if chosen in LANGUAGES:
            keep_language(self._gate, answer, chosen)
        self._gate.cookies.set(answer, self._gate.form_cookie, form_token)
        return answer
