"""A pretend version of Stripe's payment page, marked as pretend. It needs no JavaScript."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from donate.sandbox.checkout.payments import pay
from donate.sandbox.checkout.sessions import expire_due_sessions
from donate.sandbox.currencies import format_amount
from donate.sandbox.errors import Refusal
from donate.sandbox.objects.attempts import Attempt, bank_debit_attempt, card_attempt
from donate.sandbox.objects.cards import TEST_CARDS
from donate.sandbox.pages.words import WORDS
from donate.sandbox.requests.parameters import email_address
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

_HERE = Path(__file__).parent
_TEMPLATES = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_STYLE = (_HERE / "templates" / "page.css").read_text(encoding="utf-8")


@dataclass
class Submission:
    """The submitted values. The page shows them again if there are errors."""

    values: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def method(self) -> str:
        return self.values.get("method", "card")


def page_routes(store: Store) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/page.css")
    async def style() -> Response:
        return PlainTextResponse(_STYLE, media_type="text/css")

    @router.get("/pay/{session_id}")
    async def show(session_id: str) -> Response:
        session = _session(store, session_id)
        if session is None or session["status"] != "open":
            return _closed(session)
        return _pay_page(store, session, Submission({}))

    @router.post("/pay/{session_id}")
    async def submit(session_id: str, request: Request) -> Response:
        values = {name: str(value).strip() for name, value in (await request.form()).items()}
        session = _session(store, session_id)
        if session is None or session["status"] != "open":
            return _closed(session)
        submission = Submission(values)
        attempt = _read_attempt(store, session, submission)
        if attempt is None:
            return _pay_page(store, session, submission, status=422)
        charge = pay(store, session, attempt, verified="microdeposits" not in values)
        if charge and charge["status"] == "failed":
            declined = _words(session)["declined"]
            submission.errors["number"] = declined[attempt.decline.decline_code]
            return _pay_page(store, session, submission, status=402)
        return RedirectResponse(_success_url(session), status_code=303)

    return router


def _session(store: Store, session_id: str) -> StripeObject | None:
    expire_due_sessions(store)
    return store.sessions.get(session_id)


def _read_attempt(store: Store, session: StripeObject, submission: Submission) -> Attempt | None:
    """Return the attempt to pay. If a value is invalid, add errors to `submission`, return None."""
    values, errors, words = submission.values, submission.errors, _words(session)["errors"]
    email = session["customer_email"] or values.get("email", "")
    try:
        email_address(email, "email")
    except Refusal:
        errors["email"] = words["email"]
    if not values.get("name"):
        errors["name"] = words["name"]
    if submission.method not in session["payment_method_types"]:
        errors["number"] = words["method"]
    elif submission.method == "acss_debit":
        return _read_bank_debit(submission, words, email)
    return read_card(store, submission, words, email)


def read_card(
    store: Store, submission: Submission, words: dict[str, str], email: str
) -> Attempt | None:
    """Return the attempt to pay by card. If a value is invalid, add errors and return None."""
    values, errors = submission.values, submission.errors
    number = re.sub(r"[ -]", "", values.get("number", ""))
    card = TEST_CARDS.get(number)
    if card is None:
        errors.setdefault("number", words["number"])
    if not _is_in_future(values.get("expiry", ""), store.now()):
        errors["expiry"] = words["expiry"]
    if re.fullmatch(r"[0-9]{3,4}", values.get("cvc", "")) is None:
        errors["cvc"] = words["cvc"]
    if errors or card is None:
        return None
    return card_attempt(card, email, values.get("name"))


def _read_bank_debit(submission: Submission, words: dict[str, str], email: str) -> Attempt | None:
    values = submission.values
    for name, pattern in _BANK_FIELDS.items():
        if re.fullmatch(pattern, values.get(name, "")) is None:
            submission.errors[name] = words[name]
    if submission.errors:
        return None
    return bank_debit_attempt(
        values["institution"], values["transit"], values["account"], email, values["name"]
    )


_BANK_FIELDS = {"institution": r"[0-9]{3}", "transit": r"[0-9]{5}", "account": r"[0-9]{7,12}"}


def _is_in_future(expiry: str, now: int) -> bool:
    """Return whether MM/YY has not passed. A card is valid until the end of that month."""
    match = re.fullmatch(r"(0[1-9]|1[0-2])\s*/\s*(?:20)?([0-9]{2})", expiry)
    if match is None:
        return False
    year, month = _year_and_month(now)
    return (2000 + int(match[2]), int(match[1])) >= (year, month)


def _year_and_month(now: int) -> tuple[int, int]:
    moment = datetime.fromtimestamp(now, UTC)
    return moment.year, moment.month


def _pay_page(
    store: Store, session: StripeObject, submission: Submission, status: int = 200
) -> Response:
    words = _words(session)
    items = [
        {**item, "amount": format_money(item["amount_total"], item["currency"], words)}
        for item in store.line_items[session["id"]]
    ]
    return html_page(
        "pay.html",
        words,
        status=status,
        form_target=session["success_url"],
        session=session,
        items=items,
        total=_total(store, session, words),
        submit=words["submit"].get(_submit_type(session), words["submit"]["auto"]),
        submission=submission,
        email=session["customer_email"] or submission.values.get("email", ""),
    )


def _closed(session: StripeObject | None) -> Response:
    if session is None:
        return html_page("closed.html", WORDS["en"], status=404, state="unknown", link=None)
    state = session["status"]
    link = session["cancel_url"] if state == "expired" else _success_url(session)
    return html_page("closed.html", _words(session), status=410, state=state, link=link)


def html_page(
    template: str,
    words: dict[str, Any],
    status: int = 200,
    form_target: str | None = None,
    **values: Any,
) -> Response:
    # Browsers apply the policy's form-action both to the form's target and to a redirect that
    # follows.
    policy = (
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self' {_origin(form_target)}"
    )
    headers = {
        "content-security-policy": policy.rstrip(),
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
    page = _TEMPLATES.get_template(template).render(words=words, **values)
    return HTMLResponse(page, status, headers)


def _origin(url: str | None) -> str:
    """Return a URL's scheme and host, or "" if the host could break the CSP header's syntax."""
    parts = urlsplit(url or "")
    is_plain = re.fullmatch(r"[A-Za-z0-9.:\[\]-]+", parts.netloc)
    return f"{parts.scheme}://{parts.netloc}" if is_plain else ""


def _success_url(session: StripeObject) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _words(session: StripeObject) -> dict[str, Any]:
    return WORDS["fr" if (session["locale"] or "").startswith("fr") else "en"]


def format_money(amount: int, currency: str, words: dict[str, Any]) -> str:
    number = format_amount(amount, currency, words["decimal_mark"])
    return f"{number}\N{NO-BREAK SPACE}{currency.upper()}"


def _submit_type(session: StripeObject) -> str:
    default = {"subscription": "subscribe", "setup": "agree"}.get(session["mode"], "auto")
    return str(session["submit_type"] or default)


def _total(store: Store, session: StripeObject, words: dict[str, Any]) -> str:
    if session["mode"] == "setup":
        return ""
    total = format_money(session["amount_total"], session["currency"], words)
    recurring = store.line_items[session["id"]][0]["price"]["recurring"]
    if recurring is None:
        return total
    count, interval = recurring["interval_count"], recurring["interval"]
    return f"{total} {words['each'][interval] if count == 1 else words['every'][interval] % count}"
