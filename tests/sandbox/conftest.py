"""Fixtures of the sandbox's tests: a sandbox, the real Stripe SDK, and a receiver of webhooks."""

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.real_parts import SECRET_KEY
from tests.sandbox.mischievous import World
from tests.sandbox.paid_account import PaidAccount
from tests.sandbox.running import Receiver, RunningSandbox, run_sandbox


@pytest.fixture(scope="session")
def http_client() -> Iterator[stripe.HTTPClient]:
    client: Any = stripe.HTTPXClient(allow_sync_methods=True, timeout=5)
    yield client
    client.close()
    asyncio.run(client.close_async())


@pytest.fixture(scope="session")
def shared_server() -> Iterator[RunningSandbox]:
    with run_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_server: RunningSandbox) -> Iterator[RunningSandbox]:
    """A sandbox that all tests share, for tests that read only objects of their own."""
    yield shared_server
    shared_server.control("DELETE", "/_sandbox/trouble")
    shared_server.control("POST", "/_sandbox/clock", now=None)


@pytest.fixture
def fresh_sandbox(shared_server: RunningSandbox, receiver: Receiver) -> Iterator[RunningSandbox]:
    """An empty sandbox that sends its webhooks to the receiver."""
    shared_server.control("DELETE", "/_sandbox/state")
    shared_server.control("POST", "/_sandbox/webhooks", url=receiver.url)
    yield shared_server
    shared_server.control("DELETE", "/_sandbox/state")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def client(sandbox: RunningSandbox, http_client: stripe.HTTPClient) -> stripe.StripeClient:
    return client_of(sandbox, http_client)


@pytest.fixture
def world(
    fresh_sandbox: RunningSandbox, fresh_client: stripe.StripeClient, receiver: Receiver
) -> World:
    """An empty sandbox without random faults, an SDK client and a receiver of webhooks."""
    return World(fresh_sandbox, fresh_client, receiver)


@pytest.fixture
def fresh_client(
    fresh_sandbox: RunningSandbox, http_client: stripe.HTTPClient
) -> stripe.StripeClient:
    return client_of(fresh_sandbox, http_client)


@pytest.fixture
def account(fresh_sandbox: RunningSandbox, fresh_client: stripe.StripeClient) -> PaidAccount:
    return PaidAccount(fresh_sandbox, fresh_client, interval="daily", delay_days=2)


def client_of(sandbox: RunningSandbox, http_client: stripe.HTTPClient) -> stripe.StripeClient:
    return stripe.StripeClient(
        SECRET_KEY, base_addresses={"api": sandbox.url}, http_client=http_client
    )


_keys = itertools.count(1)


@pytest.fixture
def key() -> str:
    """An idempotency key that no other test uses."""
    return f"key-{next(_keys)}"
