"""What a letter is before it has an envelope, and the pieces that several letters share."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from donate.letters.context import LetterContext
from donate.letters.words.instructions import Translate

_MOST_OF_A_NAME: Final = 60
# What has these, or other signs than names have, may be a stranger's message to whom we write.
_NO_NAME: Final = re.compile(r"[.,](?! |$)|www", re.IGNORECASE)
_IN_NAMES: Final = frozenset(" '’ʼ·-‐‑–.,&")  # noqa: RUF001 -- as people type them


@dataclass(frozen=True, slots=True)
class Draft:
    """What a letter says, in the donor's language, before it has an envelope."""

    subject: str
    headline: str
    before: tuple[str, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()
    """What is to be looked at or copied: a label and its value each."""
    after: tuple[str, ...] = ()
    link: tuple[str, str] = ("", "")
    """Where to go from here: the words, and the address."""
    manage: tuple[str, str] | None = None


def name_to_greet(name: str) -> str:
    """Return the name, or nothing where it could be a message: anybody can type one for anybody."""
    plain = unicodedata.normalize("NFKC", name)
    are_letters = all(unicodedata.category(c)[0] in "LM" or c in _IN_NAMES for c in plain)
    if len(name) > _MOST_OF_A_NAME or not are_letters or _NO_NAME.search(plain):
        return ""
    return name


def manage(about: LetterContext, _: Translate) -> tuple[str, str] | None:
    """Return the link to the page where the donor changes the monthly gift, if it is one."""
    if about.pledge_page is None:
        return None
    return _("See or change your monthly gifts"), about.pledge_page


def amount_and_reference(about: LetterContext, _: Translate) -> tuple[tuple[str, str], ...]:
    """Return the rows that name the gift."""
    return (
        (_("Amount"), about.money(about.gift.amount)),
        (_("Reference"), about.gift.reference),
    )
