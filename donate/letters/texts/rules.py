"""What staff may write in an e-mail: its parts, their limits, and their placeholders.

There is no template language. A placeholder such as {amount} is replaced by one value, and
everything else is sent as it was typed.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from donate.errors import N_, BadInput, BadInputs
from donate.gifts.choosing.options import check_words
from donate.letters.kinds import LetterKind
from donate.letters.texts.models import MAX_LINE, MAX_PART
from donate.regions.regions import Region

LINES: Final = ("subject", "headline")
"""The parts that are one line, and may not be empty."""
PARTS: Final[Mapping[str, int]] = {
    "subject": MAX_LINE,
    "headline": MAX_LINE,
    "opening": MAX_PART,
    "closing": MAX_PART,
}
"""The parts that staff may write, and the most characters of each."""

_EVERYWHERE: Final = ("name", "reference", "organisation")
_WITH_DATE: Final = frozenset(
    {
        *(LetterKind.THANK_YOU, LetterKind.REMINDER, LetterKind.UNFINISHED),
        LetterKind.PLEDGE_PAUSED,
    }
)
_WITHOUT_AMOUNT: Final = frozenset({LetterKind.PLEDGE_ENDED, LetterKind.PLEDGE_LINK})
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_SPACES: Final = re.compile(r"[ \t]+")
_EMPTY: Final = {
    "subject": N_("Please enter a subject."),
    "headline": N_("Please enter a headline."),
}
_UNKNOWN: Final = N_("You can’t use %(placeholder)s here. You can use %(known)s.")
_LONE_BRACE: Final = N_("There’s a “{” or “}” on its own. A placeholder looks like {name}.")


@dataclass(frozen=True, slots=True)
class TextParts:
    """The parts of an e-mail that staff may write. Each line of the last two is a paragraph."""

    subject: str
    headline: str
    opening: str
    closing: str


def placeholders_of(kind: LetterKind, region: Region) -> tuple[str, ...]:
    """Return the names of the placeholders that can be filled in e-mails of this kind."""
    names = [*_EVERYWHERE]
    if kind not in _WITHOUT_AMOUNT:
        names.insert(1, "amount")
    if kind in _WITH_DATE:
        names.insert(2, "date")
    if not region.organisation.name_in(""):
        names.remove("organisation")
    return tuple(names)


def check_text(typed: Mapping[str, str], placeholders: Sequence[str]) -> TextParts:
    """Return the typed parts, tidied for storing. Raises BadInputs that lists each wrong part."""
    parts = {part: _tidy(part, typed.get(part, "")) for part in PARTS}
    problems = [
        problem for part, text in parts.items() if (problem := _problem(part, text, placeholders))
    ]
    if problems:
        raise BadInputs(problems)
    return TextParts(**parts)


def fill_text(parts: TextParts, values: Mapping[str, str]) -> TextParts | None:
    """Return the parts with their placeholders filled in; None if one of them has no value."""
    needed = {name for part in PARTS for name in _PLACEHOLDER.findall(getattr(parts, part))}
    if not all(values.get(name) for name in needed):
        return None

    def fill(text: str) -> str:
        return _PLACEHOLDER.sub(lambda match: values[match[1]], text)

    return TextParts(**{part: fill(getattr(parts, part)) for part in PARTS})


def _tidy(part: str, text: str) -> str:
    """Return a text in Unicode form NFC, with single spaces and without empty lines.

    A text that is far too long is returned unchanged, because it will be refused.
    """
    if len(text) > 4 * MAX_PART:
        return text
    lines = unicodedata.normalize("NFC", text).splitlines()
    tidied = [_SPACES.sub(" ", line).strip(" ") for line in lines]
    return (" " if part in LINES else "\n").join(line for line in tidied if line)


def _problem(part: str, text: str, placeholders: Sequence[str]) -> BadInput | None:
    if part in LINES and not text.strip():
        return BadInput(part, _EMPTY[part])
    problem = check_words(part, text, PARTS[part])
    if problem:
        return problem
    for name in _PLACEHOLDER.findall(text):
        if name not in placeholders:
            known = ", ".join(f"{{{known}}}" for known in placeholders)
            return BadInput(part, _UNKNOWN, {"placeholder": f"{{{name}}}", "known": known})
    if set("{}") & set(_PLACEHOLDER.sub("", text)):
        return BadInput(part, _LONE_BRACE)
    return None
