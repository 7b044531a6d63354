"""Values just inside and just outside the limits of a covered fee and of a donor's wishes."""

from typing import Any

import pytest

from donate.errors import BadInput, BadInputs
from donate.gifts.choosing.choice import MAX_NAME, Choice, check_choice
from donate.gifts.choosing.options import MAX_NOTE, MAX_TRIBUTE, Wishes, fee_cover, tidy_words
from donate.money import Money
from donate.regions.modes import Mode
from donate.regions.regions import Region
from donate.regions.terms import Fee, Options
from tests.gifts.samples import CANADA

FEE = Fee(basis_points=290, fixed_minor=30)
CARD = CANADA.modes[Mode.CARD].model_copy(update={"fee": FEE})
ALL_OPTIONS = Options(anonymous=True, note=True, tribute=True)
WITH_ALL = CANADA.model_copy(
    update={
        "modes": dict(CANADA.modes) | {Mode.CARD: CARD},
        "options": ALL_OPTIONS,
        "funds": {"roof": "The roof"},
    }
)
NO_FEE = WITH_ALL.model_copy(update={"modes": {Mode.CARD: CARD.model_copy(update={"fee": None})}})
WITH_NONE = WITH_ALL.model_copy(update={"options": Options(), "funds": {}})
ICELAND = WITH_ALL.model_copy(update={"currency": "ISK"})
FEE_COVERED = Wishes(covers_fee=True)


def choose(
    wishes: Wishes = FEE_COVERED,
    *,
    region: Region = WITH_ALL,
    amount_minor: int = 5_000,
    **more: Any,
) -> Choice:
    fields: dict[str, Any] = {"mode": "card", "frequency": "once", "country": "CA"}
    fields |= {"language": "en-CA", "name": "Ann Lee", "email": "ann@example.com"}
    fields |= {"amount": Money(amount_minor, "CAD")}
    return check_choice(region, wishes=wishes, **fields | more)


def refused(*wishes: Wishes, **more: Any) -> list[tuple[str, str]]:
    with pytest.raises(BadInputs) as raised:
        choose(*wishes, **more)
    return [(problem.field, problem.message % problem.values) for problem in raised.value.problems]


def test_the_fee_comes_on_top() -> None:
    """A donor who covers the fee is charged the gift plus the fee, and the fee is stored."""
    choice = choose()
    assert (choice.amount, choice.fee_cover_minor) == (Money(5_180, "CAD"), 180)
    assert choice.wish_row()["fee_cover_minor"] == 180
    without = choose(Wishes(note="Thanks"))
    assert (without.amount, without.fee_cover_minor) == (Money(5_000, "CAD"), 0)
    assert without.wish_row() == {
        "is_anonymous": False,
        "note": "Thanks",
        "tribute_kind": "",
        "tribute_name": "",
        "fee_cover_minor": 0,
    }
    assert choose(Wishes()).wish_row() == {}


@pytest.mark.parametrize(
    ("amount_minor", "message"),
    [
        (200, None),
        (100, "The minimum for this payment method is $2.00."),
        (2_427_470, None),
        (2_427_471, "The maximum for this payment method is $25,000.00."),
    ],
)
def test_what_is_charged_keeps_to_the_limits(amount_minor: int, message: str | None) -> None:
    """The region's limits apply to what is charged, which includes the covered fee."""
    if message is None:
        assert 200 <= choose(amount_minor=amount_minor).amount.amount_minor <= 2_500_000
    else:
        assert refused(amount_minor=amount_minor) == [("amount", message)]


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
def test_a_fee_is_covered_only_in_a_mode_with_one(more: dict[str, Any], field: str) -> None:
    """A donor can cover the fee only if the mode has one.

    If the amount or currency is wrong, that is the only problem reported.
    """
    assert [refused_field for refused_field, _ in refused(**more)] == [field]
    assert fee_cover(NO_FEE, "card", Money(5_000, "CAD")) is None
    assert fee_cover(WITH_ALL, "no mode", Money(5_000, "CAD")) is None
    assert fee_cover(WITH_ALL, "card", Money(5_000, "CAD")) == Money(180, "CAD")


