"""Valid requests to every route, some with an odd field, as raw bytes."""

import json
from dataclasses import dataclass
from random import Random
from typing import Any, Final
from urllib.parse import urlencode

from donate.gifts.models import Gift
from tests.faults.oddities import ODD_TEXTS, spoil_json
from tests.links import token_of
from tests.stripe_gateway.gifts_and_events import event, session_for, sign
from tests.stripe_gateway.service import WEBHOOK_PATH

Headers = tuple[tuple[str, str], ...]
FORM: Final = (("Content-Type", "application/x-www-form-urlencoded"),)
JSON: Final = (("Content-Type", "application/json"),)


@dataclass(frozen=True)
class Request:
    """An HTTP request; `whole` means that it is complete, so the server must answer at once."""

    method: str
    path: str
    headers: Headers = ()
    body: bytes = b""
    whole: bool = True
    chunked: bool = False
    cut_at: int | None = None

    def as_bytes(self) -> bytes:
        head = f"{self.method} {self.path} HTTP/1.1\r\n"
        names = {name.lower() for name, _ in self.headers}
        added: list[tuple[str, str]] = []
        if "host" not in names:
            added.append(("Host", "localhost"))
        if "connection" not in names:
            added.append(("Connection", "close"))
        body = self.body
        if self.chunked:
            added.append(("Transfer-Encoding", "chunked"))
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
        elif "content-length" not in names and "transfer-encoding" not in names:
            added.append(("Content-Length", str(len(body))))
        lines = "".join(f"{name}: {value}\r\n" for name, value in (*added, *self.headers))
        raw = (head + lines + "\r\n").encode("latin-1", "replace") + body
        return raw[: self.cut_at] if self.cut_at is not None else raw


@dataclass(frozen=True)
class Known:
    """What requests refer to: two gifts, an event that was set aside, and a staff member's session.

    With the session, requests reach the staff pages too, which no stranger's request can.
    """

    card: Gift
    interac: Gift
    cookie: str
    csrf: str
    aside: int


def good_request(known: Known, rng: Random) -> Request:
    """Draw a request to a random route, perhaps with some odd fields."""
    return rng.choice((_page, _page, _form, _api, _event, _event, _staff_page, _staff_form))(
        known, rng
    )


def _page(known: Known, rng: Random) -> Request:
    token = rng.choice([token_of(known.card), token_of(known.interac)])
    path = rng.choice(
        [
            "/",
            "/?code=lwcan",
            "/give/LWCAN",
            "/give/lw-can",
            "/give/LWCAN?amount=50&mode=card&lang=fr-CA",
            f"/gifts/{token}",
            f"/gifts/{token}?back=paid&look=3",
            f"/gifts/{token}/my-gifts",
            "/my-gifts",
            "/my-gifts?page=2&lang=fr",
            f"/my-gifts/{token}",
            "/static/donate.css",
            "/static/give.js",
            "/healthz",
            "/readyz",
            "/metrics",
            "/finance/sign-in",
            "/finance/sign-in?next=/finance/gifts",
            "/api/v1/openapi.json",
            "/api/v1/regions/LWCAN",
        ]
    )
    return Request("GET", path)


def _give_form(rng: Random) -> dict[str, str]:
    return {
        "nonce": f"{rng.getrandbits(128):032x}",
        "lang": "en-CA",
        "preset": rng.choice(["5000", "other"]),
        "amount": "12.50",
        "mode": rng.choice(["interac", "interac", "giving_code", "card"]),
        "frequency": "once",
        "country": "CA",
        "name": "Ann Lee",
        "email": "ann@example.com",
    }


def _form(known: Known, rng: Random) -> Request:
    token = rng.choice([token_of(known.card), token_of(known.interac)])
    path, fields = rng.choice(
        [
            ("/give/LWCAN", _give_form(rng)),
            ("/give/LWCAN", _give_form(rng)),
            (f"/gifts/{token}/instead", {"mode": "interac"}),
            (f"/gifts/{token}/checkout", {}),
            (f"/gifts/{token}/my-gifts", {}),
            ("/my-gifts", {"email": "ann@example.com", "lang": "en-CA"}),
            ("/my-gifts/done", {}),
            (f"/my-gifts/{token}", {}),
            ("/finance/sign-in", {"email": "a@example.org", "password": "x" * 12, "csrf": "x"}),
        ]
    )
    return Request("POST", path, FORM, _encoded(fields, rng))


