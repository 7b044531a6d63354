"""The routes of offline gifts: each path, and the function that handles it."""

from fastapi import APIRouter

from donate.clock import Clock
from donate.finance.offline.batch_pages import BatchPages
from donate.finance.offline.entry_pages import EntryPages
from donate.finance.offline.pages import OfflinePages
from donate.regions.regions import Regions
from donate.storage.database import Database
from donate.web.templating import Pages


def add_offline_routes(
    router: APIRouter, database: Database, regions: Regions, pages: Pages, clock: Clock
) -> None:
    """Add the routes of offline gifts to the router of the staff pages."""
    offline = OfflinePages(database, regions, pages, clock)
    batches = BatchPages(database, regions, pages, clock, offline)
    entries = EntryPages(database, pages, clock)
    for method, path, answer in (
        ("GET", "", offline.offline),
        ("GET", "/new", offline.new),
        ("POST", "/new/saved", offline.saved),
        ("GET", "/donors", offline.donors),
        ("POST", "/batch-started", batches.batch_started),
        ("GET", "/batches/{number}", batches.batch),
        ("POST", "/batches/{number}/entered", batches.entered),
        ("POST", "/batches/{number}/removed", batches.removed),
        ("POST", "/batches/{number}/expected", batches.expected),
        ("POST", "/batches/{number}/closed", batches.closed),
        ("GET", "/entries/{number}", entries.entry),
        ("POST", "/entries/{number}/undone", entries.undone),
    ):
        router.add_api_route(f"/offline{path}", answer, methods=[method])
