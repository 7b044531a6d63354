"""Reads samples and short files, and shows what was read as plain values."""

from pathlib import Path
from typing import Any, Final

from donate.bank.shapes.reader import read_statement
from donate.bank.shapes.statement import Sentence, Statement
from donate.errors import BadInput

SAMPLES: Final = Path(__file__).parent / "samples"
CARD: Final = "4242424242424242"


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def read(content: bytes | str, **choices: Any) -> Statement:
    """Read a file in Canadian dollars. Text is encoded as UTF-8."""
    raw = content.encode() if isinstance(content, str) else content
    return read_statement(raw, **({"currency": "CAD"} | choices))


def read_or_refuse(content: bytes | str, **choices: Any) -> Statement | BadInput:
    """Return the statement, or the error with which the whole file is refused."""
    try:
        return read(content, **choices)
    except BadInput as problem:
        return problem


def lines_of(statement: Statement) -> list[tuple[int, str, int, str]]:
    """Return row, day, minor units and text of each line."""
    return [
        (line.row, line.day.isoformat(), line.amount.amount_minor, line.text)
        for line in statement.lines
    ]


def said(sentence: Sentence) -> str:
    """Return a sentence in English with its values."""
    return sentence.message % sentence.values


def refusals(statement: Statement) -> dict[int, str]:
    """Return the reason of each refused row by its number."""
    return {row.row: said(row.reason) for row in statement.refused}


def skips(statement: Statement) -> dict[int, str]:
    """Return the reason of each skipped row by its number."""
    return {row.row: said(row.reason) for row in statement.skipped}