def _api(known: Known, rng: Random) -> Request:
    if rng.random() < 0.2:
        bearer = (("Authorization", f"Bearer {token_of(known.card)}"),)
        return Request("GET", f"/api/v1/gifts/{known.card.id}", bearer)
    choice: Any = {
        "code": "LWCAN",
        "mode": "interac",
        "amount_minor": 5_000,
        "currency": "CAD",
        "frequency": "once",
        "country": "CA",
        "language": "fr-CA",
        "donor": {"name": "Ann Lee", "email": "ann@example.com"},
    }
    if rng.random() < 0.6:
        choice = spoil_json(choice, rng)
    key = (("Idempotency-Key", f"{rng.getrandbits(128):032x}"),)
    return Request("POST", "/api/v1/gifts", JSON + key, encode_json(choice))


def _event(known: Known, rng: Random) -> Request:
    kind = rng.choice(
        "checkout.session.completed checkout.session.expired payment_intent.payment_failed "
        "refund.created refund.failed charge.dispute.created invoice.paid invoice_payment.paid "
        "customer.subscription.updated customer.created".split()
    )
    payload: Any = event(kind, session_for(known.card), id=f"evt_{rng.getrandbits(64):x}")
    for _ in range(rng.choice([0, 1, 1, 3])):
        payload = spoil_json(payload, rng)
    body = encode_json(payload)
    if rng.random() < 0.1:
        body = rng.choice([b"[" * 50_000, b'{"a":' * 20_000, b"null", b"", b'"x"', b"{}"])
    signed = sign(body) if rng.random() < 0.9 else "t=1,v1=0"
    return Request("POST", WEBHOOK_PATH, (*JSON, ("Stripe-Signature", signed)), body)


def _staff_page(known: Known, rng: Random) -> Request:
    path = rng.choice(
        [
            "/finance",
            "/finance/gifts",
            "/finance/gifts?status=confirmed&by=received&from=2026-01-01&until=2026-12-31&page=2",
            "/finance/gifts?q=LWCAN-7KQ4M2X",
            f"/finance/gifts/{known.card.id}",
            "/finance/set-aside",
            f"/finance/set-aside/{known.aside}",
            "/finance/letters",
            "/finance/activity",
        ]
    )
    return Request("GET", path, (("Cookie", f"donate_staff={known.cookie}"),))


def _staff_form(known: Known, rng: Random) -> Request:
    csrf = {"csrf": known.csrf}
    received = {
        "form_key": f"{rng.getrandbits(128):032x}",
        "received_on": "2026-03-01",
        "amount": "50.00",
        "bank_reference": f"CA{rng.getrandbits(40)}",
        "note": "",
    }
    refund = {"form_key": "f", "payment": "pi_1", "amount": "1", "reason": "duplicate"}
    path, fields = rng.choice(
        [
            (f"/finance/gifts/{known.interac.id}/received", received),
            (f"/finance/gifts/{known.interac.id}/undone", {"transfer": "CA1", "reason": "x"}),
            (f"/finance/gifts/{known.card.id}/refund", refund | {"confirmed": "yes"}),
            (f"/finance/set-aside/{known.aside}/tried", {}),
            (f"/finance/set-aside/{known.aside}/tied", {"reference": known.card.reference}),
            (f"/finance/set-aside/{known.aside}/dismissed", {"reason": "not ours"}),
        ]
    )
    cookie = (("Cookie", f"donate_staff={known.cookie}"),)
    return Request("POST", path, FORM + cookie, _encoded(fields | csrf, rng))


def _encoded(fields: dict[str, str], rng: Random) -> bytes:
    """Encode a form's fields, with odd values in some of them."""
    pairs = list(fields.items())
    for _ in range(rng.choice([0, 1, 1, 2])):
        if pairs:
            index = rng.randrange(len(pairs))
            pairs[index] = (pairs[index][0], rng.choice(ODD_TEXTS))
    if pairs and rng.random() < 0.2:
        pairs.append(rng.choice(pairs))
    return urlencode(pairs, errors="surrogatepass").encode()


def encode_json(payload: Any) -> bytes:
    return json.dumps(payload).encode("utf-8", "surrogatepass")
