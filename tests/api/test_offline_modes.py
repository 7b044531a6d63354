"""Donors and programs are never offered cheque and cash, which only staff record."""

import pytest

from tests.api.program import Program, problem_in


@pytest.mark.parametrize("mode", ["cheque", "cash"])
def test_a_program_cannot_open_an_offline_gift(program: Program, mode: str) -> None:
    """A gift by cheque or cash is refused by the API, and nothing is recorded."""
    problem = problem_in(program.open(mode=mode), 422)
    assert problem["errors"][0]["pointer"] == "/mode"
    assert program.gifts() == []


def test_no_region_offers_them(program: Program) -> None:
    """The API's regions, its OpenAPI description and the Give page lack cheque and cash."""
    offered = program.http.get("/api/v1/regions/LWCAN").json()
    assert {"cheque", "cash"} & {mode["mode"] for mode in offered["modes"]} == set()
    page = program.http.get("/give/LWCAN").text
    assert "mode-interac" in page
    assert "mode-cheque" not in page
    assert "mode-cash" not in page
    schemas = program.http.get("/api/v1/openapi.json").json()["components"]["schemas"]
    assert set(schemas["NewGift"]["properties"]["mode"]["enum"]) == {
        *("card", "bank_debit", "interac", "giving_code")
    }


@pytest.mark.parametrize("mode", ["cheque", "cash"])
def test_the_give_form_refuses_them(program: Program, mode: str) -> None:
    """A Give form with the mode cheque or cash is refused, and opens no gift."""
    data = {"preset": "5000", "mode": mode, "frequency": "once", "country": "CA"}
    data |= {"name": "Ann Lee", "email": "ann@example.com", "nonce": "a" * 22}
    answer = program.http.post("/give/LWCAN", data=data)
    assert answer.status_code == 422
    assert program.gifts() == []
