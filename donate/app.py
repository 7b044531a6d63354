"""Builds the FastAPI application from the settings and the objects of the service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from anyio import to_thread
from fastapi import APIRouter, FastAPI

from donate.api.cross_origin import CrossOriginGifts
from donate.api.routes import Api
from donate.clock import Clock
from donate.donors.challenge_page import ChallengePage
from donate.donors.first_step import FirstStep
from donate.donors.give_pages import DonorPages
from donate.donors.monthly.fresh_access import FreshAccess
from donate.donors.monthly.pledge_pages import PledgePages
from donate.donors.own_page.asking import LinkRequests
from donate.donors.own_page.gift_link_pages import GiftLinkPages
from donate.donors.own_page.pages import OwnPages
from donate.donors.posters import PosterPages
from donate.finance.routes import FinancePages
from donate.finance.staff.options import sign_in_options
from donate.finance.staff.tokens import is_staff_token
from donate.letters.folder_pages import FolderPages
from donate.modes import build_modes
from donate.settings import Settings
from donate.stripe_gateway.client import MAX_WAITING
from donate.stripe_gateway.dashboard import dashboard_of
from donate.stripe_gateway.webhooks.endpoint import WebhookEndpoint
from donate.stripe_gateway.webhooks.health import measure_webhooks
from donate.web import error_answers
from donate.web.assets.compression import CompressedPages
from donate.web.assets.looks import link_looks
from donate.web.assets.static_files import StaticFiles
from donate.web.health import Health
from donate.web.limits.body_limits import BodyLimit
from donate.web.secret_tokens import TokenCookies
from donate.web.security_headers import GuardedApp
from donate.web.templating import Pages
from donate.web.trailing_slash import TrailingSlashRedirect
from donate.wiring.from_settings import letters_wait, month_rules, new_carrier
from donate.wiring.parts import Parts, build_parts

# At most MAX_WAITING threads wait for Stripe at the same time, so 36 threads always stay free for
# other requests.
THREADS: Final = MAX_WAITING + 36


def create_app(settings: Settings, clock: Clock | None = None) -> FastAPI:
    """Build the web application from the settings. It opens no connections until it is started."""
    return build_app(build_parts(settings, clock), settings)


def build_app(parts: Parts, settings: Settings) -> FastAPI:
    """Build the web application from `parts`. Its lifespan starts and stops the background jobs."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = THREADS
        parts.database.upgrade()
        parts.inbox.start()
        parts.worker.start()
        yield
        parts.inbox.stop()
        parts.close()

    app = GuardedApp(
        checkout_origins=_origins(settings.checkout_hosts, settings.public_url),
        widget_origins=parts.breaker.provider.kind.origins if parts.breaker.provider else (),
        https=_is_https(settings),
        title="donate",
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,  # `Api` serves its own OpenAPI document, which covers only the API
    )
    static = StaticFiles()
    pages = Pages(
        static,
        link_looks(parts.regions, static),
        demo=settings.demo,
        public_url=settings.public_url,
        sends_emails=settings.writes_letters,
    )
    answer = error_answers.install(app, pages)
    # Add the webhook route first: Starlette tries routes in order, and most requests are webhooks.
    _add(app, WebhookEndpoint(parts.inbox, settings.webhook_secrets, parts.clock).router)
    _add_pages_and_api(app, parts, settings, pages)
    metrics_token = settings.metrics_token.get_secret_value()
    _add(app, Health(parts.database, metrics_token, measure_webhooks).router)
    app.router.routes.append(static.route)
    # Add these routes last: a short address is any path of one word.
    _add(app, PosterPages(parts.regions, pages, settings.public_url).router)
    app.add_middleware(CompressedPages)
    app.add_middleware(TrailingSlashRedirect)
    app.add_middleware(BodyLimit, answer=answer)
    if settings.embed_origins:
        app.add_middleware(CrossOriginGifts, origins=settings.embed_origins)
    return app


def _add_pages_and_api(app: FastAPI, parts: Parts, settings: Settings, pages: Pages) -> None:
    """Add the routes for donors, staff and other programs."""
    database, regions, clock = parts.database, parts.regions, parts.clock
    modes = build_modes(regions, parts.checkouts)
    donors = DonorPages(
        database,
        regions,
        modes,
        pages,
        clock,
        first_step=FirstStep(
            *(database, modes, clock),
            breaker=parts.breaker,
            challenge_page=ChallengePage(pages, parts.breaker.provider),
            links=parts.links,
        ),
        pledges=parts.donor_pledges,
        look_again=lambda gift: parts.poller.poll_gift(gift.id),
    )
    finance = FinancePages(
        database,
        regions,
        pages,
        clock,
        https=_is_https(settings),
        breaker=parts.breaker,
        on_due=parts.worker.nudge,
        refunds=parts.refunds,
        pledges=parts.pledges,
        letters_wait=letters_wait(settings) if settings.writes_letters else None,
        sign_in_options=sign_in_options(
            settings, partial(new_carrier, settings) if settings.writes_letters else None
        ),
        dashboard=dashboard_of(settings),
        transfer_mails=parts.transfer_mails,
        month_rules=month_rules(settings, regions),
        webhooks_to_this_machine=settings.demo,
    )
    api = Api(
        database,
        regions,
        modes,
        clock,
        parts.links,
        breaker=parts.breaker,
        is_staff_token=is_staff_token,
    )
    for part in (donors, finance, api):
        _add(app, part.router)
    _add(app, _monthly_pages(parts, settings, pages))
    if settings.writes_letters:
        _add(app, _own_pages(parts, settings, pages))
    if settings.demo and settings.letters_folder:
        _add(app, FolderPages(settings.letters_folder, pages).router)


def _monthly_pages(parts: Parts, settings: Settings, pages: Pages) -> APIRouter:
    """Return the routes for the donor's page of a monthly gift."""
    router = APIRouter(include_in_schema=False)
    access = FreshAccess(parts.database, parts.clock, TokenCookies(https=_is_https(settings)))
    PledgePages(
        *(parts.database, parts.regions, pages, parts.donor_pledges),
        links=parts.links,
        access=access,
    ).add_to(router)
    return router


def _own_pages(parts: Parts, settings: Settings, pages: Pages) -> APIRouter:
    """Return the routes for all gifts of an e-mail address, which need the e-mail with the link."""
    router = APIRouter(include_in_schema=False)
    database, regions = parts.database, parts.regions
    link_requests = LinkRequests(database, parts.clock)
    cookies = TokenCookies(https=_is_https(settings))
    OwnPages(
        *(database, regions, pages, parts.clock),
        links=parts.links,
        link_requests=link_requests,
        cookies=cookies,
    ).add_to(router)
    GiftLinkPages(database, regions, pages, link_requests, parts.links).add_to(router)
    return router


def _add(app: FastAPI, router: APIRouter) -> None:
    """Add the routes of a router to the application without copying them.

    Problem: `include_router` makes the first request slow, because that request analyses each
    route.
    Shown by: the time until the first answer of a new process, or of each test's application.
    Delete it when: that time is the same with `include_router`.
    """
    app.router.routes += router.routes


def _is_https(settings: Settings) -> bool:
    return settings.public_url.startswith("https://")


def _origins(hosts: tuple[str, ...], public_url: str) -> tuple[str, ...]:
    # Allow forms to lead to plain http only on a developer's machine, where the sandbox uses it.
    local = urlsplit(public_url).hostname in ("127.0.0.1", "localhost", "::1")
    schemes = ("https", "http") if local else ("https",)
    return tuple(f"{scheme}://{host}" for host in hosts for scheme in schemes)
