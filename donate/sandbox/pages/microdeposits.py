"""Small deposits that show whose account it is, where a bank cannot say so at once.

Two are sent, and take a day or two; the donor tells their amounts on a page of Stripe's, within ten
days: https://docs.stripe.com/payments/acss-debit/set-up-payment (read 2026-11-28).
"""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from donate.sandbox.checkout.payments import settle
from donate.sandbox.pages.hosted_page import html_page
from donate.sandbox.pages.words import WORDS
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

# In test mode these two confirm an account, and no others do.
AMOUNTS = ("32", "45")


def deposit_routes(store: Store) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/microdeposit/{intent_id}")
    async def show(intent_id: str) -> Response:
        return _page(_session_of(store, intent_id))

    @router.post("/microdeposit/{intent_id}")
    async def confirm(intent_id: str, request: Request) -> Response:
        session = _session_of(store, intent_id)
        form = await request.form()
        told = sorted(str(form.get(name)).strip() for name in ("first", "second"))
        if session is None or told != list(AMOUNTS):
            return _page(session, is_wrong=True)
        settle(store, session, succeeds=True)
        return RedirectResponse(str(session["success_url"]), status_code=303)

    return router


def _session_of(store: Store, intent_id: str) -> StripeObject | None:
    """The session whose intent waits for its deposits to be confirmed."""
    shelf = store.setup_intents if intent_id.startswith("seti_") else store.payment_intents
    intent = shelf.get(intent_id)
    if intent is None or intent["status"] != "requires_action":
        return None
    found = (s for s in store.sessions if intent_id in (s["payment_intent"], s["setup_intent"]))
    return next(found, None)


def _page(session: StripeObject | None, *, is_wrong: bool = False) -> Response:
    language = "fr" if session and (session["locale"] or "").startswith("fr") else "en"
    words: dict[str, Any] = WORDS[language]
    return html_page(
        "deposits.html",
        words,
        status=404 if session is None else 422 if is_wrong else 200,
        form_goes_to=session["success_url"] if session else None,
        is_open=session is not None,
        is_wrong=is_wrong,
    )
