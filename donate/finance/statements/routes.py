"""The routes of bank statements: each path, and the function that handles it."""

from fastapi import APIRouter

from donate.clock import Clock
from donate.finance.statements.alike_pages import AlikePages
from donate.finance.statements.column_pages import ColumnPages
from donate.finance.statements.line_pages import LinePages
from donate.finance.statements.line_payout_pages import LinePayoutPages
from donate.finance.statements.new_gift_pages import NewGiftPages
from donate.finance.statements.pages import StatementPages
from donate.finance.statements.shape_pages import ShapePages
from donate.finance.statements.suggestion_pages import SuggestionPages
from donate.finance.statements.upload_pages import UploadPages
from donate.regions.regions import Regions
from donate.storage.database import Database
from donate.web.templating import Pages


def add_statement_routes(
    router: APIRouter, database: Database, regions: Regions, pages: Pages, clock: Clock
) -> None:
    """Add the routes of bank statements to the router of the staff pages."""
    time_zone = next(iter(regions.values())).time_zone
    statements = StatementPages(database, pages, clock, time_zone)
    uploads = UploadPages(database, regions, pages, clock, statements)
    columns = ColumnPages(database, regions, pages, clock)
    shapes = ShapePages(database, pages, clock, time_zone)
    lines = LinePages(database, regions, pages, clock)
    payouts = LinePayoutPages(clock, lines)
    suggestions = SuggestionPages(database, regions, pages, clock, lines)
    new_gifts = NewGiftPages(database, regions, pages, clock)
    alike = AlikePages(database, pages, clock)
    for method, path, answer in (
        ("GET", "", statements.statements),
        ("POST", "/quiet-days", statements.quiet_confirmed),
        ("POST", "/uploaded", uploads.uploaded),
        ("GET", "/uploads/{number}", uploads.upload),
        ("POST", "/uploads/{number}", uploads.imported),
        ("POST", "/uploads/{number}/discarded", uploads.discarded),
        ("GET", "/uploads/{number}/columns", columns.columns),
        ("POST", "/uploads/{number}/columns", columns.mapped),
        ("GET", "/shapes", shapes.shapes),
        ("POST", "/shapes/{number}/renamed", shapes.renamed),
        ("POST", "/shapes/{number}/forgotten", shapes.forgotten),
        ("GET", "/certain", suggestions.certain),
        ("POST", "/certain", suggestions.all_accepted),
        ("POST", "/matched", suggestions.again),
        ("GET", "/lines/{number}", lines.line),
        ("POST", "/lines/{number}/accepted", suggestions.accepted),
        ("POST", "/lines/{number}/tied", lines.tied),
        ("POST", "/lines/{number}/sent-back", lines.sent_back),
        ("POST", "/lines/{number}/no-gift", lines.no_gift),
        ("GET", "/lines/{number}/alike", alike.alike),
        ("POST", "/lines/{number}/alike", alike.noted),
        ("POST", "/lines/{number}/payout", payouts.payout_tied),
        ("GET", "/lines/{number}/new-gift", new_gifts.new),
        ("POST", "/lines/{number}/new-gift", new_gifts.opened),
        ("POST", "/parts/{number}/undone", lines.undone),
    ):
        router.add_api_route(f"/statements{path}", answer, methods=[method])
