"""The page on which staff erase a donor: what goes, what is kept and why, and the form."""

from fastapi import Request
from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from donate.clock import Clock
from donate.errors import N_, BadInput, Conflict
from donate.finance.access import AllowedRequest, Visiting, needs
from donate.finance.donors.pages import DONORS
from donate.finance.donors.view import find_profile
from donate.finance.roles import Role
from donate.gifts.donor_profiles.models import DonorProfile
from donate.personal_data.erasing.at_stripe import AT_STRIPE
from donate.personal_data.erasing.request import ErasureRequests
from donate.personal_data.erasing.summary import erasure_summary
from donate.storage.database import Database
from donate.web.templating import Pages

_MAX_TYPED = 64


class DonorErasurePages:
    """The page about erasing a donor, and its form."""

    def __init__(self, database: Database, pages: Pages, clock: Clock) -> None:
        self._database = database
        self._pages = pages
        self._clock = clock
        self._requests = ErasureRequests(database, clock)

    @needs(Role.FINANCE)
    def erase(self, request: Request, visit: Visiting, number: str) -> Response:
        """Show what would be erased, what is kept, and what stands in the way."""
        return self._show(visit, number)

    @needs(Role.FINANCE)
    def erased(self, request: Request, visit: Visiting, number: str) -> Response:
        """Erase the donor if the person typed the confirmation text that the page asks for."""

        def find(session: Session) -> DonorProfile:
            donor = find_profile(session, number)
            if donor.merged_into_id:
                donor = session.get_one(DonorProfile, donor.merged_into_id)
            confirm = erasure_summary(session, donor, now=self._clock.now()).confirm
            if visit.form.get("confirm", "").strip().upper() != confirm.upper():
                raise BadInput(
                    "confirm",
                    N_("Type %(confirm)s here. Nothing was erased."),
                    {"confirm": confirm},
                )
            return donor

        def record(session: Session, about: str) -> None:
            visit.record(session, "donor_anonymised", now=self._clock.now(), about=about)

        try:
            summary = self._requests.carry_out(find, record, actor=visit.signed_in.actor)
        except (BadInput, Conflict) as problem:
            return self._show(visit, number, problem=problem)
        return RedirectResponse(f"{DONORS}/{summary.number}?done=anonymised", 303)

    def _show(
        self, visit: AllowedRequest, number: str, *, problem: BadInput | Conflict | None = None
    ) -> Response:
        with self._database.reading_snapshot() as session:
            donor = find_profile(session, number)
            if donor.merged_into_id:
                return RedirectResponse(f"{DONORS}/{donor.merged_into_id}/erase", 303)
            summary = erasure_summary(session, donor, now=self._clock.now())
        is_wrong = isinstance(problem, BadInput)
        return self._pages.render(
            "finance/donor_erase.html",
            visit.language,
            status_code=200 if problem is None else 422 if is_wrong else 409,
            staff=visit.signed_in,
            donor=donor,
            summary=summary,
            at_stripe=AT_STRIPE,
            typed=visit.form.get("confirm", "")[:_MAX_TYPED] if problem else "",
            problems={"confirm": problem} if is_wrong else {},
            conflict=problem if isinstance(problem, Conflict) else None,
        )
