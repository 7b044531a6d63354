"""The customer portal, as far as it is played: a page where a saved card is replaced.

https://docs.stripe.com/api/customer_portal/sessions
"""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from donate.sandbox.errors import no_such
from donate.sandbox.hosted_page import Submission, html_page, read_card
from donate.sandbox.nothing import nothing_in
from donate.sandbox.page_words import WORDS
from donate.sandbox.parameters import choice, read, text, web_address
from donate.sandbox.portal_configurations import configuration_for
from donate.sandbox.session_parameters import LOCALES
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store
from donate.sandbox.subscriptions import OVER, change

_ASKED = {
    "configuration": text(),
    "customer": text(),
    "locale": choice(*LOCALES),
    "return_url": web_address,
}
_KNOWN_TO_STRIPE = "customer_account flow_data on_behalf_of".split()


def open_portal(store: Store, parameters: dict[str, Any]) -> StripeObject:
    asked = read(parameters, _ASKED, required=["customer"], not_here=_KNOWN_TO_STRIPE)
    if store.customers.get(asked["customer"]) is None:
        raise no_such("customer", asked["customer"], "customer", status=400)
    session_id = store.new_id("bps_1")
    session = {
        "id": session_id,
        "object": "billing_portal.session",
        **nothing_in("customer_account flow on_behalf_of"),
        "configuration": configuration_for(store, asked),
        "created": store.now(),
        "customer": asked["customer"],
        "livemode": False,
        "locale": asked.get("locale"),
        "return_url": asked.get("return_url"),
        "url": f"{store.public_url}/portal/{session_id}",
    }
    store.portal_sessions[session_id] = session
    return session


def portal_routes(store: Store) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/portal/{session_id}")
    async def show(session_id: str) -> Response:
        session = store.portal_sessions.get(session_id)
        return _page(session, Submission({})) if session else _unknown()

    @router.post("/portal/{session_id}")
    async def replace(session_id: str, request: Request) -> Response:
        session = store.portal_sessions.get(session_id)
        if session is None:
            return _unknown()
        typed = {name: str(value).strip() for name, value in (await request.form()).items()}
        submission = Submission(typed)
        customer = store.find(store.customers, session["customer"])
        attempt = read_card(store, submission, _words(session)["errors"], customer["email"])
        if attempt is None:
            return _page(session, submission, status=422)
        for subscription in _subscriptions_of(store, customer["id"]):
            store.saved_methods[subscription["id"]] = attempt
            change(store, subscription, default_payment_method=store.new_id("pm_1"))
        return RedirectResponse(session["return_url"] or "/", status_code=303)

    return router


def _subscriptions_of(store: Store, customer_id: str) -> list[StripeObject]:
    return [
        found
        for found in store.subscriptions.newest_first()
        if found["customer"] == customer_id and found["status"] not in OVER
    ]


def _page(session: StripeObject, submission: Submission, status: int = 200) -> Response:
    return html_page(
        "portal.html",
        _words(session),
        status=status,
        form_goes_to=session["return_url"],
        session=session,
        submission=submission,
    )


def _unknown() -> Response:
    return html_page("closed.html", WORDS["en"], status=404, state="unknown", link=None)


def _words(session: StripeObject) -> dict[str, Any]:
    return WORDS["fr" if (session["locale"] or "").startswith("fr") else "en"]
