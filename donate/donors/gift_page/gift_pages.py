"""The donor's page for one gift: its status, and what the donor can still do."""

import re
from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter, Request
from starlette.responses import Response

from donate.clock import Clock, local_date
from donate.donors.challenge_page import CROWDED, visitor_of
from donate.donors.first_step import FirstStep, redirect_to
from donate.donors.gift_page import gift_view, gift_words as words
from donate.donors.gift_page.giving_instead import amount_and_wishes
from donate.donors.gift_page.transfer_reports import record_report
from donate.donors.languages import language_of_gift, languages_of_gift
from donate.donors.requests import Typed
from donate.errors import (
    BadInputs,
    ChallengeNeeded,
    Conflict,
    NotFound,
    StripeRefused,
    StripeUnavailable,
    TooManyAttempts,
)
from donate.gifts.account_confirmation import confirmation_due, was_never_confirmed
from donate.gifts.choosing.choice import check_choice
from donate.gifts.facts import FactKind
from donate.gifts.models import Donor, Gift, GiftWish
from donate.gifts.queries import (
    donor_of,
    gift_by_id,
    paid_replacement,
    plain_facts_of,
    replacement_key,
    wish_of,
)
from donate.gifts.refundable import failed_refunds
from donate.gifts.status import announcement_in_force, status_of
from donate.modes import Instructions, Modes
from donate.money import Money
from donate.regions.modes import Mode
from donate.regions.regions import Region, Regions
from donate.storage.database import Database
from donate.stripe_gateway.requests.pledge_changes import PledgeChanges
from donate.web.languages import languages_beside
from donate.web.templating import HasMessage, Pages


