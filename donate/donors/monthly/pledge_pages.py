"""The donor's page for a monthly gift, and the forms that change, pause and cancel the gift."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from donate.clock import local_date
from donate.donors.first_step import redirect_to
from donate.donors.forms import showable
from donate.donors.gift_page import gift_words as words
from donate.donors.gift_page.gift_view import masked_email
from donate.donors.languages import language_of_gift, languages_of_gift
from donate.donors.monthly import pledge_words
from donate.donors.monthly.fresh_access import FreshAccess
from donate.donors.requests import Typed, Until
from donate.errors import N_, BadInput, Conflict, NotFound, StripeRefused, StripeUnavailable
from donate.gifts.choosing.choice import check_mode
from donate.gifts.links.gift_links import GiftLinks
from donate.gifts.models import Donor, Gift
from donate.gifts.monthly.pledge_state import PledgeState
from donate.gifts.monthly.schedule import Schedule
from donate.gifts.monthly.start_again import start_again_path
from donate.gifts.monthly.words import method_in_words
from donate.gifts.queries import (
    accounts_to_confirm,
    donor_of,
    months_of,
    paid_elsewhere,
)
from donate.gifts.status import StatusName
from donate.money import Money, format_amount, minor_digits, read_amount
from donate.regions.modes import Mode
from donate.regions.regions import Regions
from donate.storage.database import Database
from donate.stripe_gateway.models import PledgeAction
from donate.stripe_gateway.requests.pledge_changes import PledgeChanges
from donate.stripe_gateway.requests.pledge_requests import DonorChange
from donate.web.languages import languages_beside
from donate.web.templating import Pages

_CARD_WAITS: Final = N_(
    "We can’t reach Stripe, our payment processor, right now, so we haven’t switched to your new "
    "card yet. Please reload this page in a few minutes."
)
_SOON: Final = N_(
    "We’ve saved your change, but we can’t reach Stripe, our payment processor, right now. The "
    "change will take effect a little later."
)
_REFUSED: Final = N_(
    "Stripe, our payment processor, didn’t accept the change, so your monthly gift stays as it "
    "was. Please write to us."
)
_NO_PAGE: Final = N_("We can’t change your card right now. Please try again in a few minutes.")


_NOT_CHANGED: Final = N_(
    "Nothing was changed. You need a new link first. Please follow the steps below."
)
UNTIL_RESUMED: Final = "resumed"
"""The value of the choice to pause until the donor resumes."""


@dataclass(frozen=True, slots=True)
class _Visit:
    """A request for the page of a monthly gift. `gift` is the pledge's first gift."""

    gift: Gift
    donor: Donor
    language: str
    may_change: bool


