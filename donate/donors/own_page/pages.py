"""The pages under `/my-gifts`: ask for a one-time link, use it, and see all gifts of an address."""

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from donate.clock import Clock, local_date
from donate.donors.first_step import redirect_to
from donate.donors.forms import showable
from donate.donors.gift_page import gift_words
from donate.donors.languages import language_of
from donate.donors.own_page import words
from donate.donors.own_page.asking import LinkRequests
from donate.donors.own_page.links import (
    SESSION_COOKIE,
    end_donor_session,
    is_session_of,
    is_usable,
    profile_of_session,
    use_link,
)
from donate.donors.own_page.queries import (
    gifts_of_address,
    newest_code,
    pledges_of_address,
    year_totals,
)
from donate.donors.own_page.view import pledge_lines, years_of_gifts
from donate.donors.requests import Typed, is_token
from donate.errors import BadInput
from donate.gifts.choosing.choice import check_email, normalized_email
from donate.gifts.donor_profiles.queries import profile_by_id
from donate.gifts.links.gift_links import GiftLinks
from donate.gifts.queries import accounts_to_confirm, paid_elsewhere
from donate.personal_data.donor_scope import scope_for_donor
from donate.personal_data.export import archive_response, donor_archive
from donate.regions.regions import Region, Regions
from donate.storage.database import Database
from donate.web.languages import LANGUAGES, languages_beside
from donate.web.limits.networks import address_of
from donate.web.origins import is_cross_site
from donate.web.secret_tokens import FORGET_PAGES, TokenCookies
from donate.web.templating import Pages

PATH: Final = "/my-gifts"
PER_PAGE: Final = 100
_MOST_DIGITS: Final = 4


