"""Secrets are compared in constant time, so that no answer's time tells how much of one fits."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

DONATE = Path(__file__).parent.parent.parent / "donate"
SECRET = re.compile(r"(^|_)(token|secret|csrf|nonce|mac|signature)$")
# Hashes of tokens may be compared in any way, because nobody can choose what a hash begins with.
FILES = [path for path in DONATE.rglob("*.py") if "sandbox" not in path.parts]


def plain_comparisons(source: str) -> Iterator[str]:
    """Yield each comparison by == or != in which a value is named like a secret."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        is_plain = any(isinstance(each, ast.Eq | ast.NotEq) for each in node.ops)
        if is_plain and any(SECRET.search(name_of(side)) for side in sides):
            yield ast.unparse(node)


def name_of(side: ast.expr) -> str:
    match side:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Constant(value=str(name)):
            return name
        case ast.Call(func=function):
            return name_of(function)
        case ast.Subscript(slice=key):
            return name_of(key)
    return ""


def test_no_secret_is_compared_by_equality() -> None:
    """Outside the sandbox, no value that is named like a secret is compared with == or !=."""
    found = {path.relative_to(DONATE): list(plain_comparisons(path.read_text())) for path in FILES}
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    ("source", "is_found"),
    [
        ("sent == self._metrics_token", True),
        ("form['csrf'] != staff.csrf_token", True),
        ("derive_token(key) == sent", True),
        ("row.token_hash == hash_of(token)", False),
        ("same_secret(sent, token)", False),
        ("token is None", False),
    ],
)
def test_a_plain_comparison_is_noticed(source: str, *, is_found: bool) -> None:
    """The check itself notices plain comparisons, and no others."""
    assert bool(list(plain_comparisons(source))) == is_found
