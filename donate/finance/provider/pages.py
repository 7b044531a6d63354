"""The two pages for signing in at the identity provider: the redirect to it, and the return."""

import logging
import threading
from typing import Final

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from donate.clock import Clock
from donate.errors import N_, BadInput, Unavailable
from donate.finance.access import EVERYBODY, Gate, Visiting, needs
from donate.finance.provider.attempts import store_attempt, take_attempt
from donate.finance.provider.client import IdentityProvider, ProviderUnavailable
from donate.finance.provider.id_token import Claims, TokenRefused
from donate.finance.provider.people import person_of
from donate.finance.second_factor.codes import has_second_factor
from donate.finance.staff.addresses import HOME, safe_next
from donate.finance.staff.session_start import SessionStart
from donate.finance.staff.sign_in import SignIn
from donate.storage.database import Database
from donate.web.giving_limits import network_of

log = logging.getLogger(__name__)

# A request that waits for the provider occupies one of the server's threads, and donors need these
# threads too. So only a few may wait at once.
WAITING_AT_ONCE: Final = 4
NOT_FINISHED: Final = N_("This sign-in was already used or took too long. Please start again.")
REFUSED_THERE: Final = N_("Your organisation didn’t sign you in. Please try again.")
NO_ANSWER: Final = N_("Your organisation’s sign-in doesn’t answer now. Please try again later.")
NO_ACCOUNT: Final = N_(
    "There’s no staff account for the verified e-mail address of your organisation’s account. "
    "Please ask an admin to add you."
)
_LONGEST_CODE: Final = 4_000


class ProviderPages:
    """Signs people in at the identity provider with the authorization code flow and PKCE."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        gate: Gate,
        sign_in: SignIn,
        *,
        provider: IdentityProvider,
    ) -> None:
        self._database = database
        self._clock = clock
        self._gate = gate
        self._sign_in = sign_in
        self._provider = provider
        self._starts = SessionStart(gate)
        self._waiting = threading.BoundedSemaphore(WAITING_AT_ONCE)

    @needs(EVERYBODY)
    def lead_there(self, request: Request, visit: Visiting) -> Response:
        """Redirect the browser to the identity provider, where the person signs in."""
        target = safe_next(request.query_params.get("next", HOME))
        if visit.staff:
            return RedirectResponse(target, 303)
        try:
            with self._one_of_few():
                self._provider.endpoints()
        except Unavailable as error:
            log.warning("no sign-in at the identity provider: %s", error)
            return self._sign_in.answer_form(request, target, problem=NO_ANSWER, status_code=503)
        network = network_of(visit.address)
        with self._database.writing() as session:
            attempt = store_attempt(session, target, network, now=self._clock.now())
        url = self._provider.authorization_url(
            state=attempt.state, nonce=attempt.nonce, challenge=attempt.challenge
        )
        answer = RedirectResponse(url, 303)
        self._gate.set_cookie(answer, self._gate.provider_cookie, attempt.browser)
        return answer

    @needs(EVERYBODY)
    def come_back(self, request: Request, visit: Visiting) -> Response:
        """Check the identity provider's response, and start a session."""
        query, now = request.query_params, self._clock.now()
        cookie = request.cookies.get(self._gate.provider_cookie, "")
        with self._database.writing() as session:
            attempt = take_attempt(session, query.get("state", ""), cookie, now=now)
        if attempt is None:
            return self._refuse(request, "state of no sign-in", NOT_FINISHED)
        try:
            with self._one_of_few():
                claims = self._claims(request, attempt.code_verifier, attempt.nonce)
        except TokenRefused as error:
            log.warning("refused an ID token: %s", error)
            return self._refuse(request, f"ID token: {error}", REFUSED_THERE)
        except Unavailable as error:
            log.warning("no sign-in at the identity provider: %s", error)
            return self._refuse(request, "provider unavailable", NO_ANSWER, status_code=503)
        if claims is None:
            return self._refuse(request, "refused by the provider", REFUSED_THERE)
        return self._start(request, claims, attempt.target)

    def _claims(self, request: Request, code_verifier: str, nonce: str) -> Claims | None:
        query = request.query_params
        code, issuer = query.get("code", ""), query.get("iss")
        # Checking the issuer in the response (RFC 9207) protects against mixing up two providers.
        if issuer is None and self._provider.endpoints().names_issuer:
            return None
        if issuer is not None and issuer != self._provider.options.issuer:
            return None
        if "error" in query or not 0 < len(code) <= _LONGEST_CODE:
            return None
        return self._provider.claims_for(code, code_verifier, nonce)

    def _start(self, request: Request, claims: Claims, target: str) -> Response:
        now, options = self._clock.now(), self._provider.options
        try:
            with self._database.writing() as session:
                staff = person_of(session, claims, options.roles, now=now)
                if staff and staff.id is not None:
                    if not options.checks_second_factor and has_second_factor(session, staff.id):
                        token = self._starts.wait_for_code(
                            session, request, staff.id, target, now=now
                        )
                        return self._without_cookie(self._starts.answer_pending(token))
                    proved_at = now if options.checks_second_factor else None
                    token = self._starts.start(
                        session, request, staff, now=now, second_factor_at=proved_at
                    )
                    return self._without_cookie(self._starts.answer_started(token, target))
        except BadInput:
            pass  # The provider's e-mail address or name is not valid for an account.
        return self._refuse(request, "no account for the provider's person", NO_ACCOUNT)

    def _refuse(
        self, request: Request, why: str, problem: str, *, status_code: int = 403
    ) -> Response:
        self._gate.record_refusal(request, None, why)
        answer = self._sign_in.answer_form(request, HOME, problem=problem, status_code=status_code)
        return self._without_cookie(answer)

    def _without_cookie(self, answer: Response) -> Response:
        self._gate.drop_cookie(answer, self._gate.provider_cookie)
        return answer

    def _one_of_few(self) -> "_Turn":
        return _Turn(self._waiting)


class _Turn:
    """Limits how many requests wait for the provider at once.

    Raises ProviderUnavailable if too many are waiting.
    """

    def __init__(self, semaphore: threading.BoundedSemaphore) -> None:
        self._semaphore = semaphore

    def __enter__(self) -> None:
        if not self._semaphore.acquire(blocking=False):
            raise ProviderUnavailable("too many are signing in at the identity provider")

    def __exit__(self, *_: object) -> None:
        self._semaphore.release()
