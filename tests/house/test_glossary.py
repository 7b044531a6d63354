"""The glossary explains the values of the code's enums, and file names are specific."""

import re
from enum import StrEnum
from pathlib import Path

import pytest

from donate.finance.roles import Role
from donate.gifts.facts import FactKind
from donate.gifts.status import Flag, StatusName
from donate.letters.kinds import LetterKind
from donate.regions.modes import Mode

ROOT = Path(__file__).parent.parent.parent
VAGUE = {"base", "common", "helpers", "manager", "misc", "service", "services", "utils"}


def glossary_words() -> set[str]:
    """Return the first column of the glossary's tables, and every word in backticks."""
    rows = [
        line for line in (ROOT / "docs/glossary.md").read_text().splitlines() if line[:1] == "|"
    ]
    first_column = {row.split("|")[1].strip(" `*").lower() for row in rows}
    return first_column | {word for row in rows for word in re.findall(r"`([^`]+)`", row)}


@pytest.mark.parametrize("words", [FactKind, StatusName, Flag, Mode, Role, LetterKind])
def test_the_glossary_has_every_word_of_the_code(words: type[StrEnum]) -> None:
    """The glossary explains every value of the enums for facts, statuses, flags and so on."""
    assert {str(word) for word in words} - glossary_words() == set()


def test_no_file_name_is_vague() -> None:
    """No file or folder has a vague name such as `utils`, or is called `stripe`."""
    names = {path.stem for path in (ROOT / "donate").rglob("*.py")}
    names |= {path.name for path in (ROOT / "donate").rglob("*") if path.is_dir()}
    assert names & (VAGUE | {"stripe"}) == set()
