"""Control routes for the sandbox's state: its counts, request log and clock."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter

from donate.sandbox.api import Api
from donate.sandbox.billing.subscriptions import end_due_subscriptions
from donate.sandbox.charging.disputes import CHARGEBACK
from donate.sandbox.checkout.sessions import expire_due_sessions
from donate.sandbox.control.bodies import ControlBody
from donate.sandbox.mischief.mischief import Mischief
from donate.sandbox.payouts.payouts import play_payouts
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store
from donate.sandbox.webhooks.webhooks import Deliveries


class Clock(ControlBody):
    now: int | None


def add_state(
    router: APIRouter, store: Store, api: Api, deliveries: Deliveries, mischief: Mischief
) -> None:
    @router.get("/state")
    async def state() -> dict[str, Any]:
        expire_due_sessions(store)
        return {
            "now": store.now(),
            "totals": totals(store),
            "counts": {
                "sessions": _by_status(store.sessions),
                "payment_intents": len(store.payment_intents),
                "charges": _by_status(store.charges),
                "refunds": _by_status(store.refunds),
                "disputes": _by_status(store.disputes),
                "balance_transactions": len(store.balance_transactions),
                "payouts": _by_status(store.payouts),
                "subscriptions": _by_status(store.subscriptions),
                "invoices": _by_status(store.invoices),
                "events": len(store.events),
            },
            "deliveries": {
                "pending": deliveries.pending,
                "held": deliveries.held,
                "missed": deliveries.missed,
                "paused": deliveries.paused,
                "url": deliveries.url,
            },
            "mischief": mischief.settings and mischief.settings.seed,
            "trouble": len(api.troubles.waiting()),
        }

    @router.delete("/state")
    async def reset() -> dict[str, Any]:
        for part in (mischief, store, api, deliveries):
            part.reset()
        return {"forgotten": True}

    @router.post("/clock")
    async def clock(body: Clock) -> dict[str, Any]:
        store.set_clock(body.now)
        expire_due_sessions(store)
        end_due_subscriptions(store)
        play_payouts(store)
        return {"now": store.now(), "follows_real_time": body.now is None}

    @router.get("/requests")
    async def requests(request_id: str | None = None) -> list[dict[str, Any]]:
        return [entry.as_json() for entry in api.log if request_id in (None, entry.request_id)]

    @router.delete("/requests")
    async def forget_requests() -> dict[str, int]:
        forgotten = len(api.log)
        api.log.clear()
        return {"forgotten": forgotten}


def totals(store: Store) -> dict[str, dict[str, int]]:
    """Return how much was paid, refunded and disputed in each currency, in minor units.

    `fees` and `net` are sums over the balance transactions.
    """
    sums: dict[str, Counter[str]] = {}

    def add(currency: str, name: str, amount: int) -> None:
        sums.setdefault(currency, Counter(paid=0, refunded=0, disputed=0, fees=0, net=0))
        sums[currency][name] += amount

    for charge in store.charges:
        if charge["status"] == "succeeded":
            add(charge["currency"], "paid", charge["amount"])
    for refund in store.refunds:
        if refund["status"] != "failed":
            add(refund["currency"], "refunded", refund["amount"])
    for dispute in store.disputes:
        if dispute["status"] in (*CHARGEBACK, "lost"):
            add(dispute["currency"], "disputed", dispute["amount"])
    for transaction in store.balance_transactions:
        add(transaction["currency"], "fees", transaction["fee"])
        add(transaction["currency"], "net", transaction["net"])
    return {currency: dict(counter) for currency, counter in sorted(sums.items())}


def _by_status(objects: Iterable[StripeObject]) -> dict[str, int]:
    return dict(Counter(thing["status"] for thing in objects))
