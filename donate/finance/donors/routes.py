"""The routes of the donors' pages."""

from fastapi import APIRouter

from donate.clock import Clock
from donate.finance.donors.data_pages import DonorDataPages
from donate.finance.donors.erasure_pages import DonorErasurePages
from donate.finance.donors.merge_pages import DonorMergePages
from donate.finance.donors.pages import StaffDonorPages
from donate.regions.regions import Regions
from donate.storage.database import Database
from donate.web.templating import Pages


def add_donor_routes(
    router: APIRouter,
    database: Database,
    regions: Regions,
    pages: Pages,
    clock: Clock,
    *,
    time_zone: str,
) -> None:
    """Add the routes of the donors' pages."""
    donors = StaffDonorPages(database, regions, pages, clock, time_zone=time_zone)
    erasures = DonorErasurePages(database, pages, clock)
    merges = DonorMergePages(database, pages, clock, donors)
    for method, path, answer in (
        ("GET", "/donors", donors.donors),
        ("GET", "/donors/{number}", donors.donor),
        ("POST", "/donors/{number}/changed", donors.changed),
        ("POST", "/donors/{number}/noted", donors.noted),
        ("POST", "/donors/{number}/data", DonorDataPages(database, pages, clock).data),
        ("GET", "/donors/{number}/merge", merges.merge),
        ("POST", "/donors/{number}/merged", merges.merged),
        ("POST", "/donors/{number}/merge-undone", merges.undone),
        ("GET", "/donors/{number}/erase", erasures.erase),
        ("POST", "/donors/{number}/erased", erasures.erased),
    ):
        router.add_api_route(path, answer, methods=[method])
