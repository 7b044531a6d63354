"""What e-mails of each kind say, in English and French, as plain text and as HTML."""

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
from tests.letters.mailer import SENDER, SITE, markup, plain
from tests.links import token_of
from tests.real_parts import Sqlite
from tests.stripe_gateway.gifts_and_events import NOW

VOID_ELEMENTS: Final = frozenset({"br", "meta", "wbr", "!doctype"})
OURS: Final = tuple(f"{SITE}/{folder}/" for folder in ("give", "gifts", "pledges", "unsubscribe"))
CASES = [
    (kind, mode)
    for kind in LetterKind
    for mode in ("interac", "giving_code")
    if kind in (LetterKind.INSTRUCTIONS, LetterKind.REMINDER) or mode == "interac"
]


@pytest.fixture(scope="module")
def empty(sqlite: Sqlite) -> Database:
    return Database(sqlite.fresh_url())


def sentences(content: Draft) -> list[str]:
    """Return all translated texts of an e-mail's draft."""
    labels = [label for label, _ in content.rows]
    links = [link[0] for link in (content.link, content.manage, content.stop) if link]
    above, below = content.opening + content.before, content.after + content.closing
    return [content.subject, content.headline, *above, *labels, *below, *links]


class Reader(HTMLParser):
    """An HTML parser that requires every element to be closed, and collects words and links."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name == "href" and value]
        if tag not in VOID_ELEMENTS:
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


def without_colons(words: list[str]) -> list[str]:
    """Return the words sorted, and without colons, which only the plain text has after labels."""
    return sorted(word.rstrip(":") for word in words if word != ":")


@pytest.mark.parametrize(("kind", "mode"), CASES)
def test_each_letter_is_written_in_each_language(
    empty: Database, kind: LetterKind, mode: str
) -> None:
    """No sentence, label or link of a French e-mail is English."""
    texts = {}
    for language in ("en-CA", "fr-CA"):
        _, context = a_letter(empty, kind, language, mode)
        texts[language] = sentences(draft(kind, context))
    english, french = texts["en-CA"], texts["fr-CA"]
    assert len(english) == len(french)
    same = {a for a, b in zip(english, french, strict=True) if a == b}
    assert same <= {"Date"}


@pytest.mark.parametrize("language", ["en-CA", "fr-CA"])
@pytest.mark.parametrize(("kind", "mode"), CASES)
def test_text_and_html_say_the_same(
    empty: Database, kind: LetterKind, mode: str, language: str
) -> None:
    """An e-mail's HTML loads nothing, and has the same words and links as the plain text."""
    letter, context = a_letter(empty, kind, language, mode)
    message = Composer(SENDER).compose(letter, context, NOW)
    page = read_page(markup(message))
    text = plain(message)
    addresses = re.findall(r"https://\S+", text)
    assert without_colons(page.words) == without_colons(re.sub(r"https://\S+", "", text).split())
    assert [link for link in page.links if link.startswith("https")] == addresses
    assert all(link.startswith((*OURS, "mailto:")) for link in page.links)
    assert page.tags.isdisjoint({"img", "link", "script", "iframe", "form"})
    assert "None" not in text
    assert "%(" not in text
    assert message["Content-Language"] == language


@pytest.mark.parametrize("language", ["en-CA", "fr-CA"])
def test_an_interac_letter_has_what_the_bank_asks_for(empty: Database, language: str) -> None:
    """Instructions for Interac have what a bank asks for: e-mail address, amount and reference."""
    letter, context = a_letter(empty, LetterKind.INSTRUCTIONS, language)
    message = Composer(SENDER).compose(letter, context, NOW)
    assert message["Subject"].startswith(context.gift.reference)
    text = plain(message)
    amount = "50,00\u00a0$" if language == "fr-CA" else "$50.00"
    for needed in ("partnership@loveworldcan.ca", amount, context.gift.reference, context.page):
        assert needed in text


def test_a_large_transfer_may_be_split(empty: Database) -> None:
    """Instructions for Interac say how to split an amount that is above the bank's limit."""
    _, context = a_letter(empty, LetterKind.INSTRUCTIONS, "en-CA")
    assert "several" not in " ".join(draft(LetterKind.INSTRUCTIONS, context).after)
    context.gift.amount_minor = 650_000
    text = " ".join(draft(LetterKind.INSTRUCTIONS, context).after)
    assert "same reference: $3,000.00 + $3,000.00 + $500.00" in text


@pytest.mark.parametrize(
    ("autodeposit", "words"),
    [(True, "You don’t need a security question"), (False, "write to"), (None, "write to")],
)
def test_instructions_answer_no_security_question(
    empty: Database, autodeposit: bool | None, words: str
) -> None:
    """Instructions for Interac never have the answer to a security question.

    They say that the donor needs no security question or, without Autodeposit, whom to write to.
    """
    _, context = a_letter(empty, LetterKind.INSTRUCTIONS, "en-CA")
    assert context.region
    assert context.terms
    terms = context.terms.model_copy(update={"autodeposit": autodeposit})
    region = context.region.model_copy(update={"modes": {Mode.INTERAC: terms}})
    assert words in " ".join(draft(LetterKind.INSTRUCTIONS, replace(context, region=region)).after)


