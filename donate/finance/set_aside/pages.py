"""Pages on which staff decide about Stripe events that are authentic but cannot be applied."""

from collections.abc import Callable, Mapping
from typing import Final

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from donate.clock import Clock
from donate.errors import N_, BadInput, Conflict, NotFound
from donate.finance.access import AllowedRequest, Visiting, needs
from donate.finance.roles import Role
from donate.finance.row_numbers import as_number
from donate.finance.set_aside.queries import describe_events, newest_events
from donate.finance.set_aside.words import summarize_event
from donate.gifts.choosing.free_text import check_free_text
from donate.gifts.models import Gift
from donate.gifts.queries import gift_by_reference
from donate.references import is_reference, tidy_reference
from donate.storage.database import Database
from donate.stripe_gateway.models import EventState, StripeEvent
from donate.stripe_gateway.webhooks.staff_decisions import (
    dismiss_event,
    lock_event,
    tie,
    try_again,
    was_set_aside,
)
from donate.web.templating import Pages

PAGE_SIZE: Final = 25
LEAST_WHY: Final = 3
MOST_WHY: Final = 300
MOST_TYPED: Final = 64
LIST: Final = "/finance/set-aside"

Decide = Callable[[Session, StripeEvent], bool]
"""A function that applies a decision to a locked event. Returns whether the event was changed."""


