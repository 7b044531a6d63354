"""Both sides of what a donor may choose and add: the fee on top, and each wish."""

from typing import Any

import pytest

from donate.errors import BadInput, BadInputs
from donate.gifts.choosing.choice import MAX_NAME, Choice, check_choice
from donate.gifts.choosing.options import MAX_NOTE, MAX_TRIBUTE, Wishes, fee_cover, tidy_words
from donate.money import Money
from donate.regions.modes import Mode
from donate.regions.parts import Fee, Options
from donate.regions.regions import Region
from tests.gifts.given import CANADA

FEE = Fee(basis_points=290, fixed_minor=30)
CARD = CANADA.modes[Mode.CARD].model_copy(update={"fee": FEE})
ALL = Options(anonymous=True, note=True, tribute=True)
OPEN = CANADA.model_copy(
    update={
        "modes": dict(CANADA.modes) | {Mode.CARD: CARD},
        "options": ALL,
        "funds": {"roof": "The roof"},
    }
)
NO_FEE = OPEN.model_copy(update={"modes": {Mode.CARD: CARD.model_copy(update={"fee": None})}})
SHUT = OPEN.model_copy(update={"options": Options(), "funds": {}})
ICELAND = OPEN.model_copy(update={"currency": "ISK"})
COVERED = Wishes(covers_fee=True)


def choose(
    wishes: Wishes = COVERED, *, region: Region = OPEN, amount_minor: int = 5_000, **more: Any
) -> Choice:
    given: dict[str, Any] = {"mode": "card", "frequency": "once", "country": "CA"}
    given |= {"language": "en-CA", "name": "Ann Lee", "email": "ann@example.com"}
    given |= {"amount": Money(amount_minor, "CAD")}
    return check_choice(region, wishes=wishes, **given | more)


def refused(*given: Wishes, **more: Any) -> list[tuple[str, str]]:
    with pytest.raises(BadInputs) as found:
        choose(*given, **more)
    return [(one.field, one.message % one.values) for one in found.value.problems]


def test_the_fee_comes_on_top() -> None:
    """What is charged is the gift and its fee, and which part is the fee is kept beside it."""
    choice = choose()
    assert (choice.amount, choice.fee_cover_minor) == (Money(5_180, "CAD"), 180)
    assert choice.wish_row()["fee_cover_minor"] == 180
    without = choose(Wishes(note="Thanks"))
    assert (without.amount, without.fee_cover_minor) == (Money(5_000, "CAD"), 0)
    assert without.wish_row() == {
        "fund": "",
        "is_anonymous": False,
        "note": "Thanks",
        "tribute_kind": "",
        "tribute_name": "",
        "fee_cover_minor": 0,
    }
    assert choose(Wishes()).wish_row() == {}


@pytest.mark.parametrize(
    ("amount_minor", "says"),
    [
        (200, None),
        (100, "The smallest gift in this way is $2.00."),
        (2_427_470, None),
        (2_427_471, "The largest gift in this way is $25,000.00."),
    ],
)
def test_what_is_charged_keeps_to_the_limits(amount_minor: int, says: str | None) -> None:
    """It is the whole payment, with the fee in it, that may be neither too small nor too large."""
    if says is None:
        assert 200 <= choose(amount_minor=amount_minor).amount.amount_minor <= 2_500_000
    else:
        assert refused(amount_minor=amount_minor) == [("amount", says)]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"mode": "interac"}, "cover_fee"),
        ({"region": NO_FEE}, "cover_fee"),
        ({"amount": Money(5_000, "USD")}, "currency"),
        ({"amount": BadInput("amount", "Please enter an amount.")}, "amount"),
    ],
    ids=["no fee", "none here", "another currency", "no amount"],
)
def test_a_fee_is_covered_where_there_is_one(more: dict[str, Any], field: str) -> None:
    """Where a mode has no fee there is none to cover, and what is wrong is named by itself."""
    assert [one for one, _ in refused(**more)] == [field]
    assert fee_cover(NO_FEE, "card", Money(5_000, "CAD")) is None
    assert fee_cover(OPEN, "no mode", Money(5_000, "CAD")) is None
    assert fee_cover(OPEN, "card", Money(5_000, "CAD")) == Money(180, "CAD")


