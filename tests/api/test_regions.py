"""The API describes what a region offers, for pages of other sites that embed giving."""

import pytest

from tests.api.program import Program, problem_in

PLAIN = {
    "countries": [],
    "monthly": False,
    "not_monthly": {"en": "One-time gifts only.", "fr": "Pour les dons uniques seulement."},
    "elsewhere": None,
    "fee": None,
}
IN_CANADA = PLAIN | {
    "max_minor": 2500000,
    "countries": ["CA"],
    "elsewhere": {
        "en": "This payment method works only in Canada, with a Canadian bank account.",
        "fr": "Au Canada seulement, avec un compte bancaire canadien.",
    },
}
BANK_DEBIT = {
    "mode": "bank_debit",
    "name": {"en": "Bank debit", "fr": "Prélèvement bancaire"},
    "help": {
        "en": "From your Canadian bank account",
        "fr": "Depuis un compte canadien",
    },
}
INTERAC = {
    "mode": "interac",
    "name": {"en": "Interac e-Transfer", "fr": "Virement Interac"},
    "help": {
        "en": "From your Canadian bank’s app",
        "fr": "Depuis une banque canadienne",
    },
}
GIVING_CODE = {
    "mode": "giving_code",
    "name": {
        "en": "Cheque, transfer or in person",
        "fr": "Chèque, virement ou en personne",
    },
    "help": {
        "en": "We’ll give you a reference to include",
        "fr": "Nous vous donnerons une référence à indiquer",
    },
}
CARD = {
    "mode": "card",
    "name": {"en": "Card", "fr": "Carte"},
    "help": {
        "en": "Credit or debit card, on Stripe’s page",
        "fr": "Crédit ou débit, sur la page de Stripe",
    },
    "min_minor": 200,
    "max_minor": 2500000,
    "countries": [],
    "monthly": True,
    "not_monthly": None,
    "elsewhere": None,
    "fee": {"basis_points": 290, "fixed_minor": 30},
}


def test_what_a_region_offers(program: Program) -> None:
    """One answer describes all that a page needs: modes, limits, presets, options and funds."""
    answer = program.http.get("/api/v1/regions/LWCAN")
    assert answer.status_code == 200
    assert answer.json() == {
        "code": "LWCAN",
        "name": {"en": "Canada", "fr": "Canada (le)"},
        "organisation": {"en": "Example Charity", "fr": "Example Charity"},
        "purpose": {},
        "accents": {
            "light": {"base": "#1f5c4d", "strong": "#174a3e", "on": "#ffffff", "wash": "#e8f2ee"},
            "dark": {"base": "#86d3bb", "strong": "#a5e2cf", "on": "#0d241d", "wash": "#1e332c"},
        },
        "country": "CA",
        "currency": "CAD",
        "minor_digits": 2,
        "minor_step": 1,
        "languages": ["en-CA", "fr-CA"],
        "frequencies": ["once", "monthly"],
        "presets_minor": [2500, 5000],
        "presets_monthly_minor": [2500, 5000],
        "modes": [
            CARD,
            IN_CANADA | BANK_DEBIT | {"min_minor": 200, "monthly": True, "not_monthly": None},
            IN_CANADA | INTERAC | {"min_minor": 100},
            PLAIN | GIVING_CODE | {"min_minor": 100, "max_minor": 100000000},
        ],
        "options": ["anonymous", "note", "tribute"],
        "funds": {"building": {"en": "The building", "fr": "Le bâtiment"}},
        "give_url": "http://127.0.0.1:8000/give/LWCAN",
    }


@pytest.mark.parametrize(("code", "digits", "step"), [("LWJPN", 0, 1), ("LWKWT", 3, 10)])
def test_minor_units_are_described(program: Program, code: str, digits: int, step: int) -> None:
    """A region's description has its currency's decimals, and the step of valid amounts."""
    region = program.http.get(f"/api/v1/regions/{code}").json()
    assert (region["minor_digits"], region["minor_step"]) == (digits, step)


def test_a_region_without_monthly_gifts_gives_no_reason(program: Program) -> None:
    """Where no gift can be monthly, no mode says why it cannot be."""
    region = program.http.get("/api/v1/regions/LWJPN").json()
    assert "monthly" not in region["frequencies"]
    assert [mode["not_monthly"] for mode in region["modes"]] == [None] * len(region["modes"])


@pytest.mark.parametrize("typed", ["lwcan", "LW-CAN", "LWCAN ", "lw can", "LW\u2010CAN"])
def test_codes_as_people_type_them(program: Program, typed: str) -> None:
    """A giving code in any case, with spaces or dashes, finds its region."""
    assert program.http.get(f"/api/v1/regions/{typed}").json()["code"] == "LWCAN"


def test_an_unknown_code(program: Program) -> None:
    """An unknown giving code gets 404 with a suggestion, which pages of any origin can read."""
    answer = program.http.get("/api/v1/regions/LWCNA")
    assert problem_in(answer, 404)["suggestion"] == "LWCAN"
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    "typed", ["nothing-like-it", "%00", "%FF", "%F0%9F%8E%81", "x" * 3000, "a%2Fb"]
)
def test_a_code_unlike_any(program: Program, typed: str) -> None:
    """A giving code that is unlike any other gets 404 without a suggestion."""
    assert "suggestion" not in problem_in(program.http.get(f"/api/v1/regions/{typed}"), 404)


def test_readable_from_anywhere(program: Program) -> None:
    """Pages of any origin may read regions, and by default none may open or read gifts."""
    origin = {"Origin": "https://example.net"}
    regions = program.http.get("/api/v1/regions/LWCAN", headers=origin)
    assert regions.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in regions.headers
    preflight = {**origin, "Access-Control-Request-Method": "POST"}
    for answer in (
        program.http.options("/api/v1/gifts", headers=preflight),
        program.http.post("/api/v1/gifts", json={}, headers=origin),
        program.http.get("/api/v1/gifts/1", headers=origin),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_cached(program: Program) -> None:
    """A request with a region's current ETag gets 304 with the same headers."""
    first = program.http.get("/api/v1/regions/LWCAN")
    etag = first.headers["etag"]
    assert first.headers["cache-control"] == "public, max-age=300"
    for if_none_match in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = program.http.get("/api/v1/regions/lw-can", headers={"If-None-Match": if_none_match})
        assert (again.status_code, again.content) == (304, b"")
        for name in ("etag", "cache-control", "access-control-allow-origin"):
            assert again.headers[name] == first.headers[name]


@pytest.mark.parametrize("if_none_match", ['"other"', "", "garbage", 'W/""'])
def test_not_cached(program: Program, if_none_match: str) -> None:
    """A request with any other ETag gets the region's whole description."""
    answer = program.http.get("/api/v1/regions/LWCAN", headers={"If-None-Match": if_none_match})
    assert answer.status_code == 200


def test_each_region_has_its_etag(program: Program) -> None:
    """The descriptions of different regions have different ETags."""
    codes = ("LWCAN", "LWJPN", "LWKWT")
    tags = {program.http.get(f"/api/v1/regions/{code}").headers["etag"] for code in codes}
    assert len(tags) == 3
