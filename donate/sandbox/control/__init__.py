"""Control routes under /_sandbox/, through which tests and the demo act as donors and banks.

They also move the sandbox's clock. They need no key, because the sandbox listens on loopback only.
"""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from donate.sandbox.api import Api
from donate.sandbox.control.account import add_account
from donate.sandbox.control.bank import add_bank
from donate.sandbox.control.mischief import add_mischief
from donate.sandbox.control.money import add_money
from donate.sandbox.control.payouts import add_payouts
from donate.sandbox.control.state import add_state
from donate.sandbox.control.subscriptions import add_subscriptions
from donate.sandbox.control.trouble import add_trouble
from donate.sandbox.control.webhooks import add_webhooks
from donate.sandbox.errors import Refusal
from donate.sandbox.mischief.mischief import Mischief
from donate.sandbox.store import Store
from donate.sandbox.webhooks.webhooks import Deliveries


async def refused(_: Request, refusal: Exception) -> JSONResponse:
    assert isinstance(refusal, Refusal)
    return JSONResponse(
        {"error": refusal.message, "param": refusal.param}, status_code=refusal.status
    )


def control_routes(store: Store, api: Api, deliveries: Deliveries, mischief: Mischief) -> APIRouter:
    router = APIRouter(prefix="/_sandbox", tags=["control"])
    add_state(router, store, api, deliveries, mischief)
    add_money(router, store)
    add_payouts(router, store)
    add_bank(router, store)
    add_subscriptions(router, store)
    add_webhooks(router, store, deliveries)
    add_trouble(router, api)
    add_mischief(router, mischief)
    add_account(router, store, api)
    return router
