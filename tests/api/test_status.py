"""The API shows a gift to whoever has the gift's token or a staff token."""

import uuid
from datetime import UTC, datetime

import pytest

from donate.finance.roles import Role
from donate.finance.staff.accounts import add_staff, disable
from donate.finance.staff.tokens import add_token
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from tests.api.program import Program, problem_in
from tests.links import token_of


def test_shown_with_its_token(first_program: Program) -> None:
    """A request with a gift's token gets the whole gift, with its status and amounts."""
    opened = first_program.open().json()
    (gift,) = first_program.gifts()
    now = datetime.now(UTC)
    facts = [
        (FactKind.TRANSFER_RECEIVED, "bank-1", 5000),
        (FactKind.REFUND_SUCCEEDED, "re_1", 1500),
    ]
    with first_program.database.writing() as session:
        for kind, source, amount in facts:
            fact = Fact(kind, source, now, "service", amount_minor=amount, currency="CAD")
            record_facts(session, [(gift.id, fact)], now=now)
    answer = first_program.show(gift.id, token_of(gift))
    assert answer.status_code == 200
    shown = answer.json()
    assert datetime.fromisoformat(shown.pop("opened_at")) == gift.opened_at
    assert shown == {
        "id": opened["id"],
        "reference": opened["reference"],
        "status": "partly_refunded",
        "code": "LWCAN",
        "mode": "interac",
        "currency": "CAD",
        "amount_minor": 5000,
        "received_minor": 5000,
        "net_minor": 3500,
        "status_url": opened["status_url"],
    }
    assert answer.headers["cache-control"] == "no-store"


def test_location_and_token_lead_to_the_gift(program: Program) -> None:
    """The answer that opens a gift has the location and the token with which to read it."""
    answer = program.open()
    headers = {"Authorization": f"bearer {answer.json()['token']}"}
    shown = program.http.get(answer.headers["location"], headers=headers)
    assert shown.json()["id"] == answer.json()["id"]


@pytest.mark.parametrize(
    "token", ["x", "x" * 22, "x" * 60_000, "caf\u00e9".encode("latin-1").decode("latin-1"), "a b"]
)
def test_a_wrong_token_and_no_gift_look_the_same(program: Program, token: str) -> None:
    """A wrong token, another gift's token and an unknown gift get exactly the same 404."""
    gift_id = program.open().json()["id"]
    headers = [(b"authorization", b"Bearer " + token.encode("latin-1"))]
    wrong = program.http.get(f"/api/v1/gifts/{gift_id}", headers=headers)
    if len(token) > 50_000:  # The HTTP server may refuse such a long header itself.
        assert wrong.status_code in (400, 404, 431)
        return
    unknown = program.show(uuid.uuid4(), "x")
    others = program.show(gift_id, program.open().json()["token"])
    for answer in (wrong, unknown, others):
        problem_in(answer, 404)
        assert answer.content == wrong.content
        headers_sent = {k: v for k, v in answer.headers.items() if k != "date"}
        assert headers_sent == {k: v for k, v in wrong.headers.items() if k != "date"}


@pytest.mark.parametrize("gift_id", ["1", "LWCAN-7KQ4M2X", "%00", "%FF", "'", "x" * 500, "..%2F"])
def test_malformed_ids(program: Program, gift_id: str) -> None:
    """A malformed gift id gets 404, as an unknown id does."""
    problem_in(program.show(gift_id, "x" * 22), 404)


@pytest.mark.parametrize("authorization", [None, "", "Basic YTpi", "Bearer"])
def test_without_a_token(program: Program, authorization: str | None) -> None:
    """A request without a token gets 401 and `WWW-Authenticate: Bearer`."""
    gift_id = program.open().json()["id"]
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = program.http.get(f"/api/v1/gifts/{gift_id}", headers=headers)
    problem_in(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_staff_token_reads_any_gift(first_program: Program) -> None:
    """A staff token can read any gift, until the staff member's account is disabled."""
    first_program.open()
    (gift,) = first_program.gifts()
    now = datetime.now(UTC)
    with first_program.database.writing() as session:
        add_staff(
            session,
            "clerk@example.org",
            name="Clerk",
            role=Role.VIEWER,
            password="a-long-walk-in-the-woods",
            now=now,
        )
        token = add_token(session, "clerk@example.org", now=now)
    assert first_program.show(gift.id, token).json()["reference"] == gift.reference
    assert first_program.show(uuid.uuid4(), token).status_code == 404
    assert first_program.show(gift.id, token[:-1] + "?").status_code == 404
    with first_program.database.writing() as session:
        disable(session, "clerk@example.org", now=now)
    assert first_program.show(gift.id, token).status_code == 404