@pytest.mark.parametrize("name", [None, "Example Kitchen"])
def test_instructions_name_the_recipient_if_it_is_known(empty: Database, name: str | None) -> None:
    """Instructions for Interac say the name that the donor's bank shows, if the region has it."""
    _, context = a_letter(empty, LetterKind.INSTRUCTIONS, "en-CA")
    assert context.region
    assert context.terms
    terms = context.terms.model_copy(update={"recipient_name": name})
    region = context.region.model_copy(update={"modes": {Mode.INTERAC: terms}})
    entered = dict(draft(LetterKind.INSTRUCTIONS, replace(context, region=region)).rows)
    assert entered.get("Recipient’s name") == name


def test_instructions_explain_the_ways_to_give_by_code(empty: Database) -> None:
    """Instructions for a giving code explain each way to give in the region, such as by cheque."""
    _, context = a_letter(empty, LetterKind.INSTRUCTIONS, "fr-CA", "giving_code")
    assert context.region
    assert context.terms
    way = Way(
        name=Text(en="By cheque", fr="Par chèque"),
        instructions=Text(en="Post it.", fr="Postez-le."),
    )
    terms = context.terms.model_copy(update={"ways": [way]})
    region = context.region.model_copy(update={"modes": {Mode.GIVING_CODE: terms}})
    before = draft(LetterKind.INSTRUCTIONS, replace(context, region=region)).before
    assert "Par chèque\u00a0: Postez-le." in before


def test_thanks_for_a_part_name_both_amounts(empty: Database) -> None:
    """If only part of a gift arrived, the thank-you names the chosen and the received amount."""
    _, context = a_letter(empty, LetterKind.THANK_YOU, "en-CA")
    assert ("Amount", "$50.00") in draft(LetterKind.THANK_YOU, context).rows
    context.gift.received_minor = 2_000
    rows = draft(LetterKind.THANK_YOU, context).rows
    assert rows[:2] == (("Your gift", "$50.00"), ("Received so far", "$20.00"))


def a_wish(context: LetterContext, **more: Any) -> GiftWish:
    nothing = dict.fromkeys(("note", "tribute_kind", "tribute_name"), "")
    fields: dict[str, Any] = {"is_anonymous": False, "fee_cover_minor": 0} | nothing | more
    return GiftWish(gift_id=context.gift.id, **fields)


def test_thanks_list_the_donors_wishes(empty: Database) -> None:
    """The thank-you lists fund, tribute and covered fee in the donor's language."""
    _, context = a_letter(empty, LetterKind.THANK_YOU, "fr-CA")
    assert context.region
    region = context.region.model_copy(update={"funds": {"roof": Text(en="Roof", fr="Toit")}})
    context.gift.fund = "roof"
    wish = a_wish(context, tribute_kind="memory", tribute_name="Ada", fee_cover_minor=150)
    rows = draft(LetterKind.THANK_YOU, replace(context, region=region, wish=wish)).rows
    assert {"Toit", "Ada", "1,50\u00a0$"} <= {value for _, value in rows}
    context.gift.fund = ""
    plain_rows = draft(LetterKind.THANK_YOU, replace(context, wish=a_wish(context))).rows
    assert len(rows) == len(plain_rows) + 3


def test_thanks_leave_out_odd_wishes(empty: Database) -> None:
    """The thank-you leaves out an unknown fund, a tribute with a link and an outdated fee."""
    _, context = a_letter(empty, LetterKind.THANK_YOU, "en-CA")
    assert context.first
    context.gift.fund = "gone"
    wish = a_wish(context, tribute_kind="honour", tribute_name="see x.org", fee_cover_minor=150)
    first = type(context.first)(**context.first.model_dump() | {"amount_minor": 1_000})
    rows = draft(LetterKind.THANK_YOU, replace(context, first=first, wish=wish)).rows
    assert [label for label, _ in rows] == ["Amount", "Date", "Reference"]


def test_letters_about_a_month_link_to_the_pledge(empty: Database) -> None:
    """E-mails about a month of a pledge link to the page where the donor can change the pledge."""
    for kind in (LetterKind.THANK_YOU, LetterKind.MONTH_FAILED):
        _, context = a_letter(empty, kind, "en-CA")
        content = draft(kind, context)
        assert context.first
        assert content.manage
        assert content.manage[1] == f"{SITE}/pledges/{token_of(context.first)}"
    _, context = a_letter(empty, LetterKind.MONTH_FAILED, "en-CA")
    assert token_of(context.gift) in draft(LetterKind.MONTH_FAILED, context).link[1]


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
    """An ordinary name of a person or church appears in the greeting."""
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
def test_a_name_that_could_be_spam_is_not_greeted(name: str) -> None:
    """A name that could be spam is not in the greeting.

    The reason is that anybody can open a gift with any name and somebody else's address.
    """
    assert name_to_greet(name) == ""
