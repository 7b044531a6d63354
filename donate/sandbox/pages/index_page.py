"""The sandbox's front page: it links to the sessions, and has buttons to answer as the bank."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, get_args
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from donate.sandbox.bank.statements import StatementShape
from donate.sandbox.billing.invoices import is_processing
from donate.sandbox.billing.subscriptions import settle_debit
from donate.sandbox.checkout.payments import settle
from donate.sandbox.checkout.sessions import expire_due_sessions
from donate.sandbox.objects.cards import TEST_CARDS
from donate.sandbox.pages.hosted_page import format_money, html_page
from donate.sandbox.pages.words import WORDS
from donate.sandbox.payouts.payouts import available_balance, pending_balance
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

MAX_LISTED = 50

_LINKS = {
    "State": "/_sandbox/state",
    "Requests": "/_sandbox/requests",
    "Deliveries": "/_sandbox/webhooks/deliveries",
}


def index_routes(store: Store) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def index() -> Response:
        expire_due_sessions(store)
        sessions = islice(store.sessions.newest_first(), MAX_LISTED)
        processing = (
            invoice for invoice in store.invoices.newest_first() if is_processing(store, invoice)
        )
        return html_page(
            "index.html",
            WORDS["en"],
            sessions=[_session_row(store, session) for session in sessions],
            invoices=[_invoice_row(invoice) for invoice in islice(processing, MAX_LISTED)],
            balances=_balance_rows(store),
            payouts=[_payout_row(one) for one in islice(store.payouts.newest_first(), MAX_LISTED)],
            statements=_statements(store),
            cards=TEST_CARDS.values(),
            links=_LINKS,
        )

    @router.post("/pay/{session_id}/bank")
    async def decide(session_id: str, request: Request) -> Response:
        session = store.sessions.get(session_id)
        if session is not None and _bank_decides(store, session):
            settle(store, session, succeeds=await _says_yes(request))
        return RedirectResponse("/", status_code=303)

    @router.post("/invoices/{invoice_id}/bank")
    async def decide_invoice(invoice_id: str, request: Request) -> Response:
        invoice = store.invoices.get(invoice_id)
        if invoice is not None and is_processing(store, invoice):
            settle_debit(store, invoice, succeeds=await _says_yes(request))
        return RedirectResponse("/", status_code=303)

    return router


async def _says_yes(request: Request) -> bool:
    return (await request.form()).get("says") == "yes"


def _bank_decides(store: Store, session: StripeObject) -> bool:
    """Return whether the payment is a debit that the bank has not accepted or refused yet."""
    intent = store.payment_intents.get(session["payment_intent"] or "")
    return intent is not None and intent["status"] in ("processing", "requires_action")


def _balance_rows(store: Store) -> list[dict[str, str]]:
    available, pending = available_balance(store), pending_balance(store)
    return [
        {
            "available": format_money(available.get(currency, 0), currency, WORDS["en"]),
            "pending": format_money(pending[currency], currency, WORDS["en"]),
        }
        for currency in sorted(pending)
    ]


def _statements(store: Store) -> dict[str, str]:
    """Return the URLs of last month's statement in each format; none for a bank without lines."""
    if not any(store.bank):
        return {}
    last = datetime.fromtimestamp(store.now(), UTC).date().replace(day=1) - timedelta(days=1)
    month = {"from": last.replace(day=1).isoformat(), "to": last.isoformat()}
    return {
        shape: f"/_sandbox/bank/statement?{urlencode({'shape': shape} | month)}"
        for shape in get_args(StatementShape)
    }


def _payout_row(payout: StripeObject) -> dict[str, str]:
    return {
        "id": payout["id"],
        "amount": format_money(payout["amount"], payout["currency"], WORDS["en"]),
        "arrives": datetime.fromtimestamp(payout["arrival_date"], UTC).date().isoformat(),
        "status": payout["status"],
    }


def _session_row(store: Store, session: StripeObject) -> dict[str, Any]:
    total = session["amount_total"]
    return {
        "id": session["id"],
        "url": session["url"],
        "total": format_money(total, session["currency"], WORDS["en"]) if total else "",
        "reference": session["client_reference_id"],
        "status": session["status"],
        "payment_status": session["payment_status"],
        "bank_decides": _bank_decides(store, session),
    }


def _invoice_row(invoice: StripeObject) -> dict[str, Any]:
    details = invoice["parent"]["subscription_details"]
    return {
        "id": invoice["id"],
        "total": format_money(invoice["amount_due"], invoice["currency"], WORDS["en"]),
        "reference": details["metadata"].get("reference", ""),
    }
