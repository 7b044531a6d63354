"""Creates the sandbox's app from a config and serves it on loopback."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address

import uvicorn
from fastapi import FastAPI, Request
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from donate.sandbox.api import Api
from donate.sandbox.checkout.sessions import expire_due_sessions
from donate.sandbox.control import control_routes, refused
from donate.sandbox.errors import Refusal
from donate.sandbox.mischief.mischief import Mischief
from donate.sandbox.observer import NullObserver, Observer
from donate.sandbox.pages.hosted_page import page_routes
from donate.sandbox.pages.index_page import index_routes
from donate.sandbox.pages.microdeposits import deposit_routes
from donate.sandbox.pages.portal import portal_routes
from donate.sandbox.payouts.payouts import play_payouts
from donate.sandbox.requests.wire import ExposedTransportProtocol, Reset
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store
from donate.sandbox.webhooks.webhooks import Deliveries

EXPIRY_INTERVAL_S = 1.0


@dataclass(frozen=True)
class SandboxConfig:
    """The settings of a sandbox.

    Browsers open the sandbox's pages at `public_url`. The same `seed` always gives the same ids. If
    `connected_account` is set, all objects belong to that account, and the secret key belongs to
    its platform. Then each API request has to name the account, and each event names it. If
    `mischief_seed` is set, the sandbox makes errors on purpose ("mischief"), and passes a line
    about each error to `report_mischief`. The `observer` gets every request, answer and event.
    """

    secret_key: str
    webhook_secret: str
    webhook_url: str | None = None
    public_url: str = "http://127.0.0.1:8001"
    retry_delays_s: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0)
    seed: int = 1
    mischief_seed: int | None = None
    connected_account: str = ""
    report_mischief: Callable[[str], None] = lambda _: None
    observer: Observer = field(default_factory=NullObserver)

    def __post_init__(self) -> None:
        if not self.secret_key.startswith("sk_test_"):
            raise ValueError(
                "the sandbox accepts only test keys: secret_key must start with sk_test_"
            )
        if not self.webhook_secret:
            raise ValueError("webhook_secret is empty, so anybody could sign events")


def create_app(config: SandboxConfig) -> FastAPI:
    store = Store(config.seed, config.public_url)
    mischief = Mischief(config.mischief_seed, config.report_mischief)
    deliveries = Deliveries(
        store,
        mischief,
        config.webhook_secret,
        config.webhook_url,
        config.retry_delays_s,
        connected_account=config.connected_account,
    )

    def announce(event: StripeObject) -> None:
        config.observer.announced(event)
        deliveries.submit(event)

    store.on_event = announce
    api = Api(
        store,
        mischief,
        config.secret_key,
        config.seed,
        observer=config.observer,
        connected=config.connected_account,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(_expire_sessions(store))
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await deliveries.close()

    app = FastAPI(
        title="A pretend Stripe", lifespan=lifespan, docs_url="/_sandbox/docs", redoc_url=None
    )
    app.add_exception_handler(Refusal, refused)
    controls = control_routes(store, api, deliveries, mischief)
    pages = (page_routes(store), deposit_routes(store), portal_routes(store))
    for part in (controls, index_routes(store), *pages):
        app.router.routes += part.routes
    app.mount("/v1", _api_app(api))
    return app


def create_server(config: SandboxConfig, host: str, port: int) -> uvicorn.Server:
    """Return a server that is not yet running. Raises ValueError for a host other than loopback."""
    if host != "localhost" and not ip_address(host).is_loopback:
        raise ValueError(f"the sandbox has no password, and {host} is not loopback")
    return uvicorn.Server(
        uvicorn.Config(
            create_app(config),
            host=host,
            port=port,
            http=ExposedTransportProtocol,
            loop="asyncio",
            log_level="warning",
            access_log=False,
            # A request that hangs on purpose must not delay the shutdown.
            timeout_graceful_shutdown=1,
        )
    )


def serve(config: SandboxConfig, host: str = "127.0.0.1", port: int = 8001) -> None:
    create_server(config, host, port).run()


def _api_app(api: Api) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await api.answer(Request(scope, receive))
            await response(scope, receive, send)
        except ClientDisconnect:
            return  # The client closed the connection while its request was being answered.
        except asyncio.CancelledError:
            # Requests are cancelled only at shutdown, and only if a planned fault is delaying them.
            await Reset()(scope, receive, send)

    return answer


async def _expire_sessions(store: Store) -> None:
    while True:
        await asyncio.sleep(EXPIRY_INTERVAL_S)
        expire_due_sessions(store)
        play_payouts(store)
        store.run_due_tasks()