@pytest.mark.parametrize("amount_minor", [4_999, 5_000, 5_001, 5_050, 5_100])
def test_an_amount_in_kronur_is_whole(amount_minor: int) -> None:
    """An amount in Icelandic krónur must be whole, because Stripe refuses fractions."""
    fields: dict[str, Any] = {"region": ICELAND, "amount": Money(amount_minor, "ISK")}
    if amount_minor % 100:
        sentence = "We can’t accept this exact amount in this currency. Please round it."
        assert refused(Wishes(), **fields) == [("amount", sentence)]
    else:
        assert choose(Wishes(), **fields).amount == Money(amount_minor, "ISK")


NOT_OFFERED = "This option isn’t available here."
CANNOT_STORE = "This text has a character we can’t use. Please remove it."
TRIBUTE = {"tribute_kind": "honour", "tribute_name": "Zo\u00eb"}


@pytest.mark.parametrize(
    ("wish", "field", "message"),
    [
        ({"fund": "roof"}, "", ""),
        ({"fund": "cellar"}, "fund", "Please choose a fund from the list."),
        ({"is_anonymous": True}, "", ""),
        ({"note": "x" * MAX_NOTE}, "", ""),
        ({"note": "x" * (MAX_NOTE + 1)}, "note", "Please shorten this to 500 characters."),
        ({"note": "a\nb \U0001f642"}, "", ""),
        ({"note": "a\tb"}, "note", CANNOT_STORE),
        ({"note": "a\ud800"}, "note", CANNOT_STORE),
        ({"note": "a\ue000"}, "note", CANNOT_STORE),
        ({"note": "a\uffff"}, "note", CANNOT_STORE),
        (
            {"note": "4242 4242 4242 4242"},
            "note",
            "That looks like a card number. Please remove it.",
        ),
        (TRIBUTE, "", ""),
        (TRIBUTE | {"tribute_kind": "memory"}, "", ""),
        (
            TRIBUTE | {"tribute_kind": "spite"},
            "tribute",
            "Please choose “In honour of” or “In memory of”.",
        ),
        (
            {"tribute_name": "Zo\u00eb"},
            "tribute",
            "Please choose “In honour of” or “In memory of”.",
        ),
        (
            {"tribute_kind": "honour"},
            "tribute",
            "Please enter the name of the person you’re honouring or remembering.",
        ),
        (
            TRIBUTE | {"tribute_name": "\u200b"},
            "tribute",
            "Please enter the name of the person you’re honouring or remembering.",
        ),
        (TRIBUTE | {"tribute_name": "x" * MAX_TRIBUTE}, "", ""),
        (
            TRIBUTE | {"tribute_name": "x" * (MAX_TRIBUTE + 1)},
            "tribute",
            "Please shorten this to 200 characters.",
        ),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_which_wishes_are_stored(wish: dict[str, Any], field: str, message: str) -> None:
    """A donor's wish, such as a fund or a note, is stored unchanged or refused."""
    if field:
        assert refused(Wishes(**wish)) == [(field, message)]
    else:
        assert choose(Wishes(**wish)).wishes == Wishes(**wish)


@pytest.mark.parametrize(
    ("wish", "field", "message"),
    [
        ({"fund": "roof"}, "fund", "Please choose a fund from the list."),
        ({"is_anonymous": True}, "anonymous", NOT_OFFERED),
        ({"note": "x"}, "note", NOT_OFFERED),
        ({"tribute_kind": "honour"}, "tribute", NOT_OFFERED),
        ({"tribute_name": "x"}, "tribute", NOT_OFFERED),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_option_that_a_region_does_not_offer_is_refused(
    wish: dict[str, Any], field: str, message: str
) -> None:
    """A donor's wish is refused if the region does not offer that option."""
    assert refused(Wishes(**wish), region=WITH_NONE) == [(field, message)]


@pytest.mark.parametrize(
    ("typed", "tidied"),
    [
        (" a\r\nb\rc\n", "a\nb\nc"),
        ("e\u0301", "\u00e9"),
        ("e\u0301" * MAX_NOTE * 2, "\u00e9" * MAX_NOTE * 2),
        ("e\u0301" * MAX_NOTE * 2 + "e", "e\u0301" * MAX_NOTE * 2 + "e"),
    ],
    ids=["lines", "one form", "two thousand", "one more"],
)
def test_words_are_tidied(typed: str, tidied: str) -> None:
    """A donor's text gets normal line ends and Unicode, unless it is far too long."""
    assert tidy_words(typed) == tidied
    assert MAX_NAME == 200
