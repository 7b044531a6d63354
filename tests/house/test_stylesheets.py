"""Every rule of the stylesheets has its closing brace.

If the brace is missing, browsers read all later rules as nested in the unclosed rule. They report
no error, and the page lacks those styles.
"""

import re
from pathlib import Path

import pytest

STYLESHEETS = sorted(Path("donate").rglob("*.css"))
NOT_RULES = re.compile(r"/\*.*?\*/|\"[^\"\n]*\"|'[^'\n]*'", re.DOTALL)


def unclosed(css: str) -> list[str]:
    """Return the unindented lines of CSS that stand inside an unclosed rule.

    If the file ends inside a rule, the result ends with "the end of the file".
    """
    found, depth = [], 0
    for line in NOT_RULES.sub("", css).splitlines():
        if depth and line[:1] not in ("", " ", "}"):
            found.append(line)
        depth += line.count("{") - line.count("}")
    return found + ["the end of the file"] * (depth != 0)


@pytest.mark.parametrize("path", STYLESHEETS, ids=lambda path: path.name)
def test_each_rule_is_closed(path: Path) -> None:
    """In the stylesheets, every rule is closed before the next unindented line."""
    assert unclosed(path.read_text()) == []


def test_a_rule_left_open_is_found() -> None:
    """The check reports a rule that follows an unclosed rule. Braces in strings do not count."""
    assert unclosed("a {\n  color: red;\n}\nb {\n  --x: '}';\nc {\n}\n") == [
        "c {",
        "the end of the file",
    ]
