"""The form with which staff download all that is held about a donor."""

from fastapi import Request
from starlette.responses import Response

from donate.clock import Clock
from donate.finance.access import Visiting, needs
from donate.finance.donors.view import find_profile
from donate.finance.roles import Role
from donate.personal_data.donor_scope import scope_for_staff
from donate.personal_data.export import archive_response, donor_archive
from donate.storage.database import Database
from donate.web.templating import Pages


class DonorDataPages:
    """Sends a donor's data to staff, who hand them out when the donor asks for them."""

    def __init__(self, database: Database, pages: Pages, clock: Clock) -> None:
        self._database = database
        self._pages = pages
        self._clock = clock

    @needs(Role.FINANCE)
    def data(self, request: Request, visit: Visiting, number: str) -> Response:
        """Record the download, and send the ZIP file.

        For a merged profile, send the data of its main profile.
        """
        now = self._clock.now()
        with self._database.writing() as session:
            donor = find_profile(session, number)
            donor_id = donor.merged_into_id or donor.id
            visit.record(session, "donor_data_exported", now=now, about=f"donor {donor_id}")
        with self._database.reading_snapshot() as session:
            donor = find_profile(session, str(donor_id))
            content = donor_archive(session, scope_for_staff(session, donor), self._pages, now=now)
        return archive_response(content, f"donor-{donor_id}.zip")
