"""Options, such as a fund or a note, that programs may add to a gift."""

import pytest

from tests.api.program import Program, new_key, problem_in

OPTIONS = {
    "fund": "building",
    "anonymous": True,
    "note": "With love",
    "tribute": {"kind": "memory", "name": "Jo"},
}


def test_a_region_lists_its_options(program: Program) -> None:
    """The API's description of a region lists its options, funds and fees."""
    region = program.http.get("/api/v1/regions/LWCAN").json()
    assert region["options"] == ["anonymous", "note", "tribute"]
    assert region["funds"] == {"building": {"en": "The building", "fr": "Le bâtiment"}}
    fees = {mode["mode"]: mode["fee"] for mode in region["modes"]}
    assert fees["card"] == {"basis_points": 290, "fixed_minor": 30}
    assert fees["interac"] is None
    assert program.http.get("/api/v1/regions/LWJPN").json()["options"] == []


@pytest.mark.parametrize(
    ("field", "value", "pointer"),
    [
        ("note", "hello", "/note"),
        ("anonymous", True, "/anonymous"),
        ("fund", "building", "/fund"),
        ("cover_fee", True, "/cover_fee"),
        ("tribute", OPTIONS["tribute"], "/tribute/name"),
    ],
)
def test_what_a_region_does_not_offer_is_refused(
    program: Program, field: str, value: object, pointer: str
) -> None:
    """An option that the region does not offer gets 422 with a pointer to it."""
    tokyo = {"code": "LWJPN", "mode": "giving_code", "currency": "JPY", "country": "JP"}
    answer = program.open(**tokyo, **{field: value})
    assert [error["pointer"] for error in problem_in(answer, 422)["errors"]] == [pointer]


def test_options_are_part_of_the_gift(program: Program) -> None:
    """A repeated idempotency key gets the same gift, or an error if the gift's options differ."""
    key = new_key()
    first = program.open(key, **OPTIONS)
    assert first.status_code == 201
    again = program.open(key, **OPTIONS)
    assert again.json()["id"] == first.json()["id"]
    assert program.open(key, **OPTIONS | {"note": "another"}).status_code in (409, 422)
    other_key = new_key()
    assert program.open(other_key).json()["id"] == program.open(other_key, note="").json()["id"]
