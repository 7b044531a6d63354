"""The donor's page for a monthly gift, and the forms that change, pause and cancel the gift."""

from collections.abc import Callable
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from donate.clock import local_date
from donate.donors import gift_words as words, pledge_words
from donate.donors.first_step import redirect_to
from donate.donors.forms import showable
from donate.donors.requests import (
    Typed,
    is_token,
    language_of_gift,
    languages_of_gift,
)
from donate.errors import N_, BadInput, Conflict, NotFound, StripeRefused, StripeUnavailable
from donate.gifts.choosing.choice import check_mode
from donate.gifts.models import Donor, Gift
from donate.gifts.monthly.pledge_state import PledgeState
from donate.gifts.queries import (
    accounts_to_confirm,
    donor_of,
    gift_by_token,
    months_of,
    paid_replacement,
)
from donate.gifts.status import StatusName
from donate.money import Money, format_amount, read_amount
from donate.regions.modes import Mode
from donate.regions.regions import Regions
from donate.storage.database import Database
from donate.stripe_gateway.models import PledgeAction
from donate.stripe_gateway.requests.pledge_changes import PledgeChanges
from donate.web.templating import Pages, languages_beside

_CARD_WAITS: Final = N_(
    "Stripe isn’t answering right now, so your new card isn’t in use yet. Reload this page in a "
    "few minutes."
)
_SOON: Final = N_(
    "We’ve saved your change. Stripe isn’t answering right now, so it will take effect a little "
    "later."
)
_REFUSED: Final = N_("Stripe didn’t accept the change, so nothing was changed. Please write to us.")
_NO_PAGE: Final = N_(
    "We can’t open the page for your card right now. Please try again in a few minutes."
)


class PledgePages:
    """The routes under `/pledges/{token}`. The token is that of the pledge's first gift."""

    def __init__(
        self, database: Database, regions: Regions, pages: Pages, pledges: PledgeChanges
    ) -> None:
        self._database = database
        self._regions = regions
        self._pages = pages
        self._pledges = pledges

    def add_to(self, router: APIRouter) -> None:
        """Add the routes of a monthly gift's page to `router`."""
        for method, path, answer in (
            ("GET", "/pledges/{token}", self.show),
            ("POST", "/pledges/{token}/amount", self.change_amount),
            ("POST", "/pledges/{token}/card", self.change_card),
            ("POST", "/pledges/{token}/pause", self._changing(PledgeAction.PAUSE)),
            ("POST", "/pledges/{token}/resume", self._changing(PledgeAction.RESUME)),
            ("POST", "/pledges/{token}/cancel", self._changing(PledgeAction.CANCEL)),
        ):
            router.add_api_route(path, answer, methods=[method], response_model=None)

    def show(self, request: Request, token: str, done: str = "") -> Response:
        """Show a monthly gift and the list of its payments."""
        gift, _ = self._find(token)
        if done == "card" and not self._pledges.use_new_card(gift):
            return self._page(gift, language_of_gift(request, gift), wrong=_CARD_WAITS)
        return self._page(gift, language_of_gift(request, gift), done=done)

    def change_amount(self, request: Request, token: str, form: Typed) -> Response:
        """Change the monthly amount, from the next payment on."""
        gift, donor = self._find(token)
        language = language_of_gift(request, gift, form.language_switch)
        typed = showable(form.amount)
        if form.language_switch:
            return self._page(gift, language, typed=typed)
        try:
            amount = self._read_amount(gift, donor, form.amount, language)
        except BadInput as problem:
            return self._page(gift, language, problem=problem, typed=typed)
        if self._pledges.collects_already(gift, amount):
            return redirect_to(f"/pledges/{gift.token}?done=same&lang={language}")
        return self._change(gift, language, PledgeAction.AMOUNT, amount)

    def change_card(self, request: Request, token: str) -> Response:
        """Redirect to the Stripe page on which the donor replaces the card."""
        gift, _ = self._find(token)
        language = language_of_gift(request, gift)
        try:
            return redirect_to(self._pledges.card_page(gift))
        except Conflict as conflict:
            return self._page(gift, language, wrong=conflict.args[0], status_code=409)
        except StripeUnavailable:
            return self._page(gift, language, wrong=_NO_PAGE, status_code=503)

    def _changing(self, act: PledgeAction) -> Callable[[Request, str], Response]:
        def change(request: Request, token: str) -> Response:
            gift, _ = self._find(token)
            return self._change(gift, language_of_gift(request, gift), act)

        return change

    def _change(
        self, gift: Gift, language: str, act: PledgeAction, amount: Money | None = None
    ) -> Response:
        try:
            done = self._pledges.change(gift, act, amount)
        except Conflict as conflict:
            return self._page(gift, language, wrong=conflict.args[0], status_code=409)
        except StripeRefused:
            return self._page(gift, language, wrong=_REFUSED, status_code=409)
        return redirect_to(f"/pledges/{gift.token}?done={act if done else 'soon'}&lang={language}")

    def _read_amount(self, gift: Gift, donor: Donor, typed: str, language: str) -> Money:
        amount = read_amount(typed, gift.currency, language)
        region = self._regions.get(gift.code)
        if region is None:
            raise BadInput("amount", N_("This payment method is no longer available."))
        problems = check_mode(
            region,
            mode=gift.mode,
            amount=amount,
            frequency=gift.frequency,
            country=donor.country,
            language=language,
        )
        if problems:
            raise problems[0]
        return amount

    def _find(self, token: str) -> tuple[Gift, Donor]:
        if is_token(token):
            with self._database.reading() as session:
                gift = gift_by_token(session, token)
                if gift and gift.pledge_id == gift.id:
                    return gift, donor_of(session, gift)
        raise NotFound("no such pledge")

    def _page(
        self,
        gift: Gift,
        language: str,
        *,
        done: str = "",
        wrong: str = "",
        problem: BadInput | None = None,
        typed: str | None = None,
        status_code: int = 200,
    ) -> Response:
        pledge, by_card = self._pledges.pledge(gift), gift.mode == Mode.CARD
        with self._database.reading() as session:
            months = months_of(session, gift.id)
            failed = [month for month in months if month.status == StatusName.FAILED]
            elsewhere = {month.id for month in failed if paid_replacement(session, month)}
            to_confirm = accounts_to_confirm(session, months)
        all_given = bool(failed) and len(elsewhere) == len(failed)
        notice = pledge_words.done_notice(done, pledge, all_given=all_given)
        return self._pages.render(
            "donors/pledge.html",
            language,
            status_code=422 if problem else status_code,
            gift=gift,
            region=self._regions.get(gift.code),
            pledge=pledge,
            by_card=by_card,
            headline=pledge_words.pledge_summary(pledge, by_card=by_card, all_given=all_given),
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
