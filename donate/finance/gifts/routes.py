"""The routes of one gift: each path, and the function that handles it."""

from fastapi import APIRouter

from donate.clock import Clock
from donate.finance.gifts.pages import StaffGiftPages
from donate.finance.refunds.pages import RefundPages
from donate.finance.transfers.pages import TransferPages
from donate.storage.database import Database
from donate.stripe_gateway.requests.refunds import Refunds


def add_gift_routes(
    router: APIRouter, database: Database, clock: Clock, gifts: StaffGiftPages, refunds: Refunds
) -> None:
    """Add the page of a gift, and the forms on it for transfers and refunds, to the staff pages."""
    transfers = TransferPages(database, clock, gifts)
    refund_pages = RefundPages(database, clock, gifts, refunds)
    for method, path, answer in (
        ("GET", "", gifts.gift),
        ("POST", "/received", transfers.received),
        ("POST", "/undone", transfers.undone),
        ("POST", "/refund", refund_pages.refund),
        ("POST", "/refund-followed-up", refund_pages.followed_up),
    ):
        router.add_api_route(f"/gifts/{{gift_id}}{path}", answer, methods=[method])
