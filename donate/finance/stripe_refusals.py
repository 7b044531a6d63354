"""The page that shows requests which Stripe refused unexpectedly, until staff mark them as seen."""

from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from sqlalchemy import bindparam
from sqlmodel import Session, col, select
from starlette.responses import RedirectResponse, Response

from donate.clock import Clock
from donate.finance.access import Visiting, needs
from donate.finance.models import StaffAct
from donate.finance.refunds.form import FORESEEN
from donate.finance.roles import Role
from donate.finance.words import KINDS
from donate.gifts.models import Gift, GiftFact
from donate.gifts.queries import refusals_since
from donate.storage.database import Database
from donate.web.templating import Pages

SEEN: Final = "refusals_seen"
# Refusals older than this are not shown, even if staff have not seen them.
NEWS_FOR: Final = timedelta(days=14)
SHOWN: Final = 100
_MARKED_AS_SEEN: Final = select(StaffAct.detail).where(
    StaffAct.act == SEEN, col(StaffAct.happened_at) > bindparam("since")
)


def unseen_refusals(session: Session, now: datetime) -> list[tuple[GiftFact, Gift]]:
    """Return the recent refusals by Stripe that staff have not marked as seen, newest first."""
    since = now - NEWS_FOR
    acts = session.exec(_MARKED_AS_SEEN, params={"since": since})
    seen = max((int(detail.get("newest", 0)) for detail in acts), default=0)
    return refusals_since(session, since, after=seen, foreseen=FORESEEN, most=SHOWN)


class RefusalPages:
    """The page that shows new refusals by Stripe, with Stripe's error messages."""

    def __init__(self, database: Database, pages: Pages, clock: Clock, time_zone: str) -> None:
        self._database = database
        self._pages = pages
        self._clock = clock
        self._time_zone = time_zone

    def add_routes(self, router: APIRouter) -> None:
        """Add the routes to the router of the staff pages."""
        router.add_api_route("/refused", self.refused, methods=["GET"])
        router.add_api_route("/refused/seen", self.seen, methods=["POST"])

    @needs(Role.VIEWER)
    def refused(self, request: Request, visit: Visiting) -> Response:
        """Show the refusals by Stripe that staff have not marked as seen."""
        with self._database.reading() as session:
            refusals = unseen_refusals(session, self._clock.now())
        return self._pages.render(
            "finance/refused_by_stripe.html",
            visit.language,
            staff=visit.signed_in,
            refusals=refusals,
            newest=max((fact.id or 0 for fact, _ in refusals), default=0),
            kinds=KINDS,
            may_write=visit.signed_in.may(Role.FINANCE),
            time_zone=self._time_zone,
        )

    @needs(Role.FINANCE)
    def seen(self, visit: Visiting, newest: Annotated[int, Form(ge=0, lt=2**63)] = 0) -> Response:
        """Mark the shown refusals as seen, which hides the notice about them. Their facts are kept.

        `newest` is the id of the newest fact on the page. Refusals recorded after it are still
        shown.
        """
        with self._database.writing() as session:
            visit.record(session, SEEN, now=self._clock.now(), detail={"newest": newest})
        return RedirectResponse("/finance/refused", 303)
