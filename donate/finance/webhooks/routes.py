"""The routes of the pages about programs that get webhooks."""

from fastapi import APIRouter

from donate.clock import Clock
from donate.finance.webhooks.change_pages import ReceiverChangePages
from donate.finance.webhooks.receiver_pages import ReceiverPages, WebhookOptions
from donate.storage.database import Database
from donate.web.templating import Pages


def add_webhook_routes(
    router: APIRouter,
    database: Database,
    pages: Pages,
    clock: Clock,
    time_zone: str,
    *,
    options: WebhookOptions,
) -> None:
    """Add the route of each page and form."""
    shown = ReceiverPages(database, pages, clock, time_zone, options=options)
    changes = ReceiverChangePages(database, clock, time_zone, shown, options=options)
    for method, path, answer in (
        ("GET", "/webhooks", shown.receivers),
        ("GET", "/webhooks/new", shown.new_receiver),
        ("POST", "/webhooks/new", changes.added),
        ("GET", "/webhooks/{number}", shown.receiver),
        ("POST", "/webhooks/{number}/changed", changes.changed),
        ("POST", "/webhooks/{number}/secret", changes.rotated),
        ("POST", "/webhooks/{number}/disabled", changes.disabled),
        ("POST", "/webhooks/{number}/enabled", changes.enabled),
        ("POST", "/webhooks/{number}/tested", changes.tested),
        ("POST", "/webhooks/{number}/replayed", changes.replayed),
        ("POST", "/webhooks/{number}/replayed-all", changes.replayed_all),
        ("POST", "/webhooks/{number}/dismissed", changes.dismissed),
    ):
        router.add_api_route(path, answer, methods=[method])
