"""Marked words of a donor go through everything, and none comes out where it must not."""

import json
import re
import uuid
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import select

from donate.gifts.models import Gift
from tests.api.program import GIFT
from tests.faults.clerk import Clerk
from tests.faults.quick_start import Forker
from tests.finance.refund_desk import GOOD
from tests.journeys.donor_steps import BANK_ACCOUNT, field
from tests.journeys.staff import sign_in
from tests.personal_data.canaries import ADDRESS, MARK, METRICS_TOKEN, Aviary, aviary
from tests.sandbox.running import CARD
from tests.stripe_gateway.gifts_and_events import as_bytes, event as event_about, sign
from tests.stripe_gateway.service import WEBHOOK_PATH
from tests.waiting import until

NAME = f"Wren {MARK}name"
CHOICE = {
    "preset": "5000",
    "preset_monthly": "5000",
    "frequency": "once",
    "country": "CA",
    "name": NAME,
    "email": ADDRESS,
    "note": f"{MARK}note, with love",
    "tribute_kind": "honour",
    "tribute_name": f"{MARK}tribute",
    "lang": "en-CA",
}
STAFF_PAGES = (
    *("/finance", "/finance/gifts", "/finance/donors", "/finance/monthly", "/finance/movements"),
    *("/finance/letters", "/finance/activity", "/finance/set-aside", "/finance/statements"),
    *("/finance/transfer-mails", "/finance/offline", "/finance/books", "/finance/refused"),
    *("/finance/gifts.csv", "/finance/donors.csv", "/finance/monthly.csv"),
)


@pytest.fixture
def birds(start: Forker, database_url: str, tmp_path: Path) -> Iterator[Aviary]:
    """Run the service, and look at the log and the metrics at the end."""
    with aviary(start, database_url, tmp_path) as running:
        yield running
        metrics = {"authorization": f"Bearer {METRICS_TOKEN}"}
        with running.another_caller() as http:
            running.watch.look("metrics", http.get("/metrics", headers=metrics).text)
        running.watch.look("log", running.log())
        files = [running.letters()[0].parent, *running.letters()]
        assert [file for file in files if file.stat().st_mode & 0o077] == []
        assert running.watch.leaks == []


def send(birds: Aviary, **more: str) -> Any:
    page = birds.world.page("/give/LWCAN")
    form = CHOICE | {"nonce": field(page, "nonce")} | more
    return birds.world.http.post("/give/LWCAN", data=form)


def gifts(birds: Aviary) -> list[Gift]:
    with birds.world.database.reading() as session:
        return list(session.exec(select(Gift).order_by(Gift.id)))  # type: ignore[arg-type]


def test_no_word_of_a_donor_leaks(birds: Aviary) -> None:
    """Gifts, staff's work, strangers' nonsense and errors leave no mark where it must not be."""
    donors_give(birds)
    a_donor_looks(birds)
    programs_and_strangers(birds)
    staff_work(birds)
    everything_fails(birds)


def donors_give(birds: Aviary) -> None:
    """Give by every mode, once and monthly, with all options, and make mistakes in the form."""
    for mode in ("card", "bank_debit", "interac", "giving_code"):
        for frequency in ("once", "monthly"):
            answer = send(birds, mode=mode, frequency=frequency)
            assert answer.status_code in (303, 422), answer.text
            location = answer.headers.get("location", "")
            if "/pay/" in location:
                payer = BANK_ACCOUNT if mode == "bank_debit" else CARD
                location = birds.world.pay(location, payer | {"email": ADDRESS, "name": NAME})
            if location:
                birds.world.page(location)
    for wrong in ({"email": f"{MARK}@"}, {"note": MARK * 300}, {"country_switch": "yes"}):
        assert send(birds, mode="card", **wrong).status_code in (200, 422)
    until(lambda: sum(gift.status == "confirmed" for gift in gifts(birds)) >= 2)
    until(birds.letters)
    assert any(ADDRESS in letter.read_text() for letter in birds.letters())
    assert birds.watch.stripe_requests > 4


