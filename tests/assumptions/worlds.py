"""Runs the checks of assumptions against the sandbox instead of Stripe."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from donate.clock import SystemClock
from donate.stripe_gateway.assumptions.world import Account, World
from tests.real_parts import SECRET_KEY
from tests.sandbox.running import RunningSandbox


@contextmanager
def world_of(sandbox: RunningSandbox, url: str = "", **more: Any) -> Iterator[World]:
    """Yield what checks need to call the Stripe at `url`, or the sandbox if `url` is empty."""
    hosts = (sandbox.url.removeprefix("http://"),)
    account = Account(SECRET_KEY, url or sandbox.url, hosts, "http://127.0.0.1:9")
    world = World(account, SystemClock(), **({"wait_s": 10.0} | more))
    try:
        yield world
    finally:
        world.close()
