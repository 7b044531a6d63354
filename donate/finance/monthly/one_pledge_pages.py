"""The staff page of one monthly gift, and the forms that pause, resume and end it."""

import secrets
from collections.abc import Callable
from typing import Any

from fastapi import Request
from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from donate.clock import Clock, local_date
from donate.errors import N_, BadInput, BadInputs, Conflict, NotFound, StripeRefused
from donate.finance.access import AllowedRequest, Visiting, needs
from donate.finance.gifts.pages import find_gift
from donate.finance.monthly.changes import ChangeOutcome, requested_changes
from donate.finance.monthly.filters import pledge_choices
from donate.finance.monthly.forms import check_reason_of_staff, check_staff_change, form_key_of
from donate.finance.monthly.queries import pledge_row
from donate.finance.monthly.words import (
    BY_WHOM,
    NEW_AMOUNT,
    OUTCOMES,
    PAUSE_UNTIL,
    REQUESTED,
    STAGE_COLOURS,
    STAGE_SENTENCES,
    STAGES,
)
from donate.finance.roles import Role
from donate.finance.staff.accounts import names_of
from donate.finance.words import STATUSES
from donate.gifts.models import Gift
from donate.gifts.monthly.pledge_state import pledge_of
from donate.gifts.monthly.schedule import schedule_of
from donate.gifts.monthly.words import method_in_words
from donate.gifts.queries import donor_of, months_of, plain_facts_of
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter, new_letter
from donate.money import Money
from donate.regions.modes import Mode
from donate.regions.regions import Regions
from donate.storage.bulk_writes import insert_new
from donate.storage.database import Database
from donate.stripe_gateway.models import PledgeAction
from donate.stripe_gateway.requests.pledge_changes import PledgeChanges
from donate.stripe_gateway.requests.pledge_requests import (
    may_request,
    request_by_staff,
    version_of,
)
from donate.web.templating import Pages

Problem = BadInput | BadInputs | Conflict
_NO_LETTERS = N_("This service is not set up to send e-mails.")


