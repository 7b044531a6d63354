"""What letters say: each kind in both languages, the same as text and as HTML."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any, Final

import pytest

from donate.gifts.models import GiftWish
from donate.letters.context import LetterContext
from donate.letters.email_message import Composer
from donate.letters.kinds import LetterKind
from donate.letters.words.by_kind import draft
from donate.letters.words.draft import Draft, name_to_greet
from donate.regions.modes import Mode
from donate.regions.regions import Text, Way
from donate.storage.database import Database
from tests.letters.every_kind import a_letter
from tests.letters.post import SENDER, SITE, markup, plain
from tests.real_parts import Sqlite
from tests.stripe_gateway.given import NOW

WITHOUT_END: Final = frozenset({"br", "meta", "wbr", "!doctype"})
OURS: Final = tuple(f"{SITE}/{room}/" for room in ("give", "gifts", "pledges"))
CASES = [
    (kind, mode)
    for kind in LetterKind
    for mode in ("interac", "giving_code")
    if kind in (LetterKind.INSTRUCTIONS, LetterKind.REMINDER) or mode == "interac"
]


@pytest.fixture(scope="module")
def empty(sqlite: Sqlite) -> Database:
    return Database(sqlite.fresh_url())


def sentences(said: Draft) -> list[str]:
    """Return all that a draft says, without what is the same in every language."""
    labels = [label for label, _ in said.rows]
    links = [said.link[0], *([said.manage[0]] if said.manage else [])]
    return [said.subject, said.headline, *said.before, *labels, *said.after, *links]


class Reader(HTMLParser):
    """Reads a page as a strict reader would: every element is closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name == "href" and value]
        if tag not in WITHOUT_END:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "title"} & set(self.open):
            self.words += data.split()


