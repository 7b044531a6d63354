"""Runs the service's server, middleware and webhook endpoint without storing any event.

Its speed is the ceiling: the real service, which stores events, cannot be faster.
"""

from fastapi import FastAPI

from donate.clock import SystemClock
from donate.commands.serve import run
from donate.settings import Settings, load_settings
from donate.storage.database import Database
from donate.stripe_gateway.webhooks.endpoint import WebhookEndpoint
from donate.stripe_gateway.webhooks.inbox import Arrival, Inbox
from donate.web.limits.body_limits import BodyLimit
from donate.web.security_headers import SecurityHeaders


class NoInbox(Inbox):
    """An inbox that accepts every event and stores none."""

    async def store(self, arrival: Arrival) -> None:
        """Return immediately, as if the event were stored."""


def bare_app(settings: Settings) -> FastAPI:
    app = FastAPI(redirect_slashes=False, docs_url=None, redoc_url=None, openapi_url=None)
    inbox = NoInbox(Database(settings.database_url), on_stored=lambda: None)
    app.router.routes += WebhookEndpoint(
        inbox, settings.webhook_secrets, SystemClock()
    ).router.routes
    app.add_middleware(BodyLimit)
    app.add_middleware(SecurityHeaders, checkout_origins=(), https=False)
    return app


if __name__ == "__main__":
    settings = load_settings()
    run(bare_app(settings), settings)