def a_donor_looks(birds: Aviary) -> None:
    """Ask for a one-time link, use it, and look at all gifts and a monthly gift."""
    http, sent = birds.world.http, len(birds.letters())
    assert http.post("/my-gifts", data={"email": ADDRESS, "lang": "en-CA"}).status_code == 303
    assert http.post("/my-gifts", data={"email": f"{MARK}@", "lang": "en-CA"}).status_code == 422
    until(lambda: len(birds.letters()) > sent)
    until(lambda: any("/my-gifts/" in text_of(letter) for letter in birds.letters()))
    texts = (text_of(letter) for letter in birds.letters())
    link = next(found[0] for text in texts if (found := re.search(r"/my-gifts/[\w-]{40,}", text)))
    birds.world.page(link)
    assert http.post(link).status_code == 303
    page = birds.world.page("/my-gifts")
    assert ADDRESS in page
    assert MARK.encode() in http.post("/my-gifts/data").content
    for address in re.findall(r'href="(/(?:gifts|pledges)/[^"]+)"', page):
        birds.world.page(address)


def text_of(letter: Path) -> str:
    message = message_from_bytes(letter.read_bytes(), policy=default)
    body = message.get_body(("plain",))
    return body.get_content() if body else ""


def programs_and_strangers(birds: Aviary) -> None:
    """Send gifts, broken JSON and too much through the API and to the webhook."""
    http = birds.world.http
    gift = GIFT | {"donor": {"name": NAME, "email": ADDRESS}}
    bodies: list[tuple[bytes, int]] = [
        (json.dumps(gift).encode(), 201),
        (json.dumps(gift | {"donor": {"name": NAME, "email": f"{MARK}@"}}).encode(), 422),
        (json.dumps(gift | {"code": MARK}).encode(), 422),
        (json.dumps(gift | {"amount_minor": MARK}).encode(), 422),
        (f'{{"donor": "{MARK}'.encode(), 400),
        (b"\xff" + MARK.encode(), 400),
        (json.dumps(gift | {"note": MARK * 21_900}).encode(), 413),
    ]
    for body, status in bodies:
        key = {"Idempotency-Key": uuid.uuid4().hex, "Content-Type": "application/json"}
        answer = http.post("/api/v1/gifts", content=body, headers=key)
        assert answer.status_code == status, answer.text
    payer = {"billing_details": {"name": NAME, "email": ADDRESS}}
    charge = {"id": "ch_x", "object": "charge", "payment_intent": "pi_unknown", **payer}
    for event in (
        as_bytes(event_about("charge.failed", charge)),
        as_bytes(event_about("charge.refunded", charge | {"amount": MARK})),
        f'{{"id": "{MARK}'.encode(),
    ):
        http.post(WEBHOOK_PATH, content=event, headers={"stripe-signature": sign(event)})
        http.post(WEBHOOK_PATH, content=event, headers={"stripe-signature": MARK})
    http.post("/give/LWCAN", content=MARK * 21_900)
    http.post("/finance/sign-in", data={"email": ADDRESS, "password": f"{MARK}password"})
    form = birds.world.page("/finance/sign-in")
    typed = {name: field(form, name) for name in ("form_token", "next")}
    wrong = typed | {"email": ADDRESS, "password": f"{MARK}password"}
    assert http.post("/finance/sign-in", data=wrong).status_code == 401


