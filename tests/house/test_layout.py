"""The layout stays easy to find one's way in: small folders, no circles, one name for one thing."""

import ast
from collections import Counter, defaultdict
from pathlib import Path

import grimp

ROOT = Path(__file__).parent.parent.parent
DONATE = ROOT / "donate"
MOST_AT_THE_TOP = 10
MOST_IN_A_FOLDER = 12
# The sandbox and the assumptions repeat what Stripe calls its things.
REPEATS_STRIPE = ("sandbox", "assumptions")


def modules_by_folder() -> dict[Path, list[str]]:
    folders = defaultdict(list)
    for file in DONATE.rglob("*.py"):
        if file.stem != "__init__" and "versions" not in file.parts:
            folders[file.parent].append(file.stem)
    return folders


def test_the_top_holds_few_modules() -> None:
    """At most ten modules stand at the top of the package; everything else is in a folder."""
    assert len(modules_by_folder()[DONATE]) <= MOST_AT_THE_TOP


def test_a_folder_holds_at_most_a_dozen_modules() -> None:
    """A folder with more than twelve modules has to be divided."""
    crowded = {
        str(folder.relative_to(ROOT)): len(modules)
        for folder, modules in modules_by_folder().items()
        if len(modules) > MOST_IN_A_FOLDER
    }
    assert crowded == {}


def test_no_module_imports_itself_in_a_circle() -> None:
    """No module is reached again by following its imports, in the sandbox neither."""
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
    """A class or function that others may import has a name that no other file gives away."""
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
    """A page asks a function for what it shows; statements stand with the queries."""
    pages = [*DONATE.rglob("*pages.py"), *DONATE.rglob("*routes.py"), *DONATE.glob("api/*.py")]
    with_sql = [
        str(page.relative_to(ROOT))
        for page in pages
        if "sandbox" not in page.parts and "select(" in page.read_text(encoding="utf-8")
    ]
    assert with_sql == []
