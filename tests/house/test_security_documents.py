"""The documents about security name tests that exist, and count right."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent.parent
SUMS = ROOT / "docs" / "security.md"
TABLE = ROOT / "docs" / "security" / "asvs.md"
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| ([12]) \| (.+?) \| (.+?) \| (.+) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
FOLDER = re.compile(r"`(tests/[\w/]+/)`")
COMMAND = re.compile(r"`(?:make|donate) [\w -]+`")
WRITTEN = re.compile(r"\]\(\.\./[\w/-]+\.md(#[\w-]+)?\)")
# How many requirements ASVS 5.0.0 has at each level.
REQUIREMENTS = {"1": 70, "2": 183}


class Row(NamedTuple):
    number: str
    level: str
    asks: str
    answer: str
    shown_by: str


ROWS = [Row(*found) for found in ROW.findall(TABLE.read_text())]


@cache
def names_in(file: str) -> set[str]:
    """Return the names of the tests in a file; none if it does not exist."""
    path = ROOT / file
    nodes = ast.walk(ast.parse(path.read_text())) if path.is_file() else ()
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    return {node.name for node in nodes if isinstance(node, functions) and "test_" in node.name}


def sums(level: str) -> str:
    """Return the row of security.md for a level."""
    answers = Counter(row.answer for row in ROWS if row.level == level)
    met, apply = answers["met"], answers["met"] + answers["**not met**"]
    answered = f"{answers.total()} of {REQUIREMENTS[level]}"
    return f"| {level} | {answered} | {apply} | {met} | {100 * met // apply} % |"


def test_each_requirement_has_one_answer() -> None:
    """Each of the 253 requirements has one row in its order, and one of three answers."""
    numbers = [tuple(map(int, row.number.split("."))) for row in ROWS]
    assert numbers == sorted(set(numbers))
    assert Counter(row.level for row in ROWS) == REQUIREMENTS
    assert {row.answer for row in ROWS} == {"met", "**not met**", "does not apply"}
    assert TABLE.read_text().count("\n| ") == len(ROWS) + TABLE.read_text().count("\n| no. |")


@pytest.mark.parametrize("document", [SUMS, TABLE], ids=lambda path: path.name)
def test_each_named_test_exists(document: Path) -> None:
    """Each file and each function that the documents name is there, and has tests."""
    text = document.read_text()
    named = TEST.findall(text)
    assert len(named) > 20
    assert [file for file, test in named if not names_in(file) >= ({test} - {""})] == []
    assert [file for file, _ in named if not names_in(file)] == []
    assert [folder for folder in FOLDER.findall(text) if not (ROOT / folder).is_dir()] == []


def test_whatever_is_met_is_shown() -> None:
    """A requirement is met only where a test, a command or a chapter shows it."""
    met = [row for row in ROWS if row.answer == "met"]
    shown = [row for row in met for form in (TEST, COMMAND, WRITTEN) if form.search(row.shown_by)]
    assert {row.number for row in met} - {row.number for row in shown} == set()
    written_only = [row for row in met if not (TEST.search(row.shown_by) or "`" in row.shown_by)]
    # Only what the standard wants to be written down is shown by a document alone.
    assert [row.number for row in written_only if ".1." not in row.number] == []


def test_the_sums_are_those_of_the_table() -> None:
    """security.md has the sums of each level, and names what is not met."""
    text = SUMS.read_text()
    for level in REQUIREMENTS:
        assert sums(level) in text
        missing = ", ".join(r.number for r in ROWS if (r.level, r.answer) == (level, "**not met**"))
        assert f"Not met at level {level}: {missing}." in " ".join(text.split())
