"""Every text for donors and staff has a complete French translation."""

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


@cache
def messages_in_use() -> frozenset[str]:
    with (LOCALES / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]
    found = extract_from_dir(
        str(PACKAGE), methods, options, keywords={**DEFAULT_KEYWORDS, "N_": None}
    )
    return frozenset(message for _, _, message, _, _ in found if isinstance(message, str))


@cache
def french() -> Catalog:
    with (LOCALES / "fr.po").open("rb") as file:
        return read_po(file, locale="fr")


def translated() -> list[tuple[str, str]]:
    return [(str(m.id), str(m.string)) for m in french() if m.id]


def test_every_message_has_its_french() -> None:
    """Every message has a French translation that is neither empty nor marked fuzzy."""
    ready = {str(m.id) for m in french() if m.id and m.string and not m.fuzzy}
    assert sorted(messages_in_use() - ready) == [], "run scripts/messages, then translate"


def test_no_french_without_use() -> None:
    """The French catalogue holds no message that the code no longer uses."""
    in_catalogue = {english for english, _ in translated()} | set(map(str, french().obsolete))
    assert sorted(in_catalogue - messages_in_use()) == [], "run scripts/messages"


@pytest.mark.parametrize(("english", "in_french"), translated())
def test_placeholders_are_the_same(english: str, in_french: str) -> None:
    """A translation has the same placeholders as its original, and no stray percent sign."""
    assert sorted(PLACEHOLDER.findall(english)) == sorted(PLACEHOLDER.findall(in_french))


@pytest.mark.parametrize("in_french", [text for _, text in translated()])
def test_french_is_set_as_in_canada(in_french: str) -> None:
    """French has a no-break space before a colon, none before ! ? ;, and curly apostrophes."""
    assert not UNUSUAL_IN_CANADA.search(in_french)


def test_messages_are_found_in_code_and_templates() -> None:
    """Messages are extracted from both code and templates."""
    used = messages_in_use()
    assert {
        "Please enter an amount.",
        "Continue to the card page",
        "We couldn’t find what you’re looking for.",
    } <= used