class OnePledgePages:
    """The page of one monthly gift, and the forms on it."""

    def __init__(
        self,
        database: Database,
        regions: Regions,
        pages: Pages,
        clock: Clock,
        pledges: PledgeChanges,
        *,
        sends_letters: bool,
    ) -> None:
        self._database = database
        self._regions = regions
        self._pages = pages
        self._clock = clock
        self._pledges = pledges
        self._sends_letters = sends_letters

    @needs(Role.VIEWER)
    def pledge(self, request: Request, visit: Visiting, gift_id: str) -> Response:
        """Show the page of one monthly gift."""
        return self._show(visit, gift_id, done=request.query_params.get("done", ""))

    @needs(Role.FINANCE)
    def paused(self, request: Request, visit: Visiting, gift_id: str) -> Response:
        """Pause a monthly gift: until a date if one was entered, otherwise indefinitely."""
        return self._change(visit, gift_id, PledgeAction.PAUSE)

    @needs(Role.FINANCE)
    def resumed(self, request: Request, visit: Visiting, gift_id: str) -> Response:
        """Resume a paused monthly gift."""
        return self._change(visit, gift_id, PledgeAction.RESUME)

    @needs(Role.FINANCE)
    def ended(self, request: Request, visit: Visiting, gift_id: str) -> Response:
        """End a monthly gift, now or at the end of the month that has been paid."""
        return self._change(visit, gift_id, PledgeAction.CANCEL)

    @needs(Role.FINANCE)
    def link_sent(self, request: Request, visit: Visiting, gift_id: str) -> Response:
        """E-mail the donor a link to the page of their monthly gift."""
        now = self._clock.now()

        def send(session: Session, gift: Gift) -> None:
            key = form_key_of(visit.form)
            reason = check_reason_of_staff(visit.form)
            if not self._sends_letters:
                raise Conflict(_NO_LETTERS)
            actor = visit.signed_in.actor
            row = new_letter(gift.id, LetterKind.PLEDGE_LINK, key, now=now, asked_by=actor)
            if insert_new(session, Letter, [row]):
                detail = {"reason": reason}
                visit.record(
                    session, "pledge_link_sent", now=now, about=gift.reference, detail=detail
                )

        return self._act(visit, gift_id, "link", send) or self._done(gift_id, "link")

    def _change(self, visit: AllowedRequest, gift_id: str, act: PledgeAction) -> Response:
        now = self._clock.now()
        requests = []

        def record(session: Session, gift: Gift) -> None:
            change = check_staff_change(
                visit.form,
                act,
                actor=visit.signed_in.actor,
                today=local_date(now, gift.time_zone),
                time_zone=gift.time_zone,
            )
            request = request_by_staff(session, gift.id, change, now=now)
            if request:
                requests.append(request)
                visit.record(
                    session,
                    f"pledge_{request.act}_requested",
                    now=now,
                    about=gift.reference,
                    detail={"request": request.key, "reason": change.reason},
                )

        answer = self._act(visit, gift_id, act, record)
        if answer:
            return answer
        for request in requests:
            try:
                self._pledges.ask_now(request)
            except StripeRefused:
                break  # the page shows that Stripe refused
        return self._done(gift_id, "change")

    def _act(
        self,
        visit: AllowedRequest,
        gift_id: str,
        form: str,
        act: Callable[[Session, Gift], None],
    ) -> Response | None:
        """Run `act` for a form.

        Return the page with the problem if there is one, otherwise None.
        """
        try:
            with self._database.writing() as session:
                act(session, _find_first(session, gift_id))
        except (BadInput, BadInputs, Conflict) as problem:
            return self._show(visit, gift_id, problem=problem, form=form)
        return None

    def _done(self, gift_id: str, done: str) -> Response:
        return RedirectResponse(f"/finance/monthly/{gift_id}?done={done}", 303)

    def _show(
        self,
        visit: AllowedRequest,
        gift_id: str,
        *,
        done: str = "",
        problem: Problem | None = None,
        form: str = "",
    ) -> Response:
        """Render the page. If a form has a problem, show the problem and what was typed."""
        conflict = str(problem) if isinstance(problem, Conflict) else ""
        problems = problem.problems if isinstance(problem, BadInput | BadInputs) else ()
        with self._database.reading_snapshot() as session:
            gift = _find_first(session, gift_id)
            row, donor = pledge_row(session, gift.id), donor_of(session, gift)
            facts = plain_facts_of(session, gift.id)
            changes = requested_changes(session, gift, facts)
            names = names_of(session, {change.actor for change in changes})
            months = months_of(session, gift.id)
        pledge = pledge_of(facts, gift.amount)
        shown: dict[str, Any] = {
            "gift": gift,
            "row": row,
            "donor": donor,
            "changes": changes,
            "months": months,
            "each_month": Money(row.amount_minor, row.currency),
            "schedule": schedule_of(pledge, facts, gift.time_zone, self._clock.now()),
            "method": method_in_words(pledge.payment_method, by_card=gift.mode == Mode.CARD),
        }
        return self._pages.render(
            "finance/monthly_gift.html",
            visit.language,
            status_code=409 if conflict else 422 if problems else 200,
            staff=visit.signed_in,
            **shown,
            names=dict(BY_WHOM) | names,
            newest=changes[0] if changes and done == "change" else None,
            link_sent=done == "link",
            may={
                str(act): visit.signed_in.may(Role.FINANCE) and may_request(pledge, act)
                for act in PledgeAction
                if act is not PledgeAction.AMOUNT
            },
            may_send=visit.signed_in.may(Role.FINANCE) and self._sends_letters,
            version=version_of(pledge, facts),
            form_key=secrets.token_urlsafe(16),
            form=form,
            typed=visit.form if problem else {},
            problems={each.field: each for each in problems},
            conflict=conflict,
            choices=pledge_choices(self._regions, visit.language),
            words=_WORDS,
        )


_WORDS = {
    "stages": STAGES,
    "colours": STAGE_COLOURS,
    "sentences": STAGE_SENTENCES,
    "requested": REQUESTED,
    "until": PAUSE_UNTIL,
    "new_amount": NEW_AMOUNT,
    "outcomes": OUTCOMES,
    "bad": (ChangeOutcome.REFUSED, ChangeOutcome.REPLACED),
    "statuses": STATUSES,
}


def _find_first(session: Session, text: str) -> Gift:
    """Return the gift that began a pledge. Raises NotFound if this gift did not begin one."""
    gift = find_gift(session, text)
    if gift.pledge_id != gift.id:
        raise NotFound("no such pledge")
    return gift
