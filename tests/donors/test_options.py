"""Options of a gift are stored, or refused with a message at their field."""

import re
from pathlib import Path

import pytest

from donate.gifts.models import Gift, GiftWish
from donate.gifts.queries import wish_of
from donate.storage.database import Database
from tests.donors.options import OPTIONS
from tests.donors.visitor import Visitor, visiting, words_of
from tests.links import token_of


@pytest.fixture
def full_options(database: Database, database_url: str, tmp_path: Path) -> Visitor:  # type: ignore[misc]
    """A client of a service whose region offers every option."""
    regions = Path(__file__).with_name("regions.toml").read_text(encoding="utf-8")
    path = tmp_path / "regions.toml"
    path.write_text(regions + OPTIONS, encoding="utf-8")
    with visiting(database, database_url, regions_file=path) as visitor:
        yield visitor


def stored_wish(visitor: Visitor, gift: Gift) -> GiftWish | None:
    with visitor.database.reading() as session:
        return wish_of(session, gift)


def test_options_are_stored_and_shown(full_options: Visitor) -> None:
    """Fund, anonymity, note and tribute are stored; the gift's page shows fund and tribute."""
    gift = full_options.open_gift(
        fund="building",
        anonymous="yes",
        note="  With love,\r\nAnn  ",
        tribute_kind="memory",
        tribute_name="Grandma <Jo>",
    )
    wish = stored_wish(full_options, gift)
    assert wish is not None
    assert (gift.fund, wish.is_anonymous, wish.fee_cover_minor) == ("building", True, 0)
    assert (wish.note, wish.tribute_name) == ("With love,\nAnn", "Grandma <Jo>")
    page = full_options.get(f"/gifts/{token_of(gift)}").text
    assert "The building" in words_of(page)
    assert "Grandma &lt;Jo&gt;" in page
    assert "With love" not in page


def test_no_option_is_selected_or_stored_unasked(full_options: Visitor) -> None:
    """The form has no option selected at first, and a gift without options stores none."""
    page = full_options.get("/give/LWCAN").text
    assert "More options" in page
    checked = re.findall(r'id="([^"]+)"[^>]* checked', page)
    assert checked == ["mode-card", "tribute-none"]
    assert stored_wish(full_options, full_options.open_gift()) is None


def test_the_fee_is_part_of_the_gift(full_options: Visitor) -> None:
    """50.00 with the fee covered is a gift of 51.80, of which 1.80 covers the fee."""
    gift = full_options.open_gift(mode="card", cover_fee="yes")
    wish = stored_wish(full_options, gift)
    assert (gift.amount_minor, wish and wish.fee_cover_minor) == (5_180, 180)
    page = words_of(full_options.get(f"/gifts/{token_of(gift)}").text)
    assert "$51.80" in page
    assert "$1.80" in page


def test_another_mode_without_a_fee_takes_the_cover_off(full_options: Visitor) -> None:
    """If the donor changes to a mode without a fee, the gift covers no fee, and keeps its note."""
    gift = full_options.open_gift(mode="card", cover_fee="yes", note="For the choir")
    full_options.post(f"/gifts/{token_of(gift)}/instead", mode="interac")
    (other,) = [g for g in full_options.gifts() if g.mode == "interac"]
    wish = stored_wish(full_options, other)
    assert wish is not None
    assert (other.amount_minor, wish.fee_cover_minor, wish.note) == (5_000, 0, "For the choir")


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("note", "x" * 501, "Please shorten this to 500 characters."),
        ("note", "4242 4242 4242 4242", "That looks like a card number."),
        ("note", "a\x07b", "This text has a character we can’t use. Please remove it."),
        (
            "tribute_kind",
            "honour",
            "Please enter the name of the person you’re honouring or remembering.",
        ),
        ("tribute_kind", "praise", "Please choose “In honour of” or “In memory of”."),
        ("tribute_name", "Jo", "Please choose “In honour of” or “In memory of”."),
        ("fund", "castle", "Please choose a fund from the list."),
        ("cover_fee", "yes", "This payment method has no fees to cover."),
    ],
)
def test_a_bad_option_is_refused_at_its_field(
    full_options: Visitor, field: str, typed: str, sentence: str
) -> None:
    """A bad option gets a message at its field, which is in sight, and opens no gift."""
    answer = full_options.give(**{field: typed})
    assert answer.status_code == 422
    assert sentence in words_of(answer.text)
    folded_away = field not in ("fund", "cover_fee")
    assert ('class="more-options" open' in answer.text) == folded_away
    assert full_options.gifts() == []


@pytest.mark.parametrize(
    "fields",
    [
        {"note": "hello"},
        {"anonymous": "yes"},
        {"fund": "building"},
        {"tribute_kind": "honour", "tribute_name": "Jo"},
        {"mode": "card", "cover_fee": "yes"},
    ],
    ids=str,
)
def test_an_option_that_is_not_offered_is_refused(visitor: Visitor, fields: dict[str, str]) -> None:
    """An option that the region does not offer is refused."""
    assert "More options" not in visitor.get("/give/LWCAN").text
    assert visitor.give(**fields).status_code == 422


def test_another_wish_is_another_gift(full_options: Visitor) -> None:
    """A form that is sent again with another note opens another gift."""
    nonce = full_options.nonce()
    for note in ("one", "one", "two"):
        full_options.give(nonce=nonce, note=note)
    assert len(full_options.gifts()) == 2
