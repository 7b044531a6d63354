"""The "Activity" page: who did what, when and from where, for staff with the role `finance`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from donate.clock import Clock, local_date
from donate.errors import N_, BadInput
from donate.finance.access import Visiting, needs
from donate.finance.activity.filters import (
    ACTIVITY,
    TABS,
    ActivityQuery,
    read_act_cursor,
    read_activity_query,
    write_act_cursor,
)
from donate.finance.activity.queries import (
    ActCursor,
    FoundActs,
    cursor_of,
    find_acts,
    gifts_named,
    staff_names,
)
from donate.finance.activity.refusal_sums import newest_sums
from donate.finance.activity.refusal_words import refusal_words
from donate.finance.activity.trail import REFUSED
from donate.finance.activity.words import (
    ACTS,
    COMMAND_LINE,
    NOT_SIGNED_IN,
    act_name,
    act_sentence,
)
from donate.finance.list_filters import this_and_last_month
from donate.finance.models import StaffAct
from donate.finance.roles import Role
from donate.gifts.models import Gift
from donate.references import is_reference
from donate.storage.database import Database
from donate.web.templating import Pages, translate

ACTS_ON_A_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class ActRow:
    """A trail entry on the page: `before`, `about` and `after` together form a sentence."""

    happened_at: datetime
    who: str
    before: str
    about: str
    after: str
    gift_link: str
    address: str


class ActivityPages:
    """The page that lists what staff did and what was refused."""

    def __init__(self, database: Database, pages: Pages, clock: Clock, time_zone: str) -> None:
        self._database = database
        self._pages = pages
        self._clock = clock
        self._time_zone = time_zone

    def add_routes(self, router: APIRouter) -> None:
        """Add the routes to the router of the staff pages."""
        router.add_api_route("/activity", self.activity, methods=["GET"])
        router.add_api_route("/trail", self.old_address, methods=["GET"])

    @needs(Role.FINANCE)
    def old_address(self, request: Request, visit: Visiting) -> Response:
        """Redirect from an address that the page had in earlier versions."""
        return RedirectResponse(ACTIVITY, 308)

    @needs(Role.FINANCE)
    def activity(self, request: Request, visit: Visiting) -> Response:
        """Show the most recent trail entries that match the filters."""
        language = visit.language
        with self._database.reading() as session:
            names = staff_names(session)
        query = read_activity_query(request.query_params, list(names), self._time_zone)
        problems = dict(query.problems)
        cursors = {}
        for name in ("after", "before"):
            typed = request.query_params.get(name, "")
            cursors[name] = read_act_cursor(typed)
            if typed and cursors[name] is None:
                problems["page"] = BadInput("page", N_("This link is incomplete."))
        shown: dict[str, Any] = {"rows": None, "sums": []}
        if not problems:
            shown |= self._page(query, names, language, **cursors)
        if query.tab == "refused" and not query.narrowed:
            with self._database.reading() as session:
                sums = newest_sums(session, limit=ACTS_ON_A_PAGE)
            shown["sums"] = [(each, refusal_words(each.why, language)) for each in sums]
        today = local_date(self._clock.now(), self._time_zone)
        links = (query.link(**days) for days in this_and_last_month(today))
        nobody = NOT_SIGNED_IN if query.tab == "refused" else COMMAND_LINE
        people = {"0": translate(language, nobody)} | {str(i): name for i, name in names.items()}
        return self._pages.render(
            "finance/activity.html",
            language,
            status_code=422 if problems else 200,
            staff=visit.signed_in,
            filters=query,
            problems=problems,
            people=people,
            kinds={act: act_name(act, language) for act in ACTS if act != REFUSED},
            tabs={tab: replace(query, tab=tab).link() for tab in TABS},
            months=list(zip(("This month", "Last month"), links, strict=True)),
            time_zone=self._time_zone,
            **shown,
        )

    def _page(
        self,
        query: ActivityQuery,
        names: Mapping[int, str],
        language: str,
        *,
        after: ActCursor | None,
        before: ActCursor | None,
    ) -> dict[str, Any]:
        """Return the entries for one page, and the links to the previous and next page."""
        # Fetch one more entry than fits on a page, to find out whether there is another page.
        limit = ACTS_ON_A_PAGE + 1
        with self._database.reading() as session:
            found = FoundActs()
            if before:
                found = find_acts(session, query.filter, limit=limit, before=before)
            has_newer = len(found.acts) == limit or found.searched_to is not None
            has_older = has_newer
            if has_newer:
                acts, end = found.acts[-ACTS_ON_A_PAGE:], None
                newer = cursor_of(acts[0]) if len(found.acts) == limit else found.searched_to
            else:
                # At most one page of entries comes before the cursor, so show the first page.
                after = None if before else after
                found = find_acts(session, query.filter, limit=limit, after=after)
                acts, end = found.acts[:ACTS_ON_A_PAGE], found.searched_to
                has_newer, has_older = after is not None, len(found.acts) == limit
                newer = cursor_of(acts[0]) if acts else after
            about = {act.about for act in acts if is_reference(act.about)}
            gifts = gifts_named(session, about)
        older = end or (cursor_of(acts[-1]) if acts and has_older else None)
        return {
            "rows": [_row(act, names, gifts, language) for act in acts],
            "is_first_page": not has_newer,
            "searched_to": end.happened_at if end else None,
            "newer": newer and has_newer and query.link(before=write_act_cursor(newer)),
            "older": older and query.link(after=write_act_cursor(older)),
        }


def _row(
    act: StaffAct, names: Mapping[int, str], gifts: Mapping[str, Gift], language: str
) -> ActRow:
    gift = gifts.get(act.about)
    before, after = act_sentence(
        act.act, act.detail, language, currency=gift.currency if gift else None
    )
    nobody = NOT_SIGNED_IN if act.act == REFUSED else COMMAND_LINE
    return ActRow(
        happened_at=act.happened_at,
        who=names.get(act.staff_id or 0) or translate(language, nobody),
        before=before,
        about=act.about,
        after=after,
        gift_link=f"/finance/gifts/{gift.id}" if gift else "",
        address=act.address,
    )