class SetAsidePages:
    """The pages for events that were set aside.

    `on_due` is called after a decision makes an event due for processing.
    """

    def __init__(
        self,
        database: Database,
        pages: Pages,
        clock: Clock,
        time_zone: str,
        *,
        on_due: Callable[[], None],
    ) -> None:
        self._database = database
        self._pages = pages
        self._clock = clock
        self._time_zone = time_zone
        self._on_due = on_due

    def add_routes(self, router: APIRouter) -> None:
        """Add the route of each page."""
        for method, path, answer in (
            ("GET", "/set-aside", self.set_aside),
            ("GET", "/set-aside/{number}", self.event),
            ("POST", "/set-aside/{number}/tried", self.tried),
            ("POST", "/set-aside/{number}/tied", self.tied),
            ("POST", "/set-aside/{number}/dismissed", self.dismissed),
        ):
            router.add_api_route(path, answer, methods=[method])

    @needs(Role.VIEWER)
    def set_aside(self, request: Request, visit: Visiting) -> Response:
        """List the events that are set aside or, on request, the dismissed events, newest first."""
        dismissed = request.query_params.get("show") == "dismissed"
        typed = request.query_params.get("before", "")
        before = as_number(typed)
        problem = None
        if typed and before is None:
            problem = BadInput("before", N_("This link is incomplete. Here are the newest events."))
        state = EventState.DISMISSED if dismissed else EventState.SET_ASIDE
        with self._database.reading() as session:
            # Fetch one more event than fits on a page, to find out whether there is another page.
            events = newest_events(session, state, before, PAGE_SIZE + 1)
            items = describe_events(session, events[:PAGE_SIZE], visit.language)
        older = None
        if len(events) > PAGE_SIZE:
            show = "show=dismissed&" if dismissed else ""
            older = f"{LIST}?{show}before={items[-1].event.id}"
        return self._pages.render(
            "finance/set_aside.html",
            visit.language,
            status_code=422 if problem else 200,
            staff=visit.signed_in,
            items=items,
            dismissed=dismissed,
            may_decide=visit.signed_in.may(Role.FINANCE),
            problem=problem,
            older=older,
            time_zone=self._time_zone,
        )

    @needs(Role.VIEWER)
    def event(self, request: Request, visit: Visiting, number: str) -> Response:
        """Show one event, the earlier decisions about it, and the decisions possible now."""
        return self._show(visit, number)

    @needs(Role.FINANCE)
    def tried(self, request: Request, visit: Visiting, number: str) -> Response:
        """Process an event again. This also reopens a dismissed event."""
        now, actor = self._clock.now(), visit.signed_in.actor
        return self._decide(visit, number, lambda _, e: try_again(e, actor=actor, now=now))

    @needs(Role.FINANCE)
    def tied(self, request: Request, visit: Visiting, number: str) -> Response:
        """Tie an event to the gift whose reference was typed into the form."""
        now, actor = self._clock.now(), visit.signed_in.actor

        def decide(session: Session, event: StripeEvent) -> bool:
            gift = _find_gift(session, visit.form.get("reference", ""))
            if visit.form.get("confirmed") != "yes":
                raise BadInput("confirmed", N_("Please compare them first, then tick this box."))
            return tie(event, gift, actor=actor, now=now)

        return self._decide(visit, number, decide)

    @needs(Role.FINANCE)
    def dismissed(self, request: Request, visit: Visiting, number: str) -> Response:
        """Dismiss an event, with the reason that was typed into the form."""
        now, actor = self._clock.now(), visit.signed_in.actor

        def decide(_: Session, event: StripeEvent) -> bool:
            return dismiss_event(event, _check_reason(visit.form), actor=actor, now=now)

        return self._decide(visit, number, decide)

    def _decide(self, visit: AllowedRequest, number: str, decide: Decide) -> Response:
        try:
            with self._database.writing() as session:
                event = lock_event(session, _number_in(number))
                if decide(session, event):
                    decision = event.history[-1]
                    visit.record(
                        session,
                        f"event_{decision['decision']}",
                        now=self._clock.now(),
                        about=event.event_id,
                        detail={"why": decision["why"]} if decision["why"] else {},
                    )
        except BadInput as problem:
            return self._show(visit, number, problem=problem, status_code=422)
        except Conflict as conflict:
            return self._show(visit, number, conflict=conflict, status_code=409)
        if event.state == EventState.WAITING:
            self._on_due()
        return RedirectResponse(f"{LIST}/{event.id}", 303)

    def _show(
        self,
        visit: AllowedRequest,
        number: str,
        *,
        problem: BadInput | None = None,
        conflict: Conflict | None = None,
        status_code: int = 200,
    ) -> Response:
        with self._database.reading() as session:
            event = session.get(StripeEvent, _number_in(number))
            if event is None or not (was_set_aside(event)):
                raise NotFound("no such event was set aside")
            (item,) = describe_events(session, [event], visit.language)
        return self._pages.render(
            "finance/set_aside_event.html",
            visit.language,
            status_code=status_code,
            staff=visit.signed_in,
            item=item,
            standing=summarize_event(event, visit.language),
            may_decide=visit.signed_in.may(Role.FINANCE),
            typed={name: text[: 2 * MOST_WHY] for name, text in visit.form.items()},
            problems={problem.field: problem} if problem else {},
            conflict=conflict,
            time_zone=self._time_zone,
        )


def _find_gift(session: Session, typed: str) -> Gift:
    reference = tidy_reference(typed[:MOST_TYPED])
    if not (is_reference(reference) and reference.replace("-", "").isalnum()):
        raise BadInput(
            "reference",
            N_(
                "Please enter a complete reference such as LWCAN-7KQ4M2X. A character of this one "
                "is missing or mistyped."
            )
            if reference
            else N_("Please enter the reference of the gift."),
        )
    gift = gift_by_reference(session, reference)
    if gift is None:
        raise BadInput(
            "reference", N_("No gift has the reference %(reference)s."), {"reference": reference}
        )
    return gift


def _check_reason(typed: Mapping[str, str]) -> str:
    reason = check_free_text("reason", typed.get("reason", ""), most=MOST_WHY, required=True)
    if len(reason) < LEAST_WHY:
        raise BadInput("reason", N_("Please give a reason."))
    return reason


def _number_in(text: str) -> int:
    number = as_number(text)
    if number is None:
        raise NotFound("no such event")
    return number
