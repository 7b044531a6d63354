"""The list of donors, the page of one donor, and the forms on it."""

import re
import secrets
from collections.abc import Callable
from typing import Any, Final

from fastapi import Request
from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from donate.clock import Clock
from donate.errors import BadInput, BadInputs, Conflict, NotFound
from donate.finance.access import AllowedRequest, Visiting, needs
from donate.finance.donors.view import (
    donor_view,
    edit_choices,
    find_profile,
    profile_number,
    stored_details,
)
from donate.finance.donors.words import (
    DONOR_DONE,
    DONOR_KINDS,
    INCOMPLETE_FORM,
    MORE_FOUND,
    NO_SUCH_PAGE,
)
from donate.finance.exports.links import export_links
from donate.finance.gifts.pages import WORDS
from donate.finance.roles import Role
from donate.gifts.donor_profiles.editing import EDITED_SINCE, add_note, edit_profile
from donate.gifts.donor_profiles.models import DonorProfile
from donate.gifts.donor_profiles.queries import (
    find_donor_profiles,
    last_gift_days,
    newest_profiles,
)
from donate.gifts.donor_profiles.rules import check_details, check_note
from donate.gifts.listing.orders import GiftOrder, read_position
from donate.regions.regions import Regions
from donate.storage.database import Database
from donate.web.templating import Pages

DONORS: Final = "/finance/donors"
DONORS_ON_A_PAGE: Final = 50
_MAX_SEARCHED: Final = 200
_MAX_SHOWN: Final = 4_000
Problem = BadInput | BadInputs | Conflict
_FORM_KEY: Final = re.compile(r"[A-Za-z0-9_-]{20,40}")


