"""The page on which staff merge two donors, and the forms that merge them or undo a merge."""

from fastapi import Request
from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from donate.clock import Clock
from donate.errors import BadInput, BadInputs, Conflict, check_field
from donate.finance.access import AllowedRequest, Visiting, needs
from donate.finance.donors.pages import DONORS, Problem, StaffDonorPages
from donate.finance.donors.view import find_profile, profile_number
from donate.finance.donors.words import CHOOSE_ONE, DONOR_KINDS
from donate.finance.roles import Role
from donate.gifts.donor_profiles.merging import merge_profiles, undo_merge
from donate.gifts.donor_profiles.models import DonorProfile
from donate.gifts.donor_profiles.queries import find_donor_profiles, last_gift_days
from donate.gifts.donor_profiles.rules import check_why
from donate.storage.database import Database
from donate.web.templating import Pages

CANDIDATES_SHOWN = 10
_MAX_SEARCHED = 200


class DonorMergePages:
    """The page and the forms for merging another donor into this one and for undoing a merge."""

    def __init__(
        self, database: Database, pages: Pages, clock: Clock, donor_pages: StaffDonorPages
    ) -> None:
        self._database = database
        self._pages = pages
        self._clock = clock
        self._donor_pages = donor_pages

    @needs(Role.FINANCE)
    def merge(self, request: Request, visit: Visiting, number: str) -> Response:
        """Show the page on which staff search for another donor who is the same person."""
        return self._show(visit, number, request.query_params.get("q", ""))

    @needs(Role.FINANCE)
    def merged(self, request: Request, visit: Visiting, number: str) -> Response:
        """Merge the chosen donor into this one."""

        def merge(session: Session, donor: DonorProfile) -> list[str]:
            chosen, seen = _chosen(visit.form.get("other", ""))
            problems = [] if chosen else [BadInput("other", CHOOSE_ONE)]
            why = check_field(problems, lambda: check_why(visit.form.get("why", "")))
            if not chosen or why is None:
                raise BadInputs(problems)
            assert donor.id is not None
            merge = merge_profiles(
                session,
                chosen,
                donor.id,
                versions=(seen, profile_number(visit.form.get("version", "")) or 0),
                why=why,
                actor=visit.signed_in.actor,
                now=self._clock.now(),
            )
            return [f"donor {chosen}"] if merge else []

        def refused(problem: Problem) -> Response:
            return self._show(visit, number, visit.form.get("q", ""), problem=problem)

        return self._donor_pages.act(visit, number, "merged", merge, refused=refused)

    @needs(Role.FINANCE)
    def undone(self, request: Request, visit: Visiting, number: str) -> Response:
        """Undo a merge of this donor with another."""

        def undo(session: Session, donor: DonorProfile) -> list[str]:
            assert donor.id is not None
            merge = undo_merge(
                session,
                profile_number(visit.form.get("merge", "")) or 0,
                donor.id,
                actor=visit.signed_in.actor,
                now=self._clock.now(),
            )
            return [f"donor {merge.profile_id}"] if merge else []

        return self._donor_pages.act(visit, number, "merge_undone", undo)

    def _show(
        self,
        visit: AllowedRequest,
        number: str,
        searched: str,
        *,
        problem: Problem | None = None,
    ) -> Response:
        searched = searched.strip()[:_MAX_SEARCHED]
        conflict = str(problem) if isinstance(problem, Conflict) else ""
        problems = () if problem is None or isinstance(problem, Conflict) else problem.problems
        with self._database.reading() as session:
            donor = find_profile(session, number)
            if donor.merged_into_id and not conflict:
                return RedirectResponse(f"{DONORS}/{donor.merged_into_id}", 303)
            found = find_donor_profiles(session, searched, CANDIDATES_SHOWN + 2) if searched else []
            found = [one for one in found if one.main.id != donor.id]
            ids = [one.main.id for one in found if one.main.id]
            last_gifts = last_gift_days(session, ids)
        return self._pages.render(
            "finance/donor_merge.html",
            visit.language,
            status_code=409 if conflict else 422 if problems else 200,
            staff=visit.signed_in,
            donor=donor,
            searched=searched,
            found=found[:CANDIDATES_SHOWN],
            has_more=len(found) > CANDIDATES_SHOWN,
            last_gifts=last_gifts,
            typed=visit.form if problem else {},
            problems={one.field: one for one in problems},
            conflict=conflict,
            kinds=DONOR_KINDS,
        )


def _chosen(typed: str) -> tuple[int, int]:
    """Return the donor's id and version from the value of a radio button, such as `7.2`."""
    number, _, version = typed.partition(".")
    return profile_number(number) or 0, profile_number(version) or 0
