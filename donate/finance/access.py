"""Access control for the staff pages.

A route states with `@needs(...)` which role may use it. A route without `@needs` answers 403 to
everyone.
"""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.routing import APIRoute
from sqlmodel import Session
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from donate.clock import Clock
from donate.finance.models import Role
from donate.finance.sessions import SEEN_EVERY, SignedIn, find_session, mark_seen, same_secret
from donate.finance.trail import record_act, record_refusal
from donate.finance.words import LANGUAGE
from donate.storage.database import Database
from donate.web.giving_limits import address_of, printable
from donate.web.request_limits import is_in_utf8
from donate.web.templating import Pages

HOME: Final = "/finance"
SIGN_IN: Final = "/finance/sign-in"
NOT_RECORDED: Final = "not-recorded"
EVERY_METHOD: Final = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
EVERYBODY: Final = "everybody"
"""The argument of `@needs` for a route that works without signing in, such as the sign-in page."""

Handler = TypeVar("Handler", bound=Callable[..., Response])


def needs(needed: Role | str) -> Callable[[Handler], Handler]:
    """Mark a route's handler with the role that may use it, or with EVERYBODY."""

    def mark(handler: Handler) -> Handler:
        handler.needs = needed  # type: ignore[attr-defined]
        return handler

    return mark