class DonorGiftPages:
    """The routes under `/gifts/{token}`. The token gives access; a wrong token gives status 404."""

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
        self._database = database
        self._regions = regions
        self._modes = modes
        self._pages = pages
        self._clock = clock
        self._links = first_step.links
        self._first_step = first_step
        self._pledges = pledges
        self._look_again = look_again

    def add_to(self, router: APIRouter) -> None:
        """Add the routes of a gift's page to `router`."""
        for method, path, answer in (
            ("GET", "/gifts/{token}", self.show),
            ("POST", "/gifts/{token}/checkout", self.pay),
            ("POST", "/gifts/{token}/instead", self.give_another_way),
            ("POST", "/gifts/{token}/sent", self.announce),
            ("POST", "/gifts/{token}/not-sent", self.take_back),
        ):
            router.add_api_route(path, answer, methods=[method], response_model=None)

    def show(
        self, request: Request, token: str, back: str = "", problem: str = "", look: str = ""
    ) -> Response:
        """Show the page of one gift.

        `back` is "paid" if Stripe sent the donor back after a payment. `look` counts the automatic
        reloads of a page that waits for Stripe's confirmation.
        """
        gift, donor = self._find(token)
        notice = None
        # Ask Stripe before showing "not paid": the donor may have paid and closed Stripe's page.
        if gift_view.may_have_been_paid(gift) and problem not in ("page", "refused"):
            asked_at = self._look_again(gift)
            gift, donor = self._find(token)
            if gift_view.may_have_been_paid(gift):
                notice = words.asked_notice(asked_at, self._clock.now())
        reloads = int(look) if re.fullmatch(r"[0-9]{1,3}", look) else 0
        return self._page(
            request, gift, donor, back=back, problem=problem, reloads=reloads, notice=notice
        )

    def pay(self, request: Request, token: str, form: Typed) -> Response:
        """Redirect the donor to Stripe's page to pay a gift that is not paid yet."""
        gift, donor = self._find(token)
        if not gift.mode.through_stripe:
            return redirect_to(self._links.path(gift))
        try:
            if gift_view.is_later_month(gift):
                return self._retry_month(gift)
            language, visitor = language_of_gift(request, gift), visitor_of(request, form, token)
            return self._first_step.retry(gift, donor.email, language, visitor)
        except (ChallengeNeeded, TooManyAttempts) as late:
            return self._not_yet(late, request, gift, donor, "checkout")
        except Conflict as conflict:
            gift, donor = self._find(token)
            return self._page(request, gift, donor, status_code=409, notice=conflict)

    def give_another_way(self, request: Request, token: str, form: Typed) -> Response:
        """Replace this gift by a new one in another mode, without asking for the details again."""
        gift, donor = self._find(token)
        region = self._regions.get(gift.code)
        if region is None or not gift_view.may_still_give(gift):
            return redirect_to(self._links.path(gift))
        amount, wishes = amount_and_wishes(gift, self._wish(gift), region, form.mode)
        language = language_of_gift(request, gift)
        try:
            choice = check_choice(
                region,
                mode=form.mode,
                amount=amount,
                frequency=gift_view.frequency_instead(gift),
                country=donor.country,
                language=language if language in region.languages else gift.language,
                name=donor.name,
                email=donor.email,
                wishes=wishes,
            )
        except BadInputs:
            return redirect_to(f"/give/{region.code}?lang={language}")
        if gift_view.is_later_month(gift):
            try:
                # Void the failed payment's invoice first. Otherwise Stripe could collect that
                # payment as well.
                self._pledges.void_month(gift)
            except Conflict:
                return redirect_to(self._links.path(gift))
            except StripeUnavailable:
                return redirect_to(f"{self._links.path(gift)}?problem=page")
        key = replacement_key(gift, choice.mode)
        try:
            return self._first_step.take(choice, key, visitor_of(request, form, token))
        except (ChallengeNeeded, TooManyAttempts) as late:
            return self._not_yet(late, request, gift, donor, "instead", mode=form.mode)

    def _not_yet(
        self,
        late: ChallengeNeeded | TooManyAttempts,
        request: Request,
        gift: Gift,
        donor: Donor,
        action: str,
        **fields: str,
    ) -> Response:
        if isinstance(late, TooManyAttempts):
            answer = self._page(
                request, gift, donor, status_code=429, notice=words.PageNotice(CROWDED)
            )
            answer.headers["Retry-After"] = str(late.retry_after_s)
            return answer
        language = language_of_gift(request, gift)
        path = f"{self._links.path(gift)}/{action}?lang={language}"
        region = self._regions.get(gift.code)
        return self._first_step.challenge_page.show(
            late, language, region, action=path, fields=fields
        )

    def _wish(self, gift: Gift) -> GiftWish | None:
        with self._database.reading() as session:
            return wish_of(session, gift)

    def announce(self, request: Request, token: str) -> Response:
        """Record that the donor reported the transfer as sent. This does not confirm the gift."""
        gift, _ = self._find(token)
        if not gift.mode.through_stripe and gift_view.may_still_give(gift):
            record_report(self._database, gift, FactKind.TRANSFER_ANNOUNCED, now=self._clock.now())
        return redirect_to(f"{self._links.path(gift)}?lang={language_of_gift(request, gift)}")

    def take_back(self, request: Request, token: str) -> Response:
        """Record that the donor has not sent the transfer after all."""
        gift, _ = self._find(token)
        if gift_view.may_still_give(gift):
            record_report(
                self._database, gift, FactKind.ANNOUNCEMENT_TAKEN_BACK, now=self._clock.now()
            )
        return redirect_to(f"{self._links.path(gift)}?lang={language_of_gift(request, gift)}")

    def _progress(self, gift: Gift) -> gift_view.GiftProgress:
        is_open = gift_view.may_still_give(gift)
        with self._database.reading() as session:
            instead = paid_replacement(session, gift) if is_open else None
            facts = plain_facts_of(session, gift.id)
        report = announcement_in_force(facts)
        announced = local_date(report.happened_at, gift.time_zone) if report else None
        failed = failed_refunds(facts)
        return gift_view.GiftProgress(
            announced_on=announced,
            given_instead=self._links.path(instead) if instead else None,
            refund_failed=Money(failed[-1].amount_minor or 0, gift.currency) if failed else None,
            held_minor=status_of(facts).held_minor,
            confirmation=confirmation_due(facts),
            was_never_confirmed=was_never_confirmed(facts),
            was_declined=any(fact.kind == FactKind.PAYMENT_DECLINED for fact in facts),
        )

    def _retry_month(self, gift: Gift) -> Response:
        try:
            paid = self._pledges.retry_month(gift)
        except StripeRefused:
            return redirect_to(f"{self._links.path(gift)}?problem=declined")
        except StripeUnavailable:
            return redirect_to(f"{self._links.path(gift)}?problem=page")
        return redirect_to(
            self._links.path(gift) if paid else f"{self._links.path(gift)}?problem=asked"
        )

    def _find(self, token: str) -> tuple[Gift, Donor]:
        with self._database.reading() as session:
            gift = self._links.find_gift(session, token)
            if gift:
                return gift, donor_of(session, gift)
        raise NotFound("no such gift")

    def _page(
        self,
        request: Request,
        gift: Gift,
        donor: Donor,
        *,
        back: str = "",
        problem: str = "",
        reloads: int = 0,
        notice: HasMessage | None = None,
        status_code: int = 200,
    ) -> Response:
        language = language_of_gift(request, gift)
        region = self._regions.get(gift.code)
        view = gift_view.view_gift(
            gift,
            donor,
            region,
            self._instructions(gift, region),
            progress=self._progress(gift),
            language=language,
            back=back,
            problem=problem,
        )
        return self._pages.render(
            "donors/gift.html",
            language,
            status_code=status_code,
            here=self._links.path(gift),
            view=view,
            wish=self._wish(gift),
            tributes=words.TRIBUTES,
            pledge_page=self._pledge_page(gift),
            by_card=gift.mode == Mode.CARD,
            notice=notice,
            back=back if back in ("paid", "cancelled") else "",
            next_reload=reloads + 1 if reloads < gift_view.MAX_RELOADS else None,
            instead=gift_view.ways_in_words(gift),
            languages=languages_beside(language, languages_of_gift(gift)),
        )

    def _pledge_page(self, gift: Gift) -> str | None:
        """Return the path of the pledge's page; None if the gift has no pledge that has begun."""
        if gift.pledge_id is None:
            return None
        with self._database.reading() as session:
            first = gift_by_id(session, gift.pledge_id)
        begun = first is not None and self._pledges.pledge(first).subscription is not None
        return self._links.pledge_path(first) if first and begun else None

    def _instructions(self, gift: Gift, region: Region | None) -> Instructions | None:
        if region is None or gift.mode.through_stripe or gift.mode not in region.modes:
            return None
        step = self._modes[gift.mode].begin(gift)
        return step if isinstance(step, Instructions) else None
