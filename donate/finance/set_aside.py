"""Events that are authentic but could not be applied: shown, never dropped."""

import json
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request
from sqlmodel import Session, col, select
from starlette.responses import Response

from donate.database import Database
from donate.errors import BadInput
from donate.finance.access import Visiting, needs
from donate.finance.gifts import readable
from donate.finance.models import Role
from donate.finance.words import LANGUAGE
from donate.gifts.models import Gift
from donate.stripe_gateway.models import EventState, StripeEvent
from donate.templating import Pages

PAGE_SIZE: Final = 25
# An event may be half a megabyte, most of it nobody's reading.
MAX_SHOWN: Final = 20_000


@dataclass(frozen=True, slots=True)
class Aside:
    """An event as staff read it."""

    event: StripeEvent
    gift: Gift | None
    payload: str


class SetAsidePages:
    """The list of what was set aside."""

    def __init__(self, database: Database, pages: Pages, time_zone: str) -> None:
        self._database = database
        self._pages = pages
        self._time_zone = time_zone

    @needs(Role.VIEWER)
    def set_aside(self, request: Request, visit: Visiting) -> Response:
        """Show events that were set aside, newest first."""
        typed = request.query_params.get("before", "")
        before = int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 18 else None
        problem = None
        if typed and before is None:
            problem = BadInput("before", "This link is not complete; here are the newest.")
        with self._database.reading() as session:
            found = _newest(session, before)
        events = [Aside(e, gift, pretty(e.payload)) for e, gift in found[:PAGE_SIZE]]
        more = len(found) > PAGE_SIZE
        return self._pages.render(
            "finance/set_aside.html",
            LANGUAGE,
            status_code=422 if problem else 200,
            staff=visit.signed_in,
            events=events,
            problem=problem,
            older=f"/finance/set-aside?before={events[-1].event.id}" if more else None,
            time_zone=self._time_zone,
        )


def _newest(session: Session, before: int | None) -> list[tuple[StripeEvent, Gift | None]]:
    statement = (
        select(StripeEvent, Gift)
        .join(Gift, col(Gift.id) == col(StripeEvent.gift_id), isouter=True)
        .where(StripeEvent.state == EventState.SET_ASIDE)
        .order_by(col(StripeEvent.id).desc())
        .limit(PAGE_SIZE + 1)
    )
    if before is not None:
        statement = statement.where(col(StripeEvent.id) < before)
    return [(event, gift) for event, gift in session.exec(statement)]


def pretty(payload: bytes) -> str:
    """Write a payload as indented JSON where it is JSON, and else as the text it is."""
    try:
        value: Any = json.loads(payload)
        text = readable(json.dumps(value, ensure_ascii=False, indent=2))
    except (ValueError, RecursionError):
        text = payload.decode("utf-8", "replace")
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}\n… and more"