@dataclass(frozen=True, slots=True)
class AllowedRequest:
    """A request that passed the access check (`Gate`), with its form fields as text."""

    staff: SignedIn | None
    form: Mapping[str, str]
    address: str

    @property
    def signed_in(self) -> SignedIn:
        """The member of staff who sent the request; only for routes that require a role."""
        assert self.staff is not None
        return self.staff

    def record(
        self,
        session: Session,
        act: str,
        *,
        now: datetime,
        about: str = "",
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Add an entry to the trail about what this member of staff does."""
        record_act(
            session,
            act,
            now=now,
            staff_id=self.signed_in.staff_id,
            about=about,
            address=self.address,
            detail=detail,
        )


class AlreadyAnswered(Exception):
    """Raised when the access check has answered a request, so that its handler does not run."""

    def __init__(self, response: Response) -> None:
        self.response = response


class FinanceRoute(APIRoute):
    """A staff route. The access check (`Gate`) may answer a request instead of its handler."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the route's handler. An AlreadyAnswered exception becomes the response."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except AlreadyAnswered as answered:
                return answered.response

        return handle


async def _read_form(request: Request) -> FormData:
    if request.method != "POST":
        return FormData()
    if not is_in_utf8(request):
        raise HTTPException(400)
    return await request.form(max_files=0, max_fields=40)


class Gate:
    """The access check: passes a request to its route, or answers it and records the refusal."""

    def __init__(self, database: Database, pages: Pages, clock: Clock, *, https: bool) -> None:
        self._database = database
        self._pages = pages
        self._clock = clock
        self._https = https
        # Browsers accept a `__Host-` cookie only over https, for this host alone and for every
        # path. Over plain http they reject such a cookie, so the prefix is left out there.
        prefix = "__Host-" if https else ""
        self.session_cookie: Final = f"{prefix}donate_staff"
        self.form_cookie: Final = f"{prefix}donate_form"

    def router(self) -> APIRouter:
        """Return a router that checks the access to each of its routes."""
        return APIRouter(
            prefix="/finance",
            route_class=FinanceRoute,
            dependencies=[Depends(self._let_in)],
            include_in_schema=False,
        )

    def set_cookie(self, response: Response, name: str, value: str) -> None:
        """Set a cookie that ends with the browser session and that scripts cannot read."""
        response.set_cookie(
            name, value, httponly=True, secure=self._https, samesite="lax", path="/"
        )

    def drop_cookie(self, response: Response, name: str) -> None:
        """Delete a cookie in the browser."""
        response.delete_cookie(name, httponly=True, secure=self._https, samesite="lax", path="/")

    def _let_in(self, request: Request, form: Annotated[FormData, Depends(_read_form)]) -> None:
        needed = getattr(request.scope["endpoint"], "needs", None)
        staff = self._find_staff(request)
        # Replace lone surrogates, because encoding them for a hash, a page or the database would
        # fail.
        typed = {
            name: value.encode("utf-8", "replace").decode()
            for name, value in form.items()
            if isinstance(value, str)
        }
        request.state.visit = AllowedRequest(staff, typed, address_of(request))
        if needed is None:
            raise self.refusal(request, staff, "not open", 403, "This page isn’t available.")
        if request.method == "POST" and is_cross_site(request):
            raise self.refusal(
                request,
                staff,
                "cross-site",
                403,
                "This form was sent from another site. Open it here and send it again.",
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
                "This form is from an earlier session. Nothing was changed. Go back, reload the "
                "page, and send it again.",
            )
        if not staff.may(Role(needed)):
            raise self.refusal(
                request, staff, f"needs {needed}", 403, "Your role doesn’t allow this."
            )

    def _find_staff(self, request: Request) -> SignedIn | None:
        now = self._clock.now()
        with self._database.reading() as session:
            staff = find_session(session, request.cookies.get(self.session_cookie, ""), now=now)
        if staff and now - staff.last_seen_at >= SEEN_EVERY:
            with self._database.writing() as session:
                mark_seen(session, staff.token_hash, now=now)
        return staff

    def _to_sign_in(self, request: Request) -> AlreadyAnswered:
        self.record_refusal(request, None, "not signed in")
        path = request.url.path
        if request.method != "GET":
            # A form posts to a URL one level below the page that shows the form, so return to that
            # page.
            target = path.rpartition("/")[0]
        else:
            target = f"{path}?{request.url.query}" if request.url.query else path
        query = {"next": safe_next(target)}
        if request.method != "GET":
            query["done"] = NOT_RECORDED
        return AlreadyAnswered(RedirectResponse(f"{SIGN_IN}?{urlencode(query)}", 303))

    def refusal(
        self, request: Request, staff: SignedIn | None, why: str, status_code: int, sentence: str
    ) -> AlreadyAnswered:
        """Record a refusal and return an exception that answers with the "not allowed" page."""
        self.record_refusal(request, staff, why)
        page = self._pages.render(
            "finance/access_refused.html",
            LANGUAGE,
            status_code=status_code,
            staff=staff,
            sentence=sentence,
        )
        return AlreadyAnswered(page)

    def refuse_method(self, allowed: str, request: Request) -> Response:
        """Return a 405 response that names the allowed methods, and record the refusal."""
        answered = self.refusal(
            request,
            self._find_staff(request),
            "wrong method",
            405,
            "That action isn’t available here.",
        )
        answered.response.headers["Allow"] = allowed
        return answered.response

    def record_refusal(self, request: Request, staff: SignedIn | None, why: str) -> None:
        """Add a trail entry about a refused request, with the reason."""
        with self._database.writing() as session:
            record_refusal(
                session,
                why,
                now=self._clock.now(),
                staff_id=staff.staff_id if staff else None,
                about=printable(f"{request.method} {request.url.path}"),
                address=address_of(request),
            )


def allowed_request(request: Request) -> AllowedRequest:
    """Return the request that passed the access check. Fails if the route has no such check."""
    visit: AllowedRequest = request.state.visit
    return visit


Visiting = Annotated[AllowedRequest, Depends(allowed_request)]


def refuse_other_methods(router: APIRouter, gate: Gate) -> None:
    """Make each path answer 405 to the methods it does not allow, and record the refusal."""
    allowed: dict[str, set[str]] = {}
    for route in router.routes:
        assert isinstance(route, APIRoute)
        allowed.setdefault(route.path, set()).update(route.methods or ())
    # Use plain Starlette routes, because FastAPI need not parse these requests.
    for path, methods in allowed.items():
        refuse = partial(gate.refuse_method, ", ".join(sorted(methods)))
        router.routes.append(Route(path, refuse, methods=sorted(EVERY_METHOD - methods)))


def is_cross_site(request: Request) -> bool:
    """Return whether the browser's headers say that another site sent this request.

    If there are no such headers, the answer is False. Our pages send no referrer, so browsers send
    `Origin: null` with our forms. Then only Sec-Fetch-Site can show another site; browsers send it
    over https and on localhost.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin", "null")
    return origin != "null" and origin.partition("://")[2] != request.headers.get("host")


def safe_next(target: str) -> str:
    """Return `target` if it is one of our staff pages, otherwise HOME."""
    path, _, query = target.partition("?")
    parts = path.split("/")
    ours = parts[:2] == ["", "finance"] and not {".", ".."} & set(parts) and "//" not in path
    plain = all(c.isascii() and c.isprintable() and c not in "\\#" for c in path + query)
    if ours and plain and not path.startswith((SIGN_IN, "/finance/sign-out")):
        return target
    return HOME
