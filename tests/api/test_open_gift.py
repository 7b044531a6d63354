"""Opening a gift through the API: the answer has the next step, or names the bad fields."""

from typing import Any

import pytest

from donate.money import MAX_AMOUNT_MINOR
from tests.api.program import ANN, GIFT, Program, new_key, pointers_in, problem_in
from tests.links import token_of


def test_instructions(first_program: Program) -> None:
    """The answer to an Interac gift has the instructions for the transfer."""
    answer = first_program.open()
    assert answer.status_code == 201
    (gift,) = first_program.gifts()
    assert answer.json() == {
        "id": str(gift.id),
        "reference": gift.reference,
        "status": "awaited",
        "token": token_of(gift),
        "status_url": f"http://127.0.0.1:8000/gifts/{token_of(gift)}",
        "next": {
            "kind": "instructions",
            "mode": "interac",
            "code": "LWCAN",
            "amount_minor": 5000,
            "currency": "CAD",
            "reference": gift.reference,
            "send_to": "transfers@example.org",
            "recipient_name": None,
            "parts_minor": [],
            "ways": [],
            "text": None,
            "contact": "give@example.org",
        },
    }
    assert answer.headers["location"] == f"/api/v1/gifts/{gift.id}"
    assert answer.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("language", "gift_language", "text"),
    [
        ("fr", "fr-CA", "Par chèque."),
        ("en-GB", "en-CA", "By cheque."),
        ("de", "en-CA", "By cheque."),
    ],
)
def test_in_the_donors_language(
    program: Program, language: str, gift_language: str, text: str
) -> None:
    """A gift and the answer use the region's language that is nearest to the donor's."""
    answer = program.open(mode="giving_code", language=language)
    assert answer.json()["next"]["text"] == text
    assert program.gifts()[-1].language == gift_language


def test_card(card_program: tuple[Program, str]) -> None:
    """The answer to a card gift has the URL of Stripe's page."""
    program, stripe = card_program
    step = program.open(mode="card").json()["next"]
    assert step["kind"] == "redirect"
    assert step["url"].startswith(stripe)


@pytest.mark.parametrize("frequency", ["once", "monthly"])
def test_bank_debit(card_program: tuple[Program, str], frequency: str) -> None:
    """A single or monthly bank debit gets the URL of Stripe's page, but 422 outside Canada."""
    program, stripe = card_program
    answer = program.open(mode="bank_debit", frequency=frequency)
    assert answer.json()["next"]["url"].startswith(stripe)
    gift = program.gifts()[-1]
    assert (gift.mode, gift.frequency, gift.status) == ("bank_debit", frequency, "awaited")
    problem_in(program.open(mode="bank_debit", frequency=frequency, country="US"), 422)


def test_recorded_before_stripe_is_asked(first_program: Program) -> None:
    """If Stripe is down, a card gift is recorded, and the answer is 503 with Retry-After."""
    answer = first_program.open(mode="card")
    problem_in(answer, 503)
    assert int(answer.headers["retry-after"]) > 0
    assert [gift.status for gift in first_program.gifts()] == ["awaited"]


@pytest.mark.parametrize(
    ("code", "currency", "amount_minor"),
    [("LWJPN", "JPY", 500), ("LWKWT", "KWD", 5000), ("LWKWT", "KWD", 5010)],
)
def test_other_minor_units(program: Program, code: str, currency: str, amount_minor: int) -> None:
    """Amounts stay exact in yen, which have no decimals, and in dinars, which have three."""
    answer = program.open(
        code=code, currency=currency, amount_minor=amount_minor, mode="giving_code", country="JP"
    )
    assert answer.json()["next"]["amount_minor"] == amount_minor