@pytest.mark.parametrize("amount_minor", [4_999, 5_000, 5_001, 5_050, 5_100])
def test_an_amount_is_a_whole_number_of_steps(amount_minor: int) -> None:
    """A program cannot ask for what Stripe would refuse: parts of an Icelandic crown."""
    given: dict[str, Any] = {"region": ICELAND, "amount": Money(amount_minor, "ISK")}
    if amount_minor % 100:
        sentence = "Please enter a whole amount in this currency."
        assert refused(Wishes(), **given) == [("amount", sentence)]
    else:
        assert choose(Wishes(), **given).amount == Money(amount_minor, "ISK")


HERE = "That is not offered here."
STORE = "This has a character that we cannot store."
NAMED = {"tribute_kind": "honour", "tribute_name": "Zo\u00eb"}


@pytest.mark.parametrize(
    ("wish", "field", "says"),
    [
        ({"fund": "roof"}, "", ""),
        ({"fund": "cellar"}, "fund", "Please choose what it is for from the list."),
        ({"is_anonymous": True}, "", ""),
        ({"note": "x" * MAX_NOTE}, "", ""),
        ({"note": "x" * (MAX_NOTE + 1)}, "note", "Please shorten this to 500 characters."),
        ({"note": "a\nb \U0001f642"}, "", ""),
        ({"note": "a\tb"}, "note", STORE),
        ({"note": "a\ud800"}, "note", STORE),
        ({"note": "a\ue000"}, "note", STORE),
        ({"note": "a\uffff"}, "note", STORE),
        (
            {"note": "4242 4242 4242 4242"},
            "note",
            "That looks like a card number. Please never write one here.",
        ),
        (NAMED, "", ""),
        (NAMED | {"tribute_kind": "memory"}, "", ""),
        (
            NAMED | {"tribute_kind": "spite"},
            "tribute",
            "Please choose: in honour or in memory of somebody.",
        ),
        (
            {"tribute_name": "Zo\u00eb"},
            "tribute",
            "Please choose: in honour or in memory of somebody.",
        ),
        ({"tribute_kind": "honour"}, "tribute", "Please enter the name of the person."),
        (NAMED | {"tribute_name": "\u200b"}, "tribute", "Please enter the name of the person."),
        (NAMED | {"tribute_name": "x" * MAX_TRIBUTE}, "", ""),
        (
            NAMED | {"tribute_name": "x" * (MAX_TRIBUTE + 1)},
            "tribute",
            "Please shorten this to 200 characters.",
        ),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_which_wishes_are_kept(wish: dict[str, Any], field: str, says: str) -> None:
    """Each wish is kept as it came, up to its limit, or refused beside its field."""
    if field:
        assert refused(Wishes(**wish)) == [(field, says)]
    else:
        assert choose(Wishes(**wish)).wishes == Wishes(**wish)


@pytest.mark.parametrize(
    ("wish", "field", "says"),
    [
        ({"fund": "roof"}, "fund", "Please choose what it is for from the list."),
        ({"is_anonymous": True}, "anonymous", HERE),
        ({"note": "x"}, "note", HERE),
        ({"tribute_kind": "honour"}, "tribute", HERE),
        ({"tribute_name": "x"}, "tribute", HERE),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_a_region_has_not_switched_on_is_refused(
    wish: dict[str, Any], field: str, says: str
) -> None:
    """Options are off until a region says otherwise, whatever a program sends."""
    assert refused(Wishes(**wish), region=SHUT) == [(field, says)]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" a\r\nb\rc\n", "a\nb\nc"),
        ("e\u0301", "\u00e9"),
        ("e\u0301" * MAX_NOTE * 2, "\u00e9" * MAX_NOTE * 2),
        ("e\u0301" * MAX_NOTE * 2 + "e", "e\u0301" * MAX_NOTE * 2 + "e"),
    ],
    ids=["lines", "one form", "two thousand", "one more"],
)
def test_words_are_tidied(typed: str, kept: str) -> None:
    """Line ends and Unicode have one form; what is far too long is refused as it came."""
    assert tidy_words(typed) == kept
    assert MAX_NAME == 200
