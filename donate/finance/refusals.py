"""What Stripe refused for a reason that nobody foresaw: told to staff until they have seen it."""

from datetime import datetime, timedelta
from typing import Final

from fastapi import Request
from sqlmodel import Session, col, select
from starlette.responses import RedirectResponse, Response

from donate.clock import Clock
from donate.database import Database
from donate.finance.access import Visiting, needs
from donate.finance.models import Role, StaffAct
from donate.finance.refunds import is_foreseen
from donate.finance.trail import record_act
from donate.finance.words import KINDS, LANGUAGE
from donate.gifts.facts import FactKind
from donate.gifts.models import Gift, GiftFact
from donate.gifts.queries import refusals_since
from donate.templating import Pages

SEEN: Final = "refusals_seen"
# What is older is no news any more, seen or not.
NEWS_FOR: Final = timedelta(days=14)
SHOWN: Final = 100


def unseen_refusals(session: Session, now: datetime) -> list[tuple[GiftFact, Gift]]:
    """Return what Stripe refused lately and nobody has said they saw, the newest first."""
    since = now - NEWS_FOR
    seen = session.exec(
        select(StaffAct.happened_at)
        .where(StaffAct.act == SEEN, StaffAct.happened_at > since)
        .order_by(col(StaffAct.happened_at).desc())
        .limit(1)
    ).first()
    found = refusals_since(session, seen or since, most=SHOWN)
    return [(fact, gift) for fact, gift in found if not _was_foreseen(fact)]


def _was_foreseen(fact: GiftFact) -> bool:
    code = str(fact.evidence.get("code", ""))
    return fact.kind == FactKind.REFUND_REFUSED and is_foreseen(code)


class RefusalPages:
    """What Stripe refused, in its own words."""

    def __init__(self, database: Database, pages: Pages, clock: Clock, time_zone: str) -> None:
        self._database = database
        self._pages = pages
        self._clock = clock
        self._time_zone = time_zone

    @needs(Role.VIEWER)
    def refused(self, request: Request, visit: Visiting) -> Response:
        """Show what is news."""
        with self._database.reading() as session:
            refusals = unseen_refusals(session, self._clock.now())
        return self._pages.render(
            "finance/refused_by_stripe.html",
            LANGUAGE,
            staff=visit.signed_in,
            refusals=refusals,
            kinds=KINDS,
            may_write=visit.signed_in.may(Role.FINANCE),
            time_zone=self._time_zone,
        )

    @needs(Role.FINANCE)
    def seen(self, request: Request, visit: Visiting) -> Response:
        """Note that staff have seen it: the notice goes, and each gift keeps what was said."""
        with self._database.writing() as session:
            record_act(
                session,
                SEEN,
                now=self._clock.now(),
                staff_id=visit.signed_in.staff_id,
                address=visit.address,
            )
        return RedirectResponse("/finance/refused", 303)
