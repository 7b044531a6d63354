"""Every text for donors and staff has a complete French translation, and reads plainly."""

import re
from functools import cache
from typing import Final

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from donate.web.templating import LOCALES, PACKAGE

PLACEHOLDER: Final = re.compile(r"%\(\w+\)s|%")
UNUSUAL_IN_CANADA: Final = re.compile(r" [!?;:»]|« |[\u00a0\u202f][!?;]|\w:(?=\s)|'")

# Each was on a page, and somebody who read it aloud had to read it twice.
ODD_ENGLISH: Final = (
    "month another way|failed month|open the month|month is paid|this month is"
    "|page will show|page for your card|can see the reason|corrected our record"
    "|[Tt]aken back by|took this gift back|gave this gift|gift (is|isn’t|wasn’t) (already )?paid"
    "|tap Give|[Nn]othing of yours|asked your bank"
)
ODD_FRENCH: Final = (
    "mois (qui n’avait pas abouti|en question|impayé)|lui donne l’état|ne peut pas être rempli"
    "|refait la demande|^Plus de rappels|Repris par|il prendra effet|[Nn]ous l’avons inscrit, puis"
    "|à notre intention|Vouliez-vous dire|est en place$|Il faut ici|[Rr]elancer(ons)? votre don"
    "|(demande de|dernier|derniers) débits?|n’aurez pas repris|reprendre votre don|tout va bien"
)


@cache
def messages_in_use() -> frozenset[str]:
    with (LOCALES / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]
    found = extract_from_dir(
        str(PACKAGE), methods, options, keywords={**DEFAULT_KEYWORDS, "N_": None}
    )
    # A message with a plural form is a tuple of both forms, here and in the catalogue.
    return frozenset(each for _, _, message, _, _ in found for each in _forms(message))


def _forms(message: object) -> tuple[str, ...]:
    forms = message if isinstance(message, tuple | list) else (message,)
    return tuple(each for each in forms if isinstance(each, str))


@cache
def french() -> Catalog:
    with (LOCALES / "fr.po").open("rb") as file:
        return read_po(file, locale="fr")


def translated() -> list[tuple[str, str]]:
    return [
        pair for m in french() if m.id for pair in zip(_forms(m.id), _forms(m.string), strict=True)
    ]


def test_every_message_has_its_french() -> None:
    """Every message has a French translation that is neither empty nor marked fuzzy."""
    unfinished = {each for m in french() if m.fuzzy for each in _forms(m.id)}
    ready = {english for english, in_french in translated() if in_french} - unfinished
    assert sorted(messages_in_use() - ready) == [], "run scripts/messages, then translate"


def test_no_french_without_use() -> None:
    """The French catalogue holds no message that the code no longer uses."""
    in_catalogue = {english for english, _ in translated()}
    in_catalogue |= {text for obsolete in french().obsolete for text in _forms(obsolete)}
    assert sorted(in_catalogue - messages_in_use()) == [], "run scripts/messages"


def test_placeholders_are_the_same() -> None:
    """A translation has the same placeholders as its original, and no stray percent sign."""
    assert [
        (english, in_french)
        for english, in_french in translated()
        if sorted(PLACEHOLDER.findall(english)) != sorted(PLACEHOLDER.findall(in_french))
    ] == []


def test_french_is_set_as_in_canada() -> None:
    """French has a no-break space before a colon, none before ! ? ;, and curly apostrophes."""
    assert [text for _, text in translated() if UNUSUAL_IN_CANADA.search(text)] == []


def test_messages_are_found_in_code_and_templates() -> None:
    """Messages are extracted from both code and templates."""
    used = messages_in_use()
    assert {
        "Please enter an amount.",
        "Continue to payment",
        "We couldn’t find what you’re looking for.",
    } <= used


@pytest.mark.parametrize(
    ("odd", "language"), [(ODD_ENGLISH, 0), (ODD_FRENCH, 1)], ids=["English", "French"]
)
def test_no_sentence_has_to_be_read_twice(odd: str, language: int) -> None:
    """No message has one of the phrases that readers stumbled over."""
    assert [pair[language] for pair in translated() if re.search(odd, pair[language])] == []
