"""The pages before a gift is opened: the list of regions, and the Give form."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from donate.clock import Clock
from donate.donors import give_view
from donate.donors.challenge_page import CROWDED, visitor_of
from donate.donors.first_step import FirstStep, redirect_to
from donate.donors.forms import (
    OTHER,
    GiveForm,
    blank_form,
    form_key,
    meant_email,
    read_choice,
    showable,
    with_meant_email,
)
from donate.donors.gift_page import gift_words as words
from donate.donors.gift_page.gift_pages import DonorGiftPages
from donate.donors.languages import language_of
from donate.donors.reminder_pages import ReminderPages
from donate.donors.requests import Typed
from donate.errors import (
    N_,
    BadInput,
    BadInputs,
    ChallengeNeeded,
    DatabaseBusy,
    TooManyAttempts,
)
from donate.gifts.models import Gift
from donate.modes import Modes
from donate.money import group_mark, minor_digits, minor_step, typed_sign
from donate.regions.regions import Region, Regions, UnknownCode
from donate.storage.database import Database
from donate.stripe_gateway.requests.pledge_changes import PledgeChanges
from donate.web.languages import LANGUAGES, languages_beside
from donate.web.templating import Localizer, Pages

_STALE: Final = N_("This page has expired. Please check your choices, then press “Give” again.")
_DID_YOU_MEAN: Final = N_(
    "Did you mean %(meant)s? If the address below is right, just press “Give” again."
)
_BUSY: Final = N_(
    "We couldn’t save your gift just now. What you entered is still here. Please press “Give” "
    "again."
)


class DonorPages:
    """The routes of all donor pages.

    `look_again` asks Stripe whether a gift is paid. It returns the time when Stripe was last asked,
    or None if Stripe gave no answer. It never raises an exception.
    """

    def __init__(
        self,
        database: Database,
        regions: Regions,
        modes: Modes,
        pages: Pages,
        clock: Clock,
        *,
        first_step: FirstStep,
        pledges: PledgeChanges,
        look_again: Callable[[Gift], datetime | None],
    ) -> None:
        self._regions = regions
        self._pages = pages
        self._first_step, links = first_step, first_step.links
        self.router = APIRouter(include_in_schema=False)
        for method, path, answer in (
            ("GET", "/", self.first_page),
            ("GET", "/give/{code}", self.show_form),
            ("POST", "/give/{code}", self.give),
        ):
            self.router.add_api_route(path, answer, methods=[method], response_model=None)
        gift_pages = DonorGiftPages(
            database,
            regions,
            modes,
            pages,
            clock,
            first_step=first_step,
            pledges=pledges,
            look_again=look_again,
        )
        gift_pages.add_to(self.router)
        ReminderPages(database, regions, pages, clock, links).add_to(self.router)

    def first_page(self, request: Request, code: str = "") -> Response:
        """Redirect to the Give form of `code` or of the only region; otherwise list all regions."""
        if code.strip():
            return self._with_region(
                request,
                code,
                lambda region: redirect_to(_with_language(f"/give/{region.code}", request)),
            )
        if len(self._regions) == 1:
            return redirect_to(_with_language(f"/give/{next(iter(self._regions))}", request))
        language = language_of(request, LANGUAGES)
        regions = sorted(self._regions.values(), key=lambda r: r.name.in_language(language))
        return self._pages.render(
            "donors/first_page.html",
            language,
            regions=regions,
            languages=languages_beside(language, LANGUAGES),
        )

    def show_form(self, request: Request, code: str) -> Response:
        """Show the Give form. Redirect first if the URL's giving code is spelled differently."""

        def answer(region: Region) -> Response:
            if code != region.code:
                return redirect_to(_with_query(f"/give/{region.code}", request))
            form = blank_form(region, request.query_params)
            return self._form(region, language_of(request, region.languages), form)

        return self._with_region(request, code, answer)

    def give(self, request: Request, code: str, typed: Typed) -> Response:
        """Open a gift from the posted form, and redirect the donor to pay it."""
        form = with_meant_email(typed)

        def answer(region: Region) -> Response:
            language = language_of(request, region.languages, form.language_switch or form.lang)
            if form.language_switch or form.country_switch:
                return self._form(region, language, form if form.nonce_holds else form.fresh())
            if not form.nonce_holds or request.headers.get("sec-fetch-site") == "cross-site":
                # If another site submitted the form, show it again, because only the donor may
                # submit it.
                return self._form(region, language, form.fresh(), status_code=422, notice=_STALE)
            try:
                choice = read_choice(form, region, language)
                if meant := meant_email(form):
                    raise BadInputs([BadInput("email", _DID_YOU_MEAN, {"meant": meant})])
            except BadInputs as bad:
                return self._form(region, language, form, status_code=422, problems=bad.problems)
            try:
                key = form_key(form.nonce, choice)
                return self._first_step.take(choice, key, visitor_of(request, form, form.nonce))
            except ChallengeNeeded as needed:
                fields, path = form.to_send_again(), f"/give/{region.code}"
                return self._first_step.challenge_page.show(
                    needed, language, region, action=path, fields=fields
                )
            except (TooManyAttempts, DatabaseBusy) as late:
                status_code, notice = (
                    (429, CROWDED) if isinstance(late, TooManyAttempts) else (503, _BUSY)
                )
                answer = self._form(region, language, form, status_code=status_code, notice=notice)
                answer.headers["Retry-After"] = str(late.retry_after_s)
                return answer

        return self._with_region(request, code, answer)

    def _with_region(
        self, request: Request, code: str, answer: Callable[[Region], Response]
    ) -> Response:
        try:
            region = self._regions.find(code)
        except UnknownCode as unknown:
            language = language_of(request, LANGUAGES)
            return self._pages.render(
                "donors/unknown_code.html",
                language,
                status_code=404,
                languages=languages_beside(language, LANGUAGES),
                query=urlencode({"code": code}) + "&" if "code" in request.query_params else "",
                typed=showable(unknown.typed),
                suggestion=unknown.suggestion,
            )
        return answer(region)

    def _form(
        self,
        region: Region,
        language: str,
        form: GiveForm,
        *,
        status_code: int = 200,
        problems: Sequence[BadInput] = (),
        notice: str = "",
    ) -> Response:
        # Do not use "no-store": with it, a donor who goes back to a submitted form sees an error
        # page of the browser.
        headers = {"Cache-Control": "private, no-cache"}
        return self._pages.render(
            "donors/give.html",
            language,
            status_code=status_code,
            headers=headers,
            region=region,
            form=form.shown(),
            other=OTHER,
            problems=give_view.problems_in(problems, region, form),
            notice=notice,
            modes=give_view.mode_cards(region, form),
            presets=give_view.presets(region, language, form),
            meant=meant_email(form) if problems else "",
            countries=give_view.countries_to_choose(region, language, form, problems),
            languages=languages_beside(language, region.languages),
            place=region.name.in_language(language),
            currency=give_view.currency_name(region.currency, language),
            own_country=Localizer(language).name_of_country(region.country),
            frequency_names=words.FREQUENCY_NAMES,
            step=minor_step(region.currency),
            digits=minor_digits(region.currency),
            sign=typed_sign(region.currency, language),
            group=group_mark(language),
            covers=give_view.fees(region, language),
            tributes=words.TRIBUTES,
        )


def _with_language(address: str, request: Request) -> str:
    language = request.query_params.get("lang", "")
    return f"{address}?lang={language}" if language in LANGUAGES else address


def _with_query(address: str, request: Request) -> str:
    return f"{address}?{request.url.query}" if request.url.query else address
