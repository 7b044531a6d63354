"""Files and functions are short, tests state their rules, and no test module is imported."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
FILES = [
    path
    for folder in ("donate", "tests", "scripts")
    for path in sorted((ROOT / folder).rglob("*.py"))
    # Migrations are never edited, so they are not checked.
    if "versions" not in path.parts
]
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 70

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def nodes() -> list[tuple[str, ast.stmt]]:
    """Return the functions and imports of all files, each with its file and line."""
    return [
        (f"{file.relative_to(ROOT)}:{node.lineno}", node)
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, Function | ast.Import | ast.ImportFrom)
    ]


def functions() -> Iterator[tuple[str, Function]]:
    for place, node in nodes():
        if isinstance(node, Function):
            yield f"{place} {node.name}", node


def imports() -> Iterator[tuple[str, str]]:
    """Yield the file and line of each import in the code, and the full name it imports."""
    for place, node in nodes():
        if isinstance(node, ast.Import):
            yield from ((place, alias.name) for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield from ((place, f"{node.module}.{alias.name}") for alias in node.names)


def lines(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def test_a_file_is_read_in_one_sitting() -> None:
    """No file is longer than 300 lines."""
    lengths = {str(file.relative_to(ROOT)): len(file.read_text().splitlines()) for file in FILES}
    assert {file: n for file, n in lengths.items() if n > MAX_FILE_LINES} == {}


def test_a_function_fits_on_a_screen() -> None:
    """No function is longer than 70 lines."""
    lengths = {where: lines(function) for where, function in functions()}
    assert {where: n for where, n in lengths.items() if n > MAX_FUNCTION_LINES} == {}


def test_a_test_states_its_rule() -> None:
    """Every test has a docstring that ends as a sentence does."""
    rules = {
        where: ast.get_docstring(function) or ""
        for where, function in functions()
        if function.name.startswith("test_")
    }
    assert [where for where, rule in rules.items() if not rule.endswith((".", "?"))] == []


def test_no_test_module_is_imported() -> None:
    """No module imports a test module; code that tests share is in other modules."""
    test_modules = {
        ".".join(file.relative_to(ROOT).with_suffix("").parts)
        for file in (ROOT / "tests").rglob("test_*.py")
    }
    assert test_modules
    assert [
        place
        for place, name in imports()
        if name in test_modules or name.rpartition(".")[0] in test_modules
    ] == []