def staff_work(birds: Aviary) -> None:
    """Refund, note, edit, import, export: all that staff do with the donor's data."""
    world = birds.world
    sign_in(world)
    card = next(gift for gift in gifts(birds) if gift.mode == "card" and gift.received_minor)
    page = world.page(f"/finance/gifts/{card.id}")
    at = page.find("/refund")
    hidden = {name: field(page[at:], name) for name in ("csrf", "form_key", "payment")}
    refund = GOOD | hidden | {"amount": "1.00", "note": f"{MARK}why"}
    assert world.http.post(f"/finance/gifts/{card.id}/refund", data=refund).status_code == 303
    csrf = {"csrf": hidden["csrf"]}
    donor = f"/finance/donors/{card.profile_id}"
    page = world.page(donor)
    changes = {name: field(page, name) for name in ("version", "form_key")} | csrf
    changes |= {"kind": "person", "name": NAME, "street": f"1 {MARK}street", "city": MARK}
    changes |= {"country": "CA", "language": "en-CA", "note": f"{MARK}staffnote"}
    for act in ("changed", "noted"):
        assert world.http.post(f"{donor}/{act}", data=changes).status_code == 303
    assert MARK.encode() in world.http.post(f"{donor}/data", data=csrf).content
    cheque = {
        "code": "LWCAN",
        "mode": "cheque",
        "amount": "150.00",
        "donor": "new",
        "name": NAME,
        "email": ADDRESS,
        "address": f"1 {MARK}street",
        "bank_name": MARK,
        "note": MARK,
        "cheque_number": "0042",
        "received_on": "2026-03-08",
        "form_key": uuid.uuid4().hex,
    }
    for form in (cheque, cheque | {"amount": MARK, "received_on": MARK}):
        world.http.post("/finance/offline/new/saved", data=form | csrf)
    clerk = Clerk(lambda *a, **more: world.http.request(*a, **without_cookie(more)), "")
    clerk.import_statement(f"03/05/2026,E-TRANSFER {MARK}bank,,50.00,1245.05\n".encode())
    mail = {"files": ("a.eml", f"Subject: {MARK}\n\n{MARK}".encode(), "message/rfc822")}
    world.http.post("/finance/transfer-mails/added", data=csrf, files=mail)
    (birds.machine.folder / "mails" / "b.eml").write_text(f"From: {ADDRESS}\n\n{MARK}")
    for path in STAFF_PAGES:
        assert world.http.get(path).status_code == 200, path
    for number in (1, 2):
        world.http.get(f"/finance/statements/lines/{number}")
    world.http.get("/finance/donors/1/merge")
    until(lambda: not list((birds.machine.folder / "mails").glob("b.eml")))


def without_cookie(more: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in more.items() if name != "headers"}


def everything_fails(birds: Aviary) -> None:
    """Let Stripe refuse, and break a table, so that gifts are answered with 500."""
    birds.world.sandbox.control("POST", "/_sandbox/trouble", path="/v1/*", kind="400", times=3)
    send(birds, mode="card")
    send(birds, mode="card", frequency="monthly")
    database = birds.world.database
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE gift_wish RENAME TO gift_wish_gone"))
    assert fail(birds) == [500, 500]
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE gift_wish_gone RENAME TO gift_wish"))
    until(lambda: "gift_wish" in birds.log())
    if not database.is_sqlite:
        break_a_rule(birds)


def break_a_rule(birds: Aviary) -> None:
    """Let a note break a rule. PostgreSQL's error then names the whole row."""
    with birds.world.database.engine.begin() as connection:
        rule = "ALTER TABLE donor_note ADD CONSTRAINT no_notes CHECK (text = '') NOT VALID"
        connection.execute(text(rule))
    donor = f"/finance/donors/{gifts(birds)[0].profile_id}"
    page = birds.world.page(donor)
    note = {name: field(page, name) for name in ("csrf", "form_key")} | {"note": f"{MARK}note"}
    assert birds.world.http.post(f"{donor}/noted", data=note).status_code == 500
    until(lambda: "no_notes" in birds.log())


def fail(birds: Aviary) -> list[int]:
    """Send a gift by form and one by a program; return the statuses."""
    form = CHOICE | {"mode": "interac", "nonce": field(birds.world.page("/give/LWCAN"), "nonce")}
    gift = GIFT | {"donor": {"name": NAME, "email": ADDRESS}, "note": MARK}
    key = {"Idempotency-Key": uuid.uuid4().hex}
    with birds.another_caller() as first, birds.another_caller() as second:
        return [
            first.post("/give/LWCAN", data=form).status_code,
            second.post("/api/v1/gifts", json=gift, headers=key).status_code,
        ]
