"""Microdeposits: they prove who owns a bank account, if no immediate proof is possible.

Two deposits arrive within a day or two. The donor enters their amounts on one of Stripe's pages
within ten days: https://docs.stripe.com/payments/acss-debit/set-up-payment (read 2026-11-28).
"""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from donate.sandbox.checkout.payments import settle
from donate.sandbox.pages.hosted_page import html_page
from donate.sandbox.pages.words import WORDS
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

# In test mode, only these two amounts confirm a bank account.
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
        amounts = sorted(str(form.get(name)).strip() for name in ("first", "second"))
        if session is None or amounts != list(AMOUNTS):
            return _page(session, is_wrong=True)
        settle(store, session, succeeds=True)
        return RedirectResponse(str(session["success_url"]), status_code=303)

    return router


def _session_of(store: Store, intent_id: str) -> StripeObject | None:
    """Return the session whose payment or setup waits until the donor confirms the deposits."""
    shelf = store.setup_intents if intent_id.startswith("seti_") else store.payment_intents
    intent = shelf.get(intent_id)
    if intent is None or intent["status"] != "requires_action":
        return None
    sessions = (
        session
        for session in store.sessions
        if intent_id in (session["payment_intent"], session["setup_intent"])
    )
    return next(sessions, None)


def _page(session: StripeObject | None, *, is_wrong: bool = False) -> Response:
    language = "fr" if session and (session["locale"] or "").startswith("fr") else "en"
    words: dict[str, Any] = WORDS[language]
    return html_page(
        "deposits.html",
        words,
        status=404 if session is None else 422 if is_wrong else 200,
        form_target=session["success_url"] if session else None,
        is_open=session is not None,
        is_wrong=is_wrong,
    )
