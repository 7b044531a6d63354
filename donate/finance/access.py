"""Access control for the staff pages.

A route states with `@needs(...)` which role may use it. A route without `@needs` answers 403 to
everyone.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from sqlmodel import Session
from starlette.datastructures import FormData, UploadFile
from starlette.responses import RedirectResponse, Response

from donate.clock import Clock
from donate.errors import N_
from donate.finance.activity.trail import record_act, record_refusal
from donate.finance.fresh_proof.asking import ProofForm
from donate.finance.roles import Role
from donate.finance.sessions import SEEN_EVERY, SignedIn, find_session, mark_seen
from donate.finance.staff.accounts import find_staff
from donate.finance.staff.addresses import SIGN_IN, page_behind
from donate.finance.staff.options import DEFAULT_SIGN_IN, SignInOptions
from donate.finance.staff_route import AlreadyAnswered, FinanceRoute
from donate.storage.database import Database
from donate.web.forms import read_sent_form, typed_texts, uploaded_files
from donate.web.languages import language_of_request
from donate.web.limits.networks import address_of, printable, wide_network_of
from donate.web.origins import is_cross_site
from donate.web.refusals import REFUSALS, Refusal
from donate.web.secret_tokens import TokenCookies, same_secret
from donate.web.templating import Pages

NOT_RECORDED: Final = "not-recorded"
EVERYBODY: Final = "everybody"
"""The argument of `@needs` for a route that works without signing in, such as the sign-in page."""
SET_UP_SECOND_FACTOR: Final = "/finance/me/second-factor"

Handler = TypeVar("Handler", bound=Callable[..., Response])


def needs(
    needed: Role | str,
    *,
    before_second_factor: bool = False,
    fresh: bool = False,
    max_files: int = 0,
    max_fields: int = 40,
) -> Callable[[Handler], Handler]:
    """Mark a route's handler with the role that may use it, or with EVERYBODY.

    `before_second_factor` marks the pages for people who still have to set up a second factor.
    `fresh` marks forms that change how somebody signs in: people prove first that it is them.
    `max_files` and `max_fields` limit how many files and fields a form for this route may have.
    """

    def mark(handler: Handler) -> Handler:
        handler.needs = needed  # type: ignore[attr-defined]
        handler.before_second_factor = before_second_factor  # type: ignore[attr-defined]
        handler.fresh = fresh  # type: ignore[attr-defined]
        handler.max_files = max_files  # type: ignore[attr-defined]
        handler.max_fields = max_fields  # type: ignore[attr-defined]
        return handler

    return mark


@dataclass(frozen=True, slots=True)
class AllowedRequest:
    """A request that passed the access check (`Gate`), with its form fields as text, and its files.

    `language` is the language for the page: the person's own choice once they have signed in,
    before that the browser's preference.
    """

    staff: SignedIn | None
    form: Mapping[str, str]
    address: str
    language: str
    files: Sequence[UploadFile] = ()

    @property
    def signed_in(self) -> SignedIn:
        """The member of staff who sent the request. Only for routes that require a role."""
        assert self.staff is not None
        return self.staff

    def new_form_key(self) -> str:
        """Return a key for a form, so that sending the form twice has effect once."""
        return secrets.token_urlsafe(24)

    def record(
        self,
        session: Session,
        act: str,
        *,
        now: datetime,
        about: str = "",
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Add a trail entry about an action of this member of staff."""
        record_act(
            session,
            act,
            now=now,
            staff_id=self.signed_in.staff_id,
            about=about,
            address=self.address,
            detail=detail,
        )


