"""The code's layout stays clear: small folders, no import cycles, unique public names."""

import ast
from collections import Counter, defaultdict
from pathlib import Path

import grimp

ROOT = Path(__file__).parent.parent.parent
DONATE = ROOT / "donate"
MOST_AT_THE_TOP = 10
MOST_IN_A_FOLDER = 12
# A public name may be defined twice if one definition is in one of these folders, because they use
# Stripe's names.
REPEATS_STRIPE = ("sandbox", "assumptions")


def modules_by_folder() -> dict[Path, list[str]]:
    folders = defaultdict(list)
    for file in DONATE.rglob("*.py"):
        if file.stem != "__init__" and "versions" not in file.parts:
            folders[file.parent].append(file.stem)
    return folders


def test_the_package_has_few_modules_outside_folders() -> None:
    """The package has at most ten modules outside its folders."""
    assert len(modules_by_folder()[DONATE]) <= MOST_AT_THE_TOP


def test_a_folder_holds_at_most_a_dozen_modules() -> None:
    """No folder of the package has more than twelve modules."""
    crowded = {
        str(folder.relative_to(ROOT)): len(modules)
        for folder, modules in modules_by_folder().items()
        if len(modules) > MOST_IN_A_FOLDER
    }
    assert crowded == {}


def test_there_are_no_import_cycles() -> None:
    """No module imports itself, directly or through other modules."""
    graph = grimp.build_graph("donate", cache_dir=None)
    circles = [
        module
        for module in graph.modules
        if any(
            graph.chain_exists(importer=imported, imported=module)
            for imported in graph.find_modules_directly_imported_by(module)
        )
    ]
    assert circles == []


def test_a_public_name_is_defined_once() -> None:
    """No two files define a public class or function of the same name."""
    names = Counter(
        node.name
        for file in DONATE.rglob("*.py")
        if not any(part in file.parts for part in REPEATS_STRIPE) and "versions" not in file.parts
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and not node.name.startswith("_")
    )
    assert [name for name, times in names.items() if times > 1] == []


def test_pages_hold_no_sql() -> None:
    """Modules with pages or routes contain no SQL statements; they call functions for data."""
    pages = [*DONATE.rglob("*pages.py"), *DONATE.rglob("*routes.py"), *DONATE.glob("api/*.py")]
    with_sql = [
        str(page.relative_to(ROOT))
        for page in pages
        if "sandbox" not in page.parts and "select(" in page.read_text(encoding="utf-8")
    ]
    assert with_sql == []