class PledgePages:
    """The routes under `/pledges/{token}`. The token is that of the pledge's first gift."""

    def __init__(
        self,
        database: Database,
        regions: Regions,
        pages: Pages,
        pledges: PledgeChanges,
        *,
        links: GiftLinks,
        access: FreshAccess,
    ) -> None:
        self._database = database
        self._regions = regions
        self._pages = pages
        self._pledges = pledges
        self._links = links
        self._access = access

    def add_to(self, router: APIRouter) -> None:
        """Add the routes of a monthly gift's page to `router`."""
        for method, path, answer in (
            ("GET", "/pledges/{token}", self.show),
            ("POST", "/pledges/{token}/amount", self.change_amount),
            ("POST", "/pledges/{token}/card", self.change_card),
            ("POST", "/pledges/{token}/pause", self.pause),
            ("POST", "/pledges/{token}/resume", self._changing(PledgeAction.RESUME)),
            ("POST", "/pledges/{token}/cancel", self._changing(PledgeAction.CANCEL)),
        ):
            router.add_api_route(path, answer, methods=[method], response_model=None)

    def show(self, request: Request, token: str, done: str = "") -> Response:
        """Show a monthly gift and the list of its payments."""
        visit = self._visit(request, token)
        if done == "card" and not self._pledges.methods.use_new_card(visit.gift):
            return self._page(visit, wrong=_CARD_WAITS)
        self._pledges.methods.learn(visit.gift)
        return self._page(visit, done=done)

    def change_amount(self, request: Request, token: str, form: Typed) -> Response:
        """Change the monthly amount, from the next payment on."""
        visit = self._visit(request, token, form.language_switch)
        typed = showable(form.amount)
        if form.language_switch:
            return self._page(visit, typed=typed)
        if not visit.may_change:
            return self._refuse(visit)
        try:
            amount = read_amount(form.amount, visit.gift.currency, visit.language)
            self._check_amount(visit, amount)
        except BadInput as problem:
            return self._page(visit, problem=problem, typed=typed)
        if self._pledges.collects_already(visit.gift, amount):
            return self._back_to_page(visit, "same")
        return self._change(visit, DonorChange(PledgeAction.AMOUNT, amount))

    def pause(self, request: Request, token: str, until: Until) -> Response:
        """Pause a monthly gift until the day that the donor chose, or until they resume it.

        Skipping a month is a pause that leaves out one month.
        """
        visit = self._visit(request, token)
        if not visit.may_change:
            return self._refuse(visit)
        resumes_at = None
        if self._pledges.pledge(visit.gift).runs:
            try:
                resumes_at = check_until(until, self._pledges.schedule(visit.gift))
            except BadInput as problem:
                return self._page(visit, problem=problem)
        return self._change(visit, DonorChange(PledgeAction.PAUSE, resumes_at=resumes_at))

    def change_card(self, request: Request, token: str) -> Response:
        """Redirect to the Stripe page on which the donor replaces the card."""
        visit = self._visit(request, token)
        if not visit.may_change:
            return self._refuse(visit)
        try:
            return redirect_to(self._pledges.methods.card_page(visit.gift))
        except Conflict as conflict:
            return self._page(visit, wrong=conflict.args[0], status_code=409)
        except StripeUnavailable:
            return self._page(visit, wrong=_NO_PAGE, status_code=503)

    def _changing(self, act: PledgeAction) -> Callable[[Request, str], Response]:
        def change(request: Request, token: str) -> Response:
            visit = self._visit(request, token)
            return (
                self._change(visit, DonorChange(act)) if visit.may_change else self._refuse(visit)
            )

        return change

    def _change(self, visit: _Visit, change: DonorChange) -> Response:
        try:
            done = self._pledges.change(visit.gift, change)
        except Conflict as conflict:
            return self._page(visit, wrong=conflict.args[0], status_code=409)
        except StripeRefused:
            return self._page(visit, wrong=_REFUSED, status_code=409)
        return self._back_to_page(visit, change.act if done else "soon")

    def _refuse(self, visit: _Visit) -> Response:
        return self._page(visit, wrong=_NOT_CHANGED, status_code=403)

    def _back_to_page(self, visit: _Visit, done: str) -> Response:
        page = self._links.pledge_path(visit.gift)
        return redirect_to(f"{page}?done={done}&lang={visit.language}")

    def _check_amount(self, visit: _Visit, amount: Money) -> None:
        gift = visit.gift
        region = self._regions.get(gift.code)
        if region is None:
            raise BadInput("amount", N_("This payment method is no longer available."))
        problems = check_mode(
            region,
            mode=gift.mode,
            amount=amount,
            frequency=gift.frequency,
            country=visit.donor.country,
            language=visit.language,
        )
        if problems:
            raise problems[0]

    def _half(self, visit: _Visit, amount: Money) -> Money | None:
        """Return half of a monthly amount; None if the donor cannot give so little each month."""
        # Stripe takes amounts with three decimals only if the last one is 0.
        step = 10 ** max(0, minor_digits(amount.currency) - 2)
        half = amount.part(amount.amount_minor // 2 // step * step)
        try:
            self._check_amount(visit, half)
        except BadInput:
            return None
        return half

    def _visit(self, request: Request, token: str, language_switch: str = "") -> _Visit:
        with self._database.reading() as session:
            gift = self._links.find_gift(session, token)
            if gift is None or gift.pledge_id != gift.id:
                raise NotFound("no such pledge")
            donor = donor_of(session, gift)
        language = language_of_gift(request, gift, language_switch)
        return _Visit(gift, donor, language, self._access.may_change(request, gift, donor))

    def _page(
        self,
        visit: _Visit,
        *,
        done: str = "",
        wrong: str = "",
        problem: BadInput | None = None,
        typed: str | None = None,
        status_code: int = 200,
    ) -> Response:
        gift, language = visit.gift, visit.language
        pledge, by_card = self._pledges.pledge(gift), gift.mode == Mode.CARD
        schedule = self._pledges.schedule(gift)
        with self._database.reading() as session:
            months = months_of(session, gift.id)
            failed = [month for month in months if month.status == StatusName.FAILED]
            elsewhere = paid_elsewhere(session, failed)
            to_confirm = accounts_to_confirm(session, months)
        all_given = bool(failed) and len(elsewhere) == len(failed)
        notice = pledge_words.done_notice(done, pledge, schedule, all_given=all_given)
        given = sum(month.net_minor for month in months)
        return self._pages.render(
            "donors/pledge.html",
            language,
            status_code=422 if problem else status_code,
            links=self._links,
            gift=gift,
            has_email=bool(visit.donor.email),
            email=masked_email(visit.donor.email),
            may_change=visit.may_change,
            region=self._regions.get(gift.code),
            pledge=pledge,
            by_card=by_card,
            headline=pledge_words.pledge_summary(
                pledge, schedule, by_card=by_card, all_given=all_given
            ),
            schedule=schedule,
            method=method_in_words(pledge.payment_method, by_card=by_card),
            given=Money(given, gift.currency) if given else None,
            half=self._half(visit, pledge.each_month),
            until_resumed=UNTIL_RESUMED,
            start_again=start_again_path(gift, pledge.each_month, language),
            ends_on=pledge.ends_at and local_date(pledge.ends_at, gift.time_zone),
            ended_on=pledge.ended_at and local_date(pledge.ended_at, gift.time_zone),
            resumes_on=pledge.resumes_at and local_date(pledge.resumes_at, gift.time_zone),
            paused=pledge.state is PledgeState.PAUSED,
            may_pause=pledge.state in (PledgeState.ACTIVE, PledgeState.NOT_CHARGED_YET),
            given_elsewhere=elsewhere,
            to_confirm=to_confirm,
            account_to_confirm=words.ACCOUNT_TO_CONFIRM,
            months=months,
            status_names=words.STATUS_NAMES,
            notice=_SOON if self._pledges.is_open(gift) else notice,
            wrong=wrong,
            problem=problem,
            typed=format_amount(pledge.each_month, language) if typed is None else typed,
            languages=languages_beside(language, languages_of_gift(gift)),
        )


def check_until(text: str, schedule: Schedule) -> datetime | None:
    """Return when the pause that a donor chose ends; None if it ends when they resume.

    Raises BadInput if the day is not one of the choices, perhaps because the page was old.
    """
    if text == UNTIL_RESUMED:
        return None
    if not text:
        raise BadInput("until", N_("Please choose how long to pause."))
    for choice in schedule.choices:
        if text == choice.until.isoformat():
            return choice.resumes_at
    raise BadInput("until", N_("That day is no longer available. Please choose another one below."))
