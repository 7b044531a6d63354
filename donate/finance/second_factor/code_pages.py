"""The second step of signing in: the page that asks for a code."""

from typing import Final

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from donate.clock import Clock
from donate.errors import N_, Unavailable
from donate.finance.access import EVERYBODY, Gate, Visiting, needs
from donate.finance.models import Staff
from donate.finance.second_factor.codes import accept_code
from donate.finance.second_factor.pending import end_pending, find_pending
from donate.finance.staff.addresses import SIGN_IN
from donate.finance.staff.devices import device_key
from donate.finance.staff.session_start import SessionStart
from donate.finance.staff.sign_in_limit import (
    SignInPace,
    begin_code_attempt,
    code_key,
    forget_attempts,
)
from donate.storage.database import Database
from donate.trust.secret_cipher import SecretCipher
from donate.web.limits.networks import wide_network_of
from donate.web.secret_tokens import hash_of, same_secret
from donate.web.templating import Pages

WRONG_CODE: Final = N_("That code is wrong, or was used before. Wait for the next code.")
TOO_MANY_CODES: Final = N_("Too many wrong codes. Please wait a few minutes and try again.")


class CodePages:
    """Asks for a code from the app or a recovery code, and then starts the session."""

    def __init__(
        self,
        database: Database,
        pages: Pages,
        clock: Clock,
        gate: Gate,
        *,
        cipher: SecretCipher | None,
    ) -> None:
        self._database = database
        self._pages = pages
        self._clock = clock
        self._gate = gate
        self._cipher = cipher
        self._starts = SessionStart(gate)

    @needs(EVERYBODY)
    def code_form(self, request: Request, visit: Visiting) -> Response:
        """Show the form for the code.

        Redirect to the sign-in page unless the password was entered in the last ten minutes.
        """
        token = request.cookies.get(self._gate.pending_cookie, "")
        with self._database.reading() as session:
            pending = find_pending(session, token, now=self._clock.now())
        if pending is None:
            return RedirectResponse(f"{SIGN_IN}?done=expired", 303)
        return self._form(visit, token)

    @needs(EVERYBODY)
    def check_code(self, request: Request, visit: Visiting) -> Response:
        """Check the code, and start a session if it is right."""
        now, token = self._clock.now(), request.cookies.get(self._gate.pending_cookie, "")
        if not token or not same_secret(visit.form.get("form_token", ""), _form_token(token)):
            self._gate.record_refusal(request, None, "code without its form")
            return RedirectResponse(f"{SIGN_IN}?done=expired", 303)
        network = wide_network_of(visit.address)
        with self._database.writing() as session:
            pending = find_pending(session, token, now=now)
            if pending is None:
                return RedirectResponse(f"{SIGN_IN}?done=expired", 303)
            cookie = request.cookies.get(self._gate.device_cookie, "")
            device = device_key(session, cookie, pending[1].email, now=now)
            staff_id = pending[0].staff_id
            attempt = begin_code_attempt(session, staff_id, network, now=now, device=device)
        if attempt.pace != SignInPace.GO:
            self._gate.record_refusal(request, None, "too many codes", email=pending[1].email)
            headers = {"Retry-After": str(attempt.retry_after_s)}
            return self._form(visit, token, TOO_MANY_CODES, status_code=429, headers=headers)
        row = pending[0]
        with self._database.writing() as session:
            locked = session.get(Staff, row.staff_id, with_for_update=True)
            if locked is None or locked.disabled_at:
                raise Unavailable("the account was changed meanwhile")
            typed = visit.form.get("code", "")
            right = accept_code(session, row.staff_id, typed, self._cipher, now=now)
            if right:
                if not end_pending(session, token):
                    raise Unavailable("this sign-in was finished or ended meanwhile")
                forget_attempts(session, code_key(row.staff_id), network, device)
                proved = {"second_factor_at": now, "proved_at": row.proved_at}
                started = self._starts.start(session, request, locked, now=now, **proved)
                return self._starts.answer_started(started, row.target)
        self._gate.record_refusal(request, None, "wrong code", email=pending[1].email)
        return self._form(visit, token, WRONG_CODE, status_code=401)

    def _form(
        self,
        visit: Visiting,
        token: str,
        problem: str = "",
        *,
        status_code: int = 200,
        headers: dict[str, str] | None = None,
    ) -> Response:
        return self._pages.render(
            "finance/sign_in_code.html",
            visit.language,
            status_code=status_code,
            headers=headers,
            staff=None,
            form_token=_form_token(token),
            problem=problem,
        )


def _form_token(token: str) -> str:
    """Return the token for the form.

    It is a hash of the cookie, so it does not reveal the cookie.
    """
    return hash_of(f"form:{token}")
