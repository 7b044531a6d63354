"""Builds the FastAPI application, and all objects that it needs, from the settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from anyio import to_thread
from fastapi import APIRouter, FastAPI
from starlette.staticfiles import StaticFiles

from donate.api.cross_origin import CrossOriginGifts
from donate.api.routes import Api
from donate.clock import Clock, SystemClock
from donate.donors.give_pages import DonorPages
from donate.finance.routes import FinancePages
from donate.finance.staff.tokens import is_staff_token
from donate.gifts.movements.totals import TotalsMerger
from donate.letters.finder import LetterFinder
from donate.letters.folder import Folder
from donate.letters.folder_pages import FolderPages
from donate.letters.outbox import Carrier, Outbox
from donate.letters.smtp import Smtp
from donate.letters.transfers import WAIT
from donate.modes import build_modes
from donate.modes.lapsing import Lapsing
from donate.regions.regions import Regions, load_regions
from donate.settings import Settings
from donate.storage.database import Database
from donate.stripe_gateway.catchup.catchup import Catchup
from donate.stripe_gateway.catchup.lists import StripeLists, reading_client
from donate.stripe_gateway.catchup.schedule import CatchupSchedule
from donate.stripe_gateway.client import MAX_WAITING, StripeClient
from donate.stripe_gateway.requests.agreements import Agreements
from donate.stripe_gateway.requests.billing import Billing
from donate.stripe_gateway.requests.checkout import Checkouts
from donate.stripe_gateway.requests.checkout_polling import CheckoutPoller
from donate.stripe_gateway.requests.pledge_changes import PledgeChanges
from donate.stripe_gateway.requests.refunds import Refunds
from donate.stripe_gateway.webhooks.endpoint import WebhookEndpoint
from donate.stripe_gateway.webhooks.health import measure_webhooks
from donate.stripe_gateway.webhooks.inbox import Inbox
from donate.stripe_gateway.webhooks.settle import Settler
from donate.stripe_gateway.webhooks.settling_pace import PacedSettling
from donate.stripe_gateway.webhooks.unknown_payments import UnknownPayments
from donate.web import error_answers
from donate.web.giving_limits import AttemptCounter, GivingLimits
from donate.web.health import Health
from donate.web.request_limits import BodyLimit, TrailingSlashRedirect
from donate.web.security_headers import SecurityHeaders
from donate.web.templating import STATIC, Pages
from donate.worker import Job, Worker

# MAX_WAITING requests may wait for Stripe at once. The other threads stay free for other requests.
THREADS: Final = MAX_WAITING + 36


@dataclass(frozen=True, slots=True)
class Parts:
    """The objects that both `donate serve` and `donate work` need."""

    database: Database
    regions: Regions
    clock: Clock
    stripe: StripeClient
    checkouts: Checkouts
    inbox: Inbox
    settler: Settler
    poller: CheckoutPoller
    lists: StripeLists
    catchup: Catchup
    refunds: Refunds
    pledges: PledgeChanges
    worker: Worker

    def close(self) -> None:
        """Stop the background jobs, then close all connections."""
        self.catchup.stop()
        self.worker.stop()
        self.stripe.close()
        self.lists.close()
        self.database.close()


def build_parts(settings: Settings, clock: Clock | None = None) -> Parts:
    """Create all objects of the service. They neither connect to anything nor start threads yet."""
    clock = clock or SystemClock()
    regions = load_regions(settings.regions_file)
    database = Database(settings.database_url)
    key = settings.stripe_secret_key.get_secret_value()
    api_base, account = settings.stripe_api_base, settings.stripe_account
    stripe = StripeClient(key, api_base, settings.checkout_hosts, account=account)
    lists = StripeLists(reading_client(key, api_base, account=account), clock)
    settler = Settler(database, clock, livemode=settings.livemode, account=account)
    jobs: list[Job] = []
    worker = Worker(jobs)
    inbox = Inbox(database)
    settling = PacedSettling(settler, inbox)
    inbox.on_stored = partial(worker.nudge, settling.settle_due)
    poller = CheckoutPoller(database, stripe, inbox, settler, clock)
    catchup = Catchup(database, lists, inbox, settler, clock, livemode=settings.livemode)
    refunds = Refunds(database, stripe, inbox, settler, clock, livemode=settings.livemode)
    billing = Billing(stripe)
    pledges = PledgeChanges(
        database, billing, inbox, settler, clock, public_url=settings.public_url
    )
    agreements = Agreements(database, billing, inbox, settler, clock)
    pollers = (poller, refunds, pledges, agreements, UnknownPayments(database, stripe, clock))
    lapsing = Lapsing(database, regions, clock)
    jobs += [settling.settle_due, *(each.ask_due for each in pollers), lapsing.lapse_due]
    jobs.append(TotalsMerger(database).merge_due)
    if database.is_sqlite:
        jobs.append(database.copy_log)
    if settings.catchup_every_minutes:
        every = timedelta(minutes=settings.catchup_every_minutes)
        jobs.append(CatchupSchedule(catchup, database, clock, every).catch_up_when_due)
    carrier = _carrier_of(settings)
    if carrier:
        outbox = Outbox(
            database,
            regions,
            clock,
            carrier,
            sender=settings.mail_from,
            public_url=settings.public_url,
            wait=_letters_wait(settings),
        )
        on_found = partial(worker.nudge, outbox.send_due)
        finder = LetterFinder(database, clock, on_found, wait=_letters_wait(settings))
        jobs += [finder.find_due, outbox.send_due]
    return Parts(
        database=database,
        regions=regions,
        clock=clock,
        stripe=stripe,
        checkouts=Checkouts(database, stripe, clock, settings.public_url),
        inbox=inbox,
        settler=settler,
        poller=poller,
        lists=lists,
        catchup=catchup,
        refunds=refunds,
        pledges=pledges,
        worker=worker,
    )


def _letters_wait(settings: Settings) -> timedelta:
    """Return how long e-mails about transfers are delayed. The demo sends them at once."""
    return timedelta(0) if settings.demo else WAIT


def _carrier_of(settings: Settings) -> Carrier | None:
    """Return the carrier that sends e-mails; None if the settings configure none."""
    if settings.mail_server:
        return Smtp(settings.mail_server, our_name=settings.mail_from.rpartition("@")[2])
    return Folder(settings.letters_folder) if settings.letters_folder else None


def create_app(settings: Settings, clock: Clock | None = None) -> FastAPI:
    """Build the web application from the settings. It connects to nothing until it is served."""
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

    app = FastAPI(
        title="donate",
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,  # `Api` serves its own OpenAPI document, which covers only the API
    )
    pages = Pages(demo=settings.demo)
    answer = error_answers.install(app, pages)
    # Add the webhook route first: Starlette tries routes in order, and most requests are webhooks.
    _add(app, WebhookEndpoint(parts.inbox, settings.webhook_secrets, parts.clock).router)
    _add_pages_and_api(app, parts, settings, pages)
    metrics_token = settings.metrics_token.get_secret_value()
    _add(app, Health(parts.database, metrics_token, measure_webhooks).router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_middleware(TrailingSlashRedirect)
    app.add_middleware(BodyLimit, answer=answer)
    if settings.embed_origins:
        app.add_middleware(CrossOriginGifts, origins=settings.embed_origins)
    app.add_middleware(
        SecurityHeaders,
        checkout_origins=_origins(settings.checkout_hosts, settings.public_url),
        https=_is_https(settings),
    )
    return app


def _add_pages_and_api(app: FastAPI, parts: Parts, settings: Settings, pages: Pages) -> None:
    """Add the routes for donors, staff and other programs."""
    database, regions, clock = parts.database, parts.regions, parts.clock
    modes, limits = build_modes(regions, parts.checkouts), _limits_in(settings)
    donors = DonorPages(
        database,
        regions,
        modes,
        pages,
        clock,
        limits=limits,
        pledges=parts.pledges,
        look_again=lambda gift: parts.poller.poll_gift(gift.id),
    )
    finance = FinancePages(
        database,
        regions,
        pages,
        clock,
        https=_is_https(settings),
        limits=limits,
        on_due=parts.worker.nudge,
        refunds=parts.refunds,
        letters_wait=_letters_wait(settings) if settings.writes_letters else None,
    )
    api = Api(
        database,
        regions,
        modes,
        clock,
        settings.public_url,
        limits=limits,
        is_staff_token=is_staff_token,
    )
    for part in (donors, finance, api):
        _add(app, part.router)
    if settings.demo and settings.letters_folder:
        _add(app, FolderPages(settings.letters_folder, pages).router)


def _add(app: FastAPI, router: APIRouter) -> None:
    """Add the routes of a router to the application without copying them.

    What it buys: after `include_router`, the first request would analyse each route again.
    Shown by: the time until the first answer of a new process, or of each test's application.
    Delete it when: that time is the same with `include_router`.
    """
    app.router.routes += router.routes


def _is_https(settings: Settings) -> bool:
    return settings.public_url.startswith("https://")


def _limits_in(settings: Settings) -> GivingLimits:
    return GivingLimits(
        cards=AttemptCounter(settings.card_gifts_per_network, settings.card_gifts_in_all),
        gifts=AttemptCounter(settings.gifts_per_network, settings.gifts_in_all),
    )


def _origins(hosts: tuple[str, ...], public_url: str) -> tuple[str, ...]:
    # Allow forms to lead to plain http only on a developer's machine, where the sandbox uses it.
    local = urlsplit(public_url).hostname in ("127.0.0.1", "localhost", "::1")
    schemes = ("https", "http") if local else ("https",)
    return tuple(f"{scheme}://{host}" for host in hosts for scheme in schemes)
