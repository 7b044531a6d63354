"""Turns errors into responses: a page for people, a problem document (RFC 9457) for programs.

A response never shows internal details.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final, Protocol

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from donate.errors import (
    N_,
    BadInput,
    BadInputs,
    ChallengeNeeded,
    Conflict,
    DonateError,
    NotFound,
    StripeUnavailable,
    TooBusy,
    TooManyAttempts,
    Unavailable,
)
from donate.web.languages import language_of_request
from donate.web.problem_documents import Unreadable, errors_at, errors_in, problem
from donate.web.templating import Pages, translate

log = logging.getLogger(__name__)

_TITLES: Final = {
    400: N_("We couldn’t understand that request."),
    401: N_("A token is missing. Send it as a Bearer token."),
    403: N_("You don’t have access to this."),
    404: N_("We couldn’t find what you’re looking for."),
    405: N_("That action isn’t available here."),
    408: N_("Your request took too long to reach us. Please try again."),
    409: N_("We couldn’t do that."),
    413: N_("What you sent is too large. Please make it smaller."),
    415: N_("We can’t read that format."),
    422: N_("Please check what you entered."),
    429: N_("Too many attempts. Please wait a few minutes and try again."),
    500: N_("Something went wrong on our side. Nothing was lost. Please try again."),
    503: N_("We can’t do this right now. Please try again in a moment."),
}
_NO_PAYMENT_PAGE: Final = N_(
    "We can’t open the payment page right now. Please try again, or choose another payment method."
)


_ONE_MORE_STEP: Final = N_(
    "We’re receiving a lot of gifts right now, so yours needs one more step. Nothing has been "
    "saved yet."
)


class Answer(Protocol):
    """A function that builds an error response: a page for people, JSON for programs."""

    def __call__(
        self,
        request: Request,
        status: int,
        detail: str = "",
        headers: Mapping[str, str] | None = None,
        values: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Response:
        """Return the response. `detail` is a msgid, filled with `values`.

        `more` contains extra fields, which only a problem document shows.
        """
        ...


def install(app: FastAPI, pages: Pages) -> Answer:
    """Register handlers for all errors in `app`.

    Return the function that builds error responses. Middleware outside the app uses it too.
    """

    def answer(
        request: Request,
        status: int,
        detail: str = "",
        headers: Mapping[str, str] | None = None,
        values: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Response:
        language = _language_of(request)
        title = translate(language, _TITLES.get(status) or _TITLES[500 if status >= 500 else 400])
        detail = translate(language, detail, values) if detail else ""
        if _is_for_programs(request):
            return problem(status, title, detail, headers, **more)
        return pages.render(
            "error.html", language, status_code=status, headers=headers, title=title, detail=detail
        )

    def own_error(request: Request, error: Exception) -> Response:
        status, headers = _status_of(error)
        if status >= 500:
            log.warning("answered %s: %s", status, type(error).__name__)
        match error:
            case BadInput() | BadInputs():
                errors = errors_in(error.problems, _language_of(request))
                return answer(request, status, headers=headers, errors=errors)
            case Conflict():
                return answer(request, status, error.message, headers, values=error.values)
            case TooBusy():
                return answer(request, status, str(error), headers)
            case StripeUnavailable():
                return answer(request, status, _NO_PAYMENT_PAGE, headers)
            case ChallengeNeeded():
                challenge = {"token": error.token, "bits": error.bits, "wait_s": error.wait_s}
                return answer(
                    *(request, status, _ONE_MORE_STEP, headers),
                    code="challenge_needed",
                    challenge=challenge,
                )
            case TooManyAttempts():
                return answer(request, status, headers=headers, code="too_many_attempts")
            case _:
                return answer(request, status, headers=headers)

    def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        detail = error.detail if isinstance(error, Unreadable) else ""
        return answer(request, error.status_code, detail, error.headers)

    def invalid_request(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        # Answer 400 for a missing or invalid Idempotency-Key header, as
        # draft-ietf-httpapi-idempotency-key-header requires.
        status = 400 if any(e["loc"][0] == "header" for e in error.errors()) else 422
        return answer(request, status, errors=errors_at(error.errors(), _language_of(request)))

    def unexpected(request: Request, _error: Exception) -> Response:
        return answer(request, 500)

    app.add_exception_handler(DonateError, own_error)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(RequestValidationError, invalid_request)
    app.add_exception_handler(Exception, unexpected)
    return answer


def _is_for_programs(request: Request) -> bool:
    return request.url.path.startswith(("/api/", "/webhooks/"))


def _language_of(request: Request) -> str:
    """Return the signed-in person's language if the route stored it, else the request's."""
    return getattr(request.state, "language", None) or language_of_request(request)


def _status_of(error: Exception) -> tuple[int, dict[str, str]]:
    match error:
        case BadInput() | BadInputs():
            return 422, {}
        case NotFound():
            return 404, {}
        case Conflict():
            return 409, {}
        case ChallengeNeeded():
            return 403, {"Retry-After": str(error.wait_s)}
        case TooManyAttempts():
            return 429, {"Retry-After": str(error.retry_after_s)}
        case Unavailable():
            return 503, {"Retry-After": str(error.retry_after_s)}
        case _:
            return 500, {}