class Gate:
    """The access check: passes a request to its route, or answers it and records the refusal."""

    def __init__(
        self,
        database: Database,
        pages: Pages,
        clock: Clock,
        *,
        https: bool,
        options: SignInOptions = DEFAULT_SIGN_IN,
    ) -> None:
        self._database = database
        self._options = options
        self.proof_form: Final = ProofForm(database, pages, has_provider=bool(options.provider))
        self._pages = pages
        self._clock = clock
        self.cookies: Final = TokenCookies(https=https)
        self.session_cookie: Final = self.cookies.name("donate_staff")
        self.device_cookie: Final = self.cookies.name("donate_device")
        self.form_cookie: Final = self.cookies.name("donate_form")
        self.pending_cookie: Final = self.cookies.name("donate_pending")
        self.provider_cookie: Final = self.cookies.name("donate_provider")

    def router(self) -> APIRouter:
        """Return a router that checks access to each of its routes."""
        return APIRouter(
            prefix="/finance",
            route_class=FinanceRoute,
            dependencies=[Depends(self._let_in)],
            include_in_schema=False,
        )

    def _let_in(self, request: Request, form: Annotated[FormData, Depends(read_sent_form)]) -> None:
        needed = getattr(request.scope["endpoint"], "needs", None)
        staff = self._find_staff(request)
        typed = typed_texts(form)
        request.state.visit = AllowedRequest(
            *(staff, typed, address_of(request), request.state.language),
            files=uploaded_files(form),
        )
        if needed is None:
            raise self.refusal(request, staff, "not open", 403, N_("This page isn’t available."))
        if request.method == "POST" and is_cross_site(request):
            raise self.refusal(
                request,
                staff,
                "cross-site",
                403,
                N_("This form was sent from another site. Open it here and send it again."),
            )
        if needed == EVERYBODY:
            return
        if staff is None:
            raise self._to_sign_in(request)
        if request.method == "POST" and not same_secret(typed.get("csrf", ""), staff.csrf_token):
            raise self.refusal(
                request,
                staff,
                "stale form",
                403,
                N_(
                    "This form is from an earlier session. Nothing was changed. Go back, reload "
                    "the page, and send it again."
                ),
            )
        if self.lacks_second_factor(staff) and not request.scope["endpoint"].before_second_factor:
            raise AlreadyAnswered(RedirectResponse(SET_UP_SECOND_FACTOR, 303))
        if not staff.may(Role(needed)):
            raise self.refusal(
                request, staff, f"needs {needed}", 403, N_("Your role doesn’t allow this.")
            )
        if request.scope["endpoint"].fresh and not staff.has_fresh_proof(self._clock.now()):
            raise AlreadyAnswered(self.proof_form.ask(staff, typed, then=request.url.path))

    def lacks_second_factor(self, staff: SignedIn) -> bool:
        """Return whether this person's role requires a second factor that they have not proved."""
        return self._options.requires_second_factor(staff.role) and staff.second_factor_at is None

    def _find_staff(self, request: Request) -> SignedIn | None:
        """Return the person who is signed in, or None. Store the language for this request."""
        now = self._clock.now()
        with self._database.reading() as session:
            staff = find_session(session, request.cookies.get(self.session_cookie, ""), now=now)
        if staff and now - staff.last_seen_at >= SEEN_EVERY:
            with self._database.writing() as session:
                mark_seen(session, staff.token_hash, now=now)
        request.state.language = staff.language if staff else language_of_request(request)
        return replace(staff, page=page_behind(request)) if staff else None

    def _to_sign_in(self, request: Request) -> AlreadyAnswered:
        self.record_refusal(request, None, "not signed in")
        query = {"next": page_behind(request)}
        if request.method != "GET":
            query["done"] = NOT_RECORDED
        return AlreadyAnswered(RedirectResponse(f"{SIGN_IN}?{urlencode(query)}", 303))

    def refusal(
        self, request: Request, staff: SignedIn | None, why: str, status_code: int, sentence: str
    ) -> AlreadyAnswered:
        """Record a refusal and return an exception that answers with the "not allowed" page.

        `sentence` is the msgid of the text on that page.
        """
        self.record_refusal(request, staff, why)
        page = self._pages.render(
            "finance/access_refused.html",
            request.state.language,
            status_code=status_code,
            staff=staff,
            sentence=sentence,
        )
        return AlreadyAnswered(page)

    def refuse_method(self, allowed: str, request: Request) -> Response:
        """Return a 405 response that names the allowed methods, and record the refusal."""
        sentence = N_("That action isn’t available here.")
        staff = self._find_staff(request)
        answered = self.refusal(request, staff, "wrong method", 405, sentence)
        answered.response.headers["Allow"] = allowed
        return answered.response

    def record_refusal(
        self, request: Request, staff: SignedIn | None, why: str, *, email: str = ""
    ) -> None:
        """Count a refused request, and add a trail entry about it, with the reason.

        `email` was typed by somebody who is not signed in. It is stored only if there is a staff
        account with this address.
        """
        with self._database.writing() as session:
            account = find_staff(session, email) if email else None
            named = staff.email if staff else account.email if account else ""
            REFUSALS.note(Refusal(why, wide_network_of(address_of(request)), named))
            record_refusal(
                session,
                why,
                now=self._clock.now(),
                staff_id=staff.staff_id if staff else None,
                about=printable(f"{request.method} {request.url.path}"),
                address=address_of(request),
                account="" if staff else named,
            )


def allowed_request(request: Request) -> AllowedRequest:
    """Return the request that passed the access check. Fails if the route has no access check."""
    visit: AllowedRequest = request.state.visit
    return visit


Visiting = Annotated[AllowedRequest, Depends(allowed_request)]