REFUSED: list[tuple[dict[str, Any], list[str]]] = [
    ({"code": "LWCAM"}, ["/code"]),
    ({"code": "lwcan"}, ["/code"]),
    ({"code": "LW-CAN"}, ["/code"]),
    ({"code": "LWCAN\u0000"}, ["/code"]),
    ({"mode": "cash"}, ["/mode"]),
    ({"mode": "CARD"}, ["/mode"]),
    ({"mode": ["card"]}, ["/mode"]),
    ({"mode": "interac", "country": "US"}, ["/mode"]),
    ({"code": "LWJPN", "currency": "JPY", "mode": "interac"}, ["/mode"]),
    ({"frequency": "monthly", "mode": "interac"}, ["/mode"]),
    ({"frequency": "monthly", "code": "LWJPN", "currency": "JPY"}, ["/frequency"]),
    *(({"amount_minor": a}, ["/amount_minor"]) for a in (0, -5, 99, 2_500_001)),
    *(({"amount_minor": a}, ["/amount_minor"]) for a in (10**12, 10**30, MAX_AMOUNT_MINOR)),
    *(({"amount_minor": a}, ["/amount_minor"]) for a in (True, 50.0, 50.5, 5e3, None, [5000])),
    *(({"amount_minor": a}, ["/amount_minor"]) for a in ("5000", "50.00", "１００", "1e3", "")),
    ({"currency": "USD"}, ["/currency"]),
    ({"currency": "cad"}, ["/currency"]),
    ({"currency": "QQQ"}, ["/currency"]),
    ({"currency": "CAD "}, ["/currency"]),
    ({"code": "LWKWT", "currency": "KWD", "mode": "giving_code", "amount_minor": 5005},
     ["/amount_minor"]),
    ({"country": "ca"}, ["/country"]),
    ({"country": "Canada"}, ["/country"]),
    ({"country": "ZZ", "mode": "giving_code"}, ["/country"]),
    ({"language": "english please"}, ["/language"]),
    ({"language": 7}, ["/language"]),
    ({"donor": None}, ["/donor"]),
    ({"donor": {}}, ["/donor/name", "/donor/email"]),
    ({"donor": ANN | {"name": ""}}, ["/donor/name"]),
    ({"donor": ANN | {"name": " \t "}}, ["/donor/name"]),
    ({"donor": ANN | {"name": "a" * 201}}, ["/donor/name"]),
    ({"donor": ANN | {"name": "Ann\u0000Lee"}}, ["/donor/name"]),
    ({"donor": ANN | {"name": "4242 4242 4242 4242"}}, ["/donor/name"]),
    ({"donor": ANN | {"email": "ann"}}, ["/donor/email"]),
    ({"donor": ANN | {"email": "ann@example.com\nBcc: x@example.com"}}, ["/donor/email"]),
    ({"donor": ANN | {"email": "a" * 250 + "@example.com"}}, ["/donor/email"]),
    ({"donor": ANN | {"phone": "1"}}, ["/donor/phone"]),
    ({"notes": "x"}, ["/notes"]),
    ({"a/b~c": 1}, ["/a~1b~0c"]),
    ({"form_key": "x", "status": "confirmed"}, ["/form_key", "/status"]),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "pointers"), REFUSED, ids=str)
def test_refused(program: Program, changes: dict[str, Any], pointers: list[str]) -> None:
    """A gift with a bad field gets 422 with a JSON pointer to the field, and is not opened."""
    before = len(program.gifts())
    assert pointers_in(program.open(**changes)) == pointers
    assert len(program.gifts()) == before


def test_all_bad_fields_are_reported_at_once(program: Program) -> None:
    """If several fields are bad, one answer reports all of them."""
    answer = program.open(
        amount_minor=1, country="ZZ", mode="giving_code", donor={**ANN, "email": "abc"}
    )
    assert pointers_in(answer) == ["/country", "/amount_minor", "/donor/email"]


@pytest.mark.parametrize("field", ["code", "mode", "amount_minor", "currency", "country", "donor"])
def test_missing(program: Program, field: str) -> None:
    """A request without one of the required fields gets a pointer to the missing field."""
    answer = program.http.post(
        "/api/v1/gifts",
        json={k: v for k, v in GIFT.items() if k != field},
        headers={"Idempotency-Key": new_key()},
    )
    assert pointers_in(answer) == [f"/{field}"]


def test_a_code_that_is_nearly_right(program: Program) -> None:
    """The error for an unknown giving code suggests the nearest code."""
    (error,) = problem_in(program.open(code="LWCAM"), 422)["errors"]
    assert error["detail"] == "We couldn’t find that giving code. Did you mean LWCAN?"


def test_errors_do_not_quote_values(program: Program) -> None:
    """An error names the bad field, but never quotes its value."""
    donor = {"name": "Secret\u0000Name", "email": "secret.address"}
    answer = program.open(donor=donor, mode="secret-mode", amount_minor="secret-amount")
    assert "ecret" not in answer.text


def test_errors_in_french(program: Program) -> None:
    """A request with `Accept-Language: fr` gets its error messages in French."""
    answer = program.http.post(
        "/api/v1/gifts",
        json={**GIFT, "donor": {**ANN, "email": "abc"}},
        headers={"Idempotency-Key": new_key(), "Accept-Language": "fr"},
    )
    problem = problem_in(answer, 422)
    assert problem["title"] == "Veuillez vérifier ce que vous avez inscrit."
    assert "courriel" in problem["errors"][0]["detail"]
