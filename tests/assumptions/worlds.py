"""Runs the checks of assumptions against the sandbox instead of Stripe."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from donate.clock import SystemClock
from donate.stripe_gateway.assumptions.world import Account, World
from tests.real_parts import SECRET_KEY
from tests.sandbox.running import RunningSandbox


def pay_out(sandbox: RunningSandbox) -> None:
    """Give the account an automatic payout of four days ago; a new account gets one after days."""
    then = int((SystemClock().now() - timedelta(days=5)).timestamp())
    sandbox.control("POST", "/_sandbox/clock", now=then)
    sandbox.control("POST", "/_sandbox/payouts/schedule", interval="daily")
    paid: Any = {"type": "charge", "amount": 10_000, "fee": 320, "category": "charge"}
    sandbox.control("POST", "/_sandbox/balance_transactions", **paid)
    sandbox.control("POST", "/_sandbox/clock", now=None)


@contextmanager
def world_of(sandbox: RunningSandbox, url: str = "", **more: Any) -> Iterator[World]:
    """Yield what checks need to call the Stripe at `url`, or the sandbox if `url` is empty."""
    pay_out(sandbox)
    hosts = (sandbox.url.removeprefix("http://"),)
    account = Account(SECRET_KEY, url or sandbox.url, hosts, "http://127.0.0.1:9")
    world = World(account, SystemClock(), **({"wait_s": 10.0} | more))
    try:
        yield world
    finally:
        world.close()
