"""What a donor adds to a gift: kept as it is, refused beside its field, and never asked twice."""

import re
from pathlib import Path

import pytest

from donate.gifts.models import Gift, GiftWish
from donate.gifts.queries import wish_of
from donate.storage.database import Database
from tests.donors.options import OPTIONS
from tests.donors.visiting import Visitor, visiting, words_of


@pytest.fixture
def generous(database: Database, database_url: str, tmp_path: Path) -> Visitor:  # type: ignore[misc]
    """Somebody at a region that offers every option."""
    regions = Path(__file__).with_name("regions.toml").read_text(encoding="utf-8")
    path = tmp_path / "regions.toml"
    path.write_text(regions + OPTIONS, encoding="utf-8")
    with visiting(database, database_url, regions_file=path) as visitor:
        yield visitor


def added(visitor: Visitor, gift: Gift) -> GiftWish | None:
    with visitor.database.reading() as session:
        return wish_of(session, gift)


def test_everything_is_kept_and_shown(generous: Visitor) -> None:
    """Fund, anonymity, words and tribute are recorded with the gift, and read back on its page."""
    gift = generous.given(
        fund="building",
        anonymous="yes",
        note="  With love,\r\nAnn  ",
        tribute_kind="memory",
        tribute_name="Grandma <Jo>",
    )
    wish = added(generous, gift)
    assert wish is not None
    assert (wish.fund, wish.is_anonymous, wish.fee_cover_minor) == ("building", True, 0)
    assert (wish.note, wish.tribute_name) == ("With love,\nAnn", "Grandma <Jo>")
    page = generous.get(f"/gifts/{gift.token}").text
    assert "The building" in words_of(page)
    assert "Grandma &lt;Jo&gt;" in page
    assert "With love" not in page


def test_nothing_is_ticked_and_nothing_is_kept_unasked(generous: Visitor) -> None:
    """The form comes with nothing chosen, and a gift without options has no row of them."""
    page = generous.get("/give/LWCAN").text
    assert "More options" in page
    ticked = re.findall(r'id="([^"]+)"[^>]* checked', page)
    assert ticked == ["mode-card", "tribute-none"]
    assert added(generous, generous.given()) is None


def test_the_fee_is_part_of_the_gift(generous: Visitor) -> None:
    """50.00 with the fee covered is a gift of 51.80, of which 1.80 is for the fee."""
    gift = generous.given(mode="card", cover_fee="yes")
    wish = added(generous, gift)
    assert (gift.amount_minor, wish and wish.fee_cover_minor) == (5_180, 180)
    page = words_of(generous.get(f"/gifts/{gift.token}").text)
    assert "$51.80" in page
    assert "$1.80" in page


def test_another_mode_without_a_fee_takes_the_cover_off(generous: Visitor) -> None:
    """Given by Interac instead, the gift is what was wanted, and all else that was added stays."""
    gift = generous.given(mode="card", cover_fee="yes", note="For the choir")
    generous.post(f"/gifts/{gift.token}/instead", mode="interac")
    (other,) = [g for g in generous.gifts() if g.mode == "interac"]
    wish = added(generous, other)
    assert wish is not None
    assert (other.amount_minor, wish.fee_cover_minor, wish.note) == (5_000, 0, "For the choir")


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("note", "x" * 501, "Please shorten this to 500 characters."),
        ("note", "4242 4242 4242 4242", "That looks like a card number."),
        ("note", "a\x07b", "This has a character that we cannot store."),
        ("tribute_kind", "honour", "Please enter the name of the person."),
        ("tribute_kind", "praise", "Please choose: in honour or in memory of somebody."),
        ("tribute_name", "Jo", "Please choose: in honour or in memory of somebody."),
        ("fund", "castle", "Please choose what it is for from the list."),
        ("cover_fee", "yes", "This way to give has no fee to cover."),
    ],
)
def test_what_cannot_be_kept_is_said(
    generous: Visitor, field: str, typed: str, sentence: str
) -> None:
    """A sentence stands beside the field, no gift is opened, and the options stay open."""
    answer = generous.give(**{field: typed})
    assert answer.status_code == 422
    assert sentence in words_of(answer.text)
    assert 'class="more" open' in answer.text
    assert generous.gifts() == []


@pytest.mark.parametrize(
    "fields",
    [
        {"note": "hello"},
        {"anonymous": "yes"},
        {"fund": "building"},
        {"tribute_kind": "honour", "tribute_name": "Jo"},
        {"mode": "card", "cover_fee": "yes"},
    ],
)
def test_a_region_that_does_not_offer_it_refuses_it(
    visitor: Visitor, fields: dict[str, str]
) -> None:
    """Whatever a page showed, an option is the region's to offer."""
    assert "More options" not in visitor.get("/give/LWCAN").text
    assert visitor.give(**fields).status_code == 422


def test_another_wish_is_another_gift(generous: Visitor) -> None:
    """The same form with other words in it is not the gift that was opened before."""
    nonce = generous.nonce()
    for note in ("one", "one", "two"):
        generous.give(nonce=nonce, note=note)
    assert len(generous.gifts()) == 2