def read_page(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def bare(words: list[str]) -> list[str]:
    """Return words without the colons that stand between a label and its value."""
    return sorted(word.rstrip(":") for word in words if word != ":")


@pytest.mark.parametrize(("kind", "mode"), CASES)
def test_each_letter_is_written_in_each_language(
    empty: Database, kind: LetterKind, mode: str
) -> None:
    """No sentence, label or link of a French letter stands there in English."""
    said = {}
    for language in ("en-CA", "fr-CA"):
        _, about = a_letter(empty, kind, language, mode)
        said[language] = sentences(draft(kind, about))
    english, french = said["en-CA"], said["fr-CA"]
    assert len(english) == len(french)
    same = {a for a, b in zip(english, french, strict=True) if a == b}
    assert same <= {"Date"}


@pytest.mark.parametrize("language", ["en-CA", "fr-CA"])
@pytest.mark.parametrize(("kind", "mode"), CASES)
def test_text_and_html_say_the_same(
    empty: Database, kind: LetterKind, mode: str, language: str
) -> None:
    """The HTML is whole, loads nothing, and has the words and the links of the plain text."""
    letter, about = a_letter(empty, kind, language, mode)
    message = Composer(SENDER).compose(letter, about, NOW)
    page = read_page(markup(message))
    text = plain(message)
    addresses = re.findall(r"https://\S+", text)
    assert bare(page.words) == bare(re.sub(r"https://\S+", "", text).split())
    assert [link for link in page.links if link.startswith("https")] == addresses
    assert all(link.startswith((*OURS, "mailto:")) for link in page.links)
    assert page.tags.isdisjoint({"img", "link", "script", "iframe", "form"})
    assert "None" not in text
    assert "%(" not in text
    assert message["Content-Language"] == language


@pytest.mark.parametrize("language", ["en-CA", "fr-CA"])
def test_an_interac_letter_has_what_the_bank_asks_for(empty: Database, language: str) -> None:
    """Address, exact amount and reference stand in it, and the reference comes first."""
    letter, about = a_letter(empty, LetterKind.INSTRUCTIONS, language)
    message = Composer(SENDER).compose(letter, about, NOW)
    assert message["Subject"].startswith(about.gift.reference)
    text = plain(message)
    amount = "50,00\u00a0$" if language == "fr-CA" else "$50.00"
    for needed in ("partnership@loveworldcan.ca", amount, about.gift.reference, about.page):
        assert needed in text


def test_a_large_transfer_may_be_split(empty: Database) -> None:
    """Above what banks let through at a time, the letter says how to split, and only then."""
    _, about = a_letter(empty, LetterKind.INSTRUCTIONS, "en-CA")
    assert "several" not in " ".join(draft(LetterKind.INSTRUCTIONS, about).after)
    about.gift.amount_minor = 650_000
    said = " ".join(draft(LetterKind.INSTRUCTIONS, about).after)
    assert "same reference: $3,000.00 + $3,000.00 + $500.00" in said


@pytest.mark.parametrize(
    ("autodeposit", "said"),
    [(True, "No security question is asked"), (False, "please write to"), (None, "write to")],
)
def test_a_security_question_is_only_warned_of(
    empty: Database, autodeposit: bool | None, said: str
) -> None:
    """Where transfers need no question the letter says so; else whom to ask, and no answer."""
    _, about = a_letter(empty, LetterKind.INSTRUCTIONS, "en-CA")
    assert about.region
    assert about.terms
    terms = about.terms.model_copy(update={"autodeposit": autodeposit})
    region = about.region.model_copy(update={"modes": {Mode.INTERAC: terms}})
    assert said in " ".join(draft(LetterKind.INSTRUCTIONS, replace(about, region=region)).after)


def test_ways_to_give_by_code_stand_in_the_letter(empty: Database) -> None:
    """Each way that a region knows of is explained in the donor's language."""
    _, about = a_letter(empty, LetterKind.INSTRUCTIONS, "fr-CA", "giving_code")
    assert about.region
    assert about.terms
    way = Way(
        name=Text(en="By cheque", fr="Par chèque"),
        instructions=Text(en="Post it.", fr="Postez-le."),
    )
    terms = about.terms.model_copy(update={"ways": [way]})
    region = about.region.model_copy(update={"modes": {Mode.GIVING_CODE: terms}})
    before = draft(LetterKind.INSTRUCTIONS, replace(about, region=region)).before
    assert "Par chèque\u00a0: Postez-le." in before


def test_a_part_is_not_called_the_whole(empty: Database) -> None:
    """Thanks for a transfer that came in part say what was chosen and what has come so far."""
    _, about = a_letter(empty, LetterKind.THANK_YOU, "en-CA")
    assert ("Amount", "$50.00") in draft(LetterKind.THANK_YOU, about).rows
    about.gift.received_minor = 2_000
    rows = draft(LetterKind.THANK_YOU, about).rows
    assert rows[:2] == (("Your gift", "$50.00"), ("Received so far", "$20.00"))


def a_wish(about: LetterContext, **more: Any) -> GiftWish:
    nothing = dict.fromkeys(("fund", "note", "tribute_kind", "tribute_name"), "")
    given: dict[str, Any] = {"is_anonymous": False, "fee_cover_minor": 0} | nothing | more
    return GiftWish(gift_id=about.gift.id, **given)


def test_what_was_added_stands_in_the_thanks(empty: Database) -> None:
    """Fund, tribute and what covers the fee are confirmed in the donor's language."""
    _, about = a_letter(empty, LetterKind.THANK_YOU, "fr-CA")
    assert about.region
    region = about.region.model_copy(update={"funds": {"roof": Text(en="Roof", fr="Toit")}})
    wish = a_wish(
        about, fund="roof", tribute_kind="memory", tribute_name="Ada", fee_cover_minor=150
    )
    rows = draft(LetterKind.THANK_YOU, replace(about, region=region, wish=wish)).rows
    assert {"Toit", "Ada", "1,50\u00a0$"} <= {value for _, value in rows}
    bare = draft(LetterKind.THANK_YOU, replace(about, wish=a_wish(about))).rows
    assert len(rows) == len(bare) + 3


def test_only_what_is_known_of_an_addition_is_said(empty: Database) -> None:
    """A fund that is gone, words in place of a name, and another month's cover are left out."""
    _, about = a_letter(empty, LetterKind.THANK_YOU, "en-CA")
    assert about.first
    wish = a_wish(
        about, fund="gone", tribute_kind="honour", tribute_name="see x.org", fee_cover_minor=150
    )
    first = type(about.first)(**about.first.model_dump() | {"amount_minor": 1_000})
    rows = draft(LetterKind.THANK_YOU, replace(about, first=first, wish=wish)).rows
    assert [label for label, _ in rows] == ["Amount", "Date", "Reference"]


def test_letters_about_a_month_lead_to_the_pledge(empty: Database) -> None:
    """A letter about a month of a pledge carries the link where the donor can change it."""
    for kind in (LetterKind.THANK_YOU, LetterKind.MONTH_FAILED):
        _, about = a_letter(empty, kind, "en-CA")
        said = draft(kind, about)
        assert about.first
        assert said.manage
        assert said.manage[1] == f"{SITE}/pledges/{about.first.token}"
    _, about = a_letter(empty, LetterKind.MONTH_FAILED, "en-CA")
    assert about.gift.token in draft(LetterKind.MONTH_FAILED, about).link[1]


@pytest.mark.parametrize(
    "name",
    [
        "Ann Lee",
        "Zoë O’Hara-Ngũgĩ",
        "St. Mary’s Church",
        "李小龍",
        "Jean-Luc d'Arc, Jr.",
        "श्री राम",
    ],
)
def test_a_name_is_greeted(name: str) -> None:
    """Names as people and churches have them stand in the greeting."""
    assert name_to_greet(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "You won, see example.org/prize",
        "https:evil",
        "Call 555 0199 now",
        "Pay $900 here",
        "WWW is waiting",
        "write to me@example.org",
        "a" * 61,
        "Ann\u202eeeL",
        "Your account is locked。Go to evil。com",
        "Pay ￥５００ at evil．com",
        "Call １８００５５５１２１２ now",
        "evil․com",
        "ＷＷＷ evil",
    ],
)
def test_what_may_be_a_message_is_not_repeated(name: str) -> None:
    """A stranger can type any name for any address: nothing that could be spam is passed on."""
    assert name_to_greet(name) == ""
