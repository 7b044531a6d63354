"""The customer portal: a donor replaces a saved card or ends a subscription.

If the portal session has `flow_data`, the page does one thing and then redirects. A new card
becomes the customer's default card, not a subscription's. A subscription that ends under flexible
billing gets `cancel_at`, and its `cancel_at_period_end` stays false. The donor can undo this until
the subscription ends.
https://docs.stripe.com/customer-management/portal-deep-links
https://docs.stripe.com/billing/subscriptions/billing-mode/compare
"""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from donate.sandbox.account.portal_configurations import configuration_for
from donate.sandbox.billing.subscription_changes import period_end, scheduled_end
from donate.sandbox.billing.subscriptions import ENDED, update_subscription
from donate.sandbox.charging.saved_methods import save_method, set_default_method
from donate.sandbox.errors import missing_parameter, no_such
from donate.sandbox.objects.parts import null_fields
from donate.sandbox.pages.hosted_page import Submission, html_page, read_card
from donate.sandbox.pages.words import WORDS
from donate.sandbox.requests.parameters import choice, only, read, record, text, web_address
from donate.sandbox.requests.session_parameters import LOCALES
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

_PARAMETERS = {
    "configuration": text(),
    "customer": text(),
    "flow_data": record(
        {
            "type": only("payment_method_update"),
            "after_completion": record(
                {
                    "type": choice("hosted_confirmation", "portal_homepage", "redirect"),
                    "redirect": record({"return_url": web_address}, required=["return_url"]),
                },
                required=["type"],
                unsupported=["hosted_confirmation"],
            ),
        },
        required=["type"],
        unsupported=["subscription_cancel", "subscription_update", "subscription_update_confirm"],
    ),
    "locale": choice(*LOCALES),
    "return_url": web_address,
}
_UNSUPPORTED = "customer_account on_behalf_of".split()


def open_portal(store: Store, parameters: dict[str, Any]) -> StripeObject:
    request = read(parameters, _PARAMETERS, required=["customer"], unsupported=_UNSUPPORTED)
    if store.customers.get(request["customer"]) is None:
        raise no_such("customer", request["customer"], "customer", status=400)
    flow = request.get("flow_data")
    after = (flow or {}).get("after_completion", {"type": "portal_homepage"})
    if after["type"] == "redirect" and "redirect" not in after:
        raise missing_parameter("flow_data[after_completion][redirect]")
    session_id = store.new_id("bps_1")
    session = {
        "id": session_id,
        "object": "billing_portal.session",
        **null_fields("customer_account on_behalf_of"),
        "configuration": configuration_for(store, request),
        "created": store.now(),
        "customer": request["customer"],
        "flow": flow
        and {
            **null_fields(
                "customer_update subscription_cancel subscription_update "
                "subscription_update_confirm"
            ),
            "after_completion": {
                "hosted_confirmation": None,
                "redirect": after.get("redirect"),
                "type": after["type"],
            },
            "type": flow["type"],
        },
        "livemode": False,
        "locale": request.get("locale"),
        "return_url": request.get("return_url"),
        "url": f"{store.public_url}/portal/{session_id}",
    }
    store.portal_sessions[session_id] = session
    return session


def portal_routes(store: Store) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/portal/{session_id}")
    async def show(session_id: str) -> Response:
        session = store.portal_sessions.get(session_id)
        return _page(store, session, Submission({})) if session else _unknown()

    @router.post("/portal/{session_id}")
    async def replace(session_id: str, request: Request) -> Response:
        session = store.portal_sessions.get(session_id)
        if session is None:
            return _unknown()
        values = {name: str(value).strip() for name, value in (await request.form()).items()}
        submission = Submission(values)
        customer = store.find(store.customers, session["customer"])
        attempt = read_card(store, submission, _words(session)["errors"], customer["email"])
        if attempt is None:
            return _page(store, session, submission, status=422)
        set_default_method(store, customer, save_method(store, attempt, customer["id"]))
        return RedirectResponse(_after_completion(session) or "/", status_code=303)

    @router.post("/portal/{session_id}/subscriptions/{subscription_id}")
    async def end_or_keep(session_id: str, subscription_id: str, request: Request) -> Response:
        session = store.portal_sessions.get(session_id)
        # A portal page with `flow_data` does one thing only, and hides the subscriptions.
        if session is None or session["flow"]:
            return _unknown()
        for subscription in _subscriptions_of(store, session["customer"]):
            if subscription["id"] == subscription_id:
                action = (await request.form()).get("wanted")
                ends_at = period_end(subscription) if action == "end" else None
                update_subscription(
                    store,
                    subscription,
                    **scheduled_end(store, subscription, {}, ends_at, with_period=False),
                )
                return RedirectResponse(f"/portal/{session_id}", status_code=303)
        return _unknown()

    return router


def _after_completion(session: StripeObject) -> str | None:
    flow = session["flow"]
    if flow and flow["after_completion"]["type"] == "redirect":
        return str(flow["after_completion"]["redirect"]["return_url"])
    return session["return_url"] and str(session["return_url"])


def _subscriptions_of(store: Store, customer_id: str) -> list[StripeObject]:
    return [
        subscription
        for subscription in store.subscriptions.newest_first()
        if subscription["customer"] == customer_id and subscription["status"] not in ENDED
    ]


def _page(
    store: Store, session: StripeObject, submission: Submission, status: int = 200
) -> Response:
    subscriptions = [] if session["flow"] else _subscriptions_of(store, session["customer"])
    return html_page(
        "portal.html",
        _words(session),
        status=status,
        form_target=_after_completion(session),
        session=session,
        submission=submission,
        subscriptions=subscriptions,
    )


def _unknown() -> Response:
    return html_page("closed.html", WORDS["en"], status=404, state="unknown", link=None)


def _words(session: StripeObject) -> dict[str, Any]:
    return WORDS["fr" if (session["locale"] or "").startswith("fr") else "en"]