class StaffDonorPages:
    """The list of donors, and the page of one donor."""

    def __init__(
        self, database: Database, regions: Regions, pages: Pages, clock: Clock, *, time_zone: str
    ) -> None:
        self._database = database
        self._regions = regions
        self._pages = pages
        self._clock = clock
        self._time_zone = time_zone

    @needs(Role.VIEWER)
    def donors(self, request: Request, visit: Visiting) -> Response:
        """Show the newest donors, or those whose name or e-mail address starts as typed."""
        searched = request.query_params.get("q", "").strip()[:_MAX_SEARCHED]
        typed = request.query_params.get("before", "")
        before = profile_number(typed)
        problem = BadInput("before", NO_SUCH_PAGE) if typed and before is None else None
        older, too_many = None, None
        with self._database.reading() as session:
            if searched:
                found = find_donor_profiles(session, searched, DONORS_ON_A_PAGE + 1)
                rows = [(one.main, one.matched) for one in found[:DONORS_ON_A_PAGE]]
                if len(found) > DONORS_ON_A_PAGE:
                    too_many = BadInput("q", MORE_FOUND, {"most": str(DONORS_ON_A_PAGE)})
            else:
                # Fetch one more donor than fits on a page, to find out whether there is another
                # page.
                newest = newest_profiles(session, limit=DONORS_ON_A_PAGE + 1, before=before)
                rows = [(one, one) for one in newest[:DONORS_ON_A_PAGE]]
                if len(newest) > DONORS_ON_A_PAGE:
                    older = f"{DONORS}?before={rows[-1][0].id}"
            last_gifts = last_gift_days(session, [main.id for main, _ in rows if main.id])
        return self._pages.render(
            "finance/donors.html",
            visit.language,
            status_code=422 if problem else 200,
            staff=visit.signed_in,
            searched=searched,
            problem=problem,
            too_many=too_many,
            rows=rows,
            last_gifts=last_gifts,
            older=older,
            is_first_page=before is None,
            kinds=DONOR_KINDS,
            exports=[] if searched else export_links("donors", {}, visit.signed_in),
        )

    @needs(Role.VIEWER)
    def donor(self, request: Request, visit: Visiting, number: str) -> Response:
        """Show the page of one donor. For a merged profile, redirect to its main profile."""
        query = request.query_params
        after = read_position(query.get("after", ""), GiftOrder())
        if query.get("after") and after is None:
            return RedirectResponse(f"{DONORS}/{number}", 303)
        return self.show(visit, number, done=query.get("done", ""), after=after)

    @needs(Role.FINANCE)
    def changed(self, request: Request, visit: Visiting, number: str) -> Response:
        """Save the changes that staff made to a donor."""

        def change(session: Session, donor: DonorProfile) -> list[str]:
            details = check_details(visit.form, language=donor.language)
            assert donor.id is not None
            return edit_profile(
                session,
                donor.id,
                details,
                version=profile_number(visit.form.get("version", "")) or 0,
                actor=visit.signed_in.actor,
                now=self._clock.now(),
            )

        return self.act(visit, number, "changed", change)

    @needs(Role.FINANCE)
    def noted(self, request: Request, visit: Visiting, number: str) -> Response:
        """Add a note about a donor, or a correction of an earlier note."""

        def note(session: Session, donor: DonorProfile) -> list[str]:
            form_key = visit.form.get("form_key", "")
            corrects = visit.form.get("corrects", "")
            if not _FORM_KEY.fullmatch(form_key):
                raise BadInput("note", INCOMPLETE_FORM)
            if corrects and profile_number(corrects) is None:
                raise NotFound("no such note")
            text = check_note(visit.form.get("note", ""))
            assert donor.id is not None
            is_new = add_note(
                session,
                donor.id,
                text,
                form_key=form_key,
                corrects=profile_number(corrects),
                actor=visit.signed_in.actor,
                now=self._clock.now(),
            )
            return ["note"] if is_new else []

        return self.act(visit, number, "noted", note)

    def act(
        self,
        visit: AllowedRequest,
        number: str,
        act: str,
        do: Callable[[Session, DonorProfile], list[str]],
        *,
        refused: Callable[[Problem], Response] | None = None,
    ) -> Response:
        """Run `do` in a transaction, add a trail entry, and redirect to the donor's page.

        `do` returns the names of the fields that it changed. The trail stores these names, but no
        values. If a form has a problem, `refused` returns the response; without it, the donor's
        page shows the problem.
        """
        try:
            with self._database.writing() as session:
                donor = find_profile(session, number)
                fields = do(session, donor)
                if fields:
                    visit.record(
                        session,
                        f"donor_{act}",
                        now=self._clock.now(),
                        about=f"donor {donor.id}",
                        detail={"fields": fields},
                    )
        except (BadInput, BadInputs, Conflict) as problem:
            return refused(problem) if refused else self.show(visit, number, problem=problem)
        return RedirectResponse(f"{DONORS}/{number}?done={act}", 303)

    def show(
        self,
        visit: AllowedRequest,
        number: str,
        *,
        done: str = "",
        after: Any = None,
        problem: Problem | None = None,
    ) -> Response:
        """Render the page of a donor. If a form has a problem, show it and the typed text."""
        conflict = str(problem) if isinstance(problem, Conflict) else ""
        problems = problem.problems if isinstance(problem, BadInput | BadInputs) else ()
        with self._database.reading_snapshot() as session:
            donor = find_profile(session, number)
            if donor.merged_into_id and not conflict:
                return RedirectResponse(f"{DONORS}/{donor.merged_into_id}", 303)
            view = donor_view(
                session, donor, language=visit.language, regions=self._regions, after=after
            )
        typed = {name: text[:_MAX_SHOWN] for name, text in visit.form.items()} if problem else {}
        return self._pages.render(
            "finance/donor.html",
            visit.language,
            status_code=409 if conflict else 422 if problems else 200,
            staff=visit.signed_in,
            may_write=visit.signed_in.may(Role.FINANCE) and not donor.merged_into_id,
            choices=edit_choices(donor, visit.language),
            stored=stored_details(donor),
            typed=typed,
            problems={one.field: one for one in problems},
            conflict=conflict,
            is_edit_conflict=conflict == EDITED_SINCE,
            done=DONOR_DONE.get(done, ""),
            form_key=secrets.token_urlsafe(16),
            time_zone=self._time_zone,
            words=WORDS,
            **view,
        )