class OwnPages:
    """The routes under `/my-gifts`. A cookie gives access to the gifts of one e-mail address."""

    def __init__(
        self,
        database: Database,
        regions: Regions,
        pages: Pages,
        clock: Clock,
        *,
        links: GiftLinks,
        link_requests: LinkRequests,
        cookies: TokenCookies,
    ) -> None:
        self._database = database
        self._regions = regions
        self._pages = pages
        self._clock = clock
        self._links = links
        self._link_requests = link_requests
        self._cookies = cookies
        self._cookie: Final = cookies.name(SESSION_COOKIE)

    def add_to(self, router: APIRouter) -> None:
        """Add the routes to `router`."""
        for method, path, answer in (
            ("GET", PATH, self.show),
            ("POST", PATH, self.ask),
            ("POST", f"{PATH}/done", self.end),
            ("POST", f"{PATH}/data", self.download),
            ("GET", f"{PATH}/{{token}}", self.show_link),
            ("POST", f"{PATH}/{{token}}", self.use),
        ):
            router.add_api_route(path, answer, methods=[method], response_model=None)

    def show(self, request: Request, asked: str = "", done: str = "", page: str = "") -> Response:
        """Show all gifts, or the form that asks for a link if the browser has no open session."""
        language = language_of(request, LANGUAGES)
        if asked:
            return self._form(language, notice=words.ASKED)
        token = request.cookies.get(self._cookie, "")
        with self._database.reading() as session:
            profile_id = profile_of_session(session, token, now=self._clock.now())
        if profile_id is not None:
            return self._gifts(language, profile_id, page)
        answer = self._form(language, notice=_notice(is_over=bool(token), is_done=bool(done)))
        if token:
            self._cookies.drop(answer, self._cookie)
        return answer

    def ask(self, request: Request, form: Typed) -> Response:
        """Store a request for a link. The answer is the same whether or not we know the address."""
        language = language_of(request, LANGUAGES, form.language_switch or form.lang)
        if form.language_switch:
            return self._form(language, typed=form.email)
        if is_cross_site(request):
            return self._form(language, notice=words.NOT_ASKED, typed=form.email, status_code=403)
        typed = form.email.strip()
        problem = check_email(typed)
        email = normalized_email(typed)
        if problem or email is None:
            return self._form(language, problem=problem, typed=form.email, status_code=422)
        self._link_requests.ask(email, language, address=address_of(request))
        return redirect_to(f"{PATH}?asked=yes&lang={language}")

    def show_link(self, request: Request, token: str) -> Response:
        """Show the button that uses a link. Mail scanners open links, so this changes nothing."""
        language = language_of(request, LANGUAGES)
        now = self._clock.now()
        with self._database.reading() as session:
            usable = is_token(token) and is_usable(session, token, now=now)
        if not usable:
            return self._used(request, token, language)
        return self._pages.render(
            "donors/own_page/link.html",
            language,
            here=f"{PATH}/{token}",
            region=self._only_region(),
            languages=languages_beside(language, LANGUAGES),
        )

    def use(self, request: Request, token: str) -> Response:
        """Use up a link, begin a session, and redirect to the gifts."""
        language = language_of(request, LANGUAGES)
        now, earlier = self._clock.now(), request.cookies.get(self._cookie, "")
        session_token = None
        if is_token(token) and is_cross_site(request):
            return redirect_to(f"{PATH}/{token}?lang={language}")
        if is_token(token):
            with self._database.writing() as session:
                session_token = use_link(session, token, now=now)
                if session_token:
                    end_donor_session(session, earlier, now=now)
        if session_token is None:
            return self._used(request, token, language)
        answer = redirect_to(f"{PATH}?lang={language}")
        # The database ends the session. The cookie stays until the browser is closed, so that the
        # page can say that the 20 minutes are over.
        self._cookies.set(answer, self._cookie, session_token)
        return answer

    def download(self, request: Request) -> Response:
        """Send a ZIP file with all data about this address, if the session has not ended."""
        language = language_of(request, LANGUAGES)
        token, now = request.cookies.get(self._cookie, ""), self._clock.now()
        with self._database.reading_snapshot() as session:
            profile_id = profile_of_session(session, token, now=now)
            profile = profile_by_id(session, profile_id) if profile_id else None
            if profile is None or is_cross_site(request):
                return redirect_to(f"{PATH}?lang={language}")
            scope = scope_for_donor(session, profile)
            region = self._regions.get(newest_code(session, profile) or "")
            contact = region.organisation.email if region else ""
            content = donor_archive(session, scope, self._pages, now=now, contact=contact or "")
        return archive_response(content, "my-data.zip")

    def end(self, request: Request) -> Response:
        """End the session."""
        language = language_of(request, LANGUAGES)
        token, now = request.cookies.get(self._cookie, ""), self._clock.now()
        with self._database.writing() as session:
            end_donor_session(session, token, now=now)
        answer = redirect_to(f"{PATH}?done=yes&lang={language}")
        answer.headers.update(FORGET_PAGES)
        self._cookies.drop(answer, self._cookie)
        return answer

    def _used(self, request: Request, token: str, language: str) -> Response:
        """Answer a request for a link that cannot be used any more.

        If this browser used it a moment ago, redirect to the page; otherwise say that it is used.
        """
        now, cookie = self._clock.now(), request.cookies.get(self._cookie, "")
        with self._database.reading() as session:
            if is_session_of(session, cookie, token, now=now):
                return redirect_to(f"{PATH}?lang={language}")
        return self._form(language, is_used=True, status_code=404)

    def _form(
        self,
        language: str,
        *,
        notice: str = "",
        is_used: bool = False,
        problem: BadInput | None = None,
        typed: str = "",
        status_code: int = 200,
    ) -> Response:
        return self._pages.render(
            "donors/own_page/ask.html",
            language,
            status_code=status_code,
            notice=notice,
            is_used=is_used,
            problem=problem,
            typed=showable(typed),
            was_asked=notice == words.ASKED,
            region=self._only_region(),
            languages=languages_beside(language, LANGUAGES),
        )

    def _gifts(self, language: str, profile_id: int, page: str) -> Response:
        number = int(page) if page.isascii() and page.isdigit() and len(page) <= _MOST_DIGITS else 1
        number = max(number, 1)
        with self._database.reading_snapshot() as session:
            profile = profile_by_id(session, profile_id)
            gifts = gifts_of_address(
                session, profile_id, limit=PER_PAGE + 1, offset=(number - 1) * PER_PAGE
            )
            pledges = pledges_of_address(session, profile_id) if number == 1 else []
            totals = year_totals(session, profile_id)
            shown = gifts[:PER_PAGE]
            elsewhere = paid_elsewhere(session, shown)
            to_confirm = accounts_to_confirm(session, shown)
        if number > 1 and not shown:
            return redirect_to(f"{PATH}?lang={language}")
        region = self._regions.get(shown[0].code) if shown else self._only_region()
        time_zone = (region or next(iter(self._regions.values()))).time_zone
        return self._pages.render(
            "donors/own_page/gifts.html",
            language,
            links=self._links,
            email=profile.email if profile else "",
            pledges=pledge_lines(pledges, local_date(self._clock.now(), time_zone)),
            years=years_of_gifts(shown, totals),
            given_elsewhere=elsewhere,
            to_confirm=to_confirm,
            account_to_confirm=gift_words.ACCOUNT_TO_CONFIRM,
            status_names=gift_words.STATUS_NAMES,
            newer=number - 1,
            older=number + 1 if len(gifts) > PER_PAGE else 0,
            region=region,
            languages=languages_beside(language, LANGUAGES),
        )

    def _only_region(self) -> Region | None:
        return next(iter(self._regions.values())) if len(self._regions) == 1 else None


def _notice(*, is_over: bool, is_done: bool) -> str:
    if is_done:
        return words.DONE
    return words.SESSION_OVER if is_over else ""
