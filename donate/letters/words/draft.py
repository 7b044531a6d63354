"""The draft of a letter, and the parts that several letters share."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from donate.letters.context import LetterContext
from donate.letters.words.instructions import Translate

_MAX_NAME: Final = 60
# A "name" with these, or with characters that names do not have, may be a message from a stranger.
_NO_NAME: Final = re.compile(r"[.,](?! |$)|www", re.IGNORECASE)
_IN_NAMES: Final = frozenset(" '’ʼ·-‐‑–.,&")  # noqa: RUF001 -- as people type them


@dataclass(frozen=True, slots=True)
class Draft:
    """The content of a letter, in the donor's language."""

    subject: str
    headline: str
    before: tuple[str, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()
    """Labels and values to read or copy."""
    after: tuple[str, ...] = ()
    link: tuple[str, str] = ("", "")
    """The text and the URL of the main link."""
    manage: tuple[str, str] | None = None
    """The text and the URL of the link to the pledge, if there is one."""


def name_to_greet(name: str) -> str:
    """Return the name, or "" if it could be a message: anyone can enter a name for any address."""
    plain = unicodedata.normalize("NFKC", name)
    are_letters = all(unicodedata.category(c)[0] in "LM" or c in _IN_NAMES for c in plain)
    if len(name) > _MAX_NAME or not are_letters or _NO_NAME.search(plain):
        return ""
    return name


def manage_link(context: LetterContext, _: Translate) -> tuple[str, str] | None:
    """Return the link to the donor's page for the pledge; None if the gift is not monthly."""
    if context.pledge_page is None:
        return None
    return _("Manage your monthly gift"), context.pledge_page


def amount_and_reference(context: LetterContext, _: Translate) -> tuple[tuple[str, str], ...]:
    """Return the rows with the gift's amount and reference."""
    return (
        (_("Amount"), context.money(context.gift.amount)),
        (_("Reference"), context.gift.reference),
    )
