"""The two pages for signing in at the identity provider: the redirect to it, and the return."""

import logging
import threading
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from donate.clock import Clock
from donate.errors import N_, BadInput, Unavailable
from donate.finance.access import EVERYBODY, Gate, Visiting, needs
from donate.finance.models import ProviderSignIn
from donate.finance.provider.attempts import store_attempt, take_attempt
from donate.finance.provider.client import IdentityProvider, ProviderUnavailable
from donate.finance.provider.id_token import LEEWAY_S, Claims, TokenRefused, signed_in_there_at
from donate.finance.provider.people import OtherAccount, person_of
from donate.finance.second_factor.codes import has_second_factor
from donate.finance.sessions import SignedIn
from donate.finance.staff.addresses import HOME, SIGN_IN, safe_next
from donate.finance.staff.session_start import SessionStart
from donate.finance.staff.sign_in import SignIn
from donate.storage.database import Database
from donate.web.limits.networks import network_of
from donate.web.origins import is_cross_site

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
OTHER_ACCOUNT: Final = N_(
    "This e-mail address belongs to another account of your organisation. If that was your earlier "
    "account, please ask an admin to release it."
)
NOT_FRESH: Final = N_(
    "Your organisation didn’t confirm that you signed in there just now. Nothing was changed. "
    "Please try again, or ask an admin for a link to set a password, with which you can confirm."
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
        """Redirect the browser to the identity provider, where the person signs in.

        With `again=yes`, somebody who is signed in here signs in there again, to prove who they
        are.
        """
        target = safe_next(request.query_params.get("next", HOME))
        again = visit.staff is not None and request.query_params.get("again") == "yes"
        if visit.staff and not again:
            return RedirectResponse(target, 303)
        # A link on another site must not sign anybody in: show the sign-in page first.
        if is_cross_site(request):
            return RedirectResponse(f"{SIGN_IN}?{urlencode({'next': target})}", 303)
        try:
            with self._one_of_few():
                self._provider.endpoints()
        except Unavailable as error:
            log.warning("no sign-in at the identity provider: %s", error)
            return self._sign_in.answer_form(request, target, problem=NO_ANSWER, status_code=503)
        network = network_of(visit.address)
        with self._database.writing() as session:
            attempt = store_attempt(
                session, target, network, now=self._clock.now(), must_be_fresh=again
            )
        url = self._provider.authorization_url(
            state=attempt.state,
            nonce=attempt.nonce,
            challenge=attempt.challenge,
            must_be_fresh=again,
        )
        answer = RedirectResponse(url, 303)
        self._gate.cookies.set(answer, self._gate.provider_cookie, attempt.browser)
        return answer

    @needs(EVERYBODY)
    def come_back(self, request: Request, visit: Visiting) -> Response:
        """Check the identity provider's response, and start a session."""
        query, now = request.query_params, self._clock.now()
        cookie = request.cookies.get(self._gate.provider_cookie, "")
        with self._database.writing() as session:
            attempt = take_attempt(session, query.get("state", ""), cookie, now=now)
        if attempt is None:
            return self._refuse(request, None, "state of no sign-in", NOT_FINISHED)
        try:
            with self._one_of_few():
                claims = self._claims(request, attempt.code_verifier, attempt.nonce)
        except TokenRefused as error:
            log.warning("refused an ID token: %s", error)
            return self._refuse(request, attempt, f"ID token: {error}", REFUSED_THERE)
        except Unavailable as error:
            log.warning("no sign-in at the identity provider: %s", error)
            return self._refuse(
                request, attempt, "provider unavailable", NO_ANSWER, status_code=503
            )
        if claims is None:
            return self._refuse(request, attempt, "refused by the provider", REFUSED_THERE)
        return self._start(request, claims, attempt)

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

    def _start(self, request: Request, claims: Claims, attempt: ProviderSignIn) -> Response:
        now, options = self._clock.now(), self._provider.options
        proved_at = signed_in_there_at(claims, now)
        if attempt.fresh_since and (
            proved_at is None or proved_at < attempt.fresh_since - timedelta(seconds=LEEWAY_S)
        ):
            return self._refuse(request, attempt, "old sign-in at the provider", NOT_FRESH)
        try:
            with self._database.writing() as session:
                staff = person_of(session, claims, options, now=now)
                if staff and staff.id is not None:
                    if not options.checks_second_factor and has_second_factor(session, staff.id):
                        token = self._starts.wait_for_code(
                            *(session, request, staff.id, attempt.target),
                            now=now,
                            proved_at=proved_at,
                        )
                        return self._without_cookie(self._starts.answer_pending(token))
                    started = self._starts.start(
                        *(session, request, staff),
                        now=now,
                        second_factor_at=now if options.checks_second_factor else None,
                        proved_at=proved_at,
                    )
                    answer = self._starts.answer_started(started, attempt.target)
                    return self._without_cookie(answer)
        except BadInput:
            pass  # The provider's e-mail address or name is not valid for an account.
        except OtherAccount:
            return self._refuse(request, attempt, "another account at the provider", OTHER_ACCOUNT)
        return self._refuse(request, attempt, "no account for the provider's person", NO_ACCOUNT)

    def _refuse(
        self,
        request: Request,
        attempt: ProviderSignIn | None,
        why: str,
        problem: str,
        *,
        status_code: int = 403,
    ) -> Response:
        staff: SignedIn | None = request.state.visit.staff
        self._gate.record_refusal(request, staff, why)
        if staff and attempt and attempt.fresh_since:
            typed = {"next": attempt.target}
            answer = self._gate.proof_form.ask(staff, typed, then="", conflict=problem)
        else:
            answer = self._sign_in.answer_form(
                request, HOME, problem=problem, status_code=status_code
            )
        return self._without_cookie(answer)

    def _without_cookie(self, answer: Response) -> Response:
        self._gate.cookies.drop(answer, self._gate.provider_cookie)
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
