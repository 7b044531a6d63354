"""The paths, links and pictures in the documents match the code."""

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

from scripts.architecture import PICTURE, draw, read_floors

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FILES = [
    f"/{path.relative_to(ROOT)}"
    for folder in ("deploy", "donate", "docs", "scripts", "tests")
    for path in (ROOT / folder).rglob("*")
    if "__pycache__" not in path.parts
]
# Matches a file's name or the end of its path, such as `ledger.py` or `gifts/*.py`, but no URL.
PATH = re.compile(r"(?<![\w:/.*<-])([\w*][\w*./-]*\.(?:py|toml|js|css|html|md|json|png|svg))\b")
# These names look like files of this repository, but are reports, Stripe's OpenAPI document and a
# program.
NOT_IN_THE_REPOSITORY = {"donate-stripe-check.json", "sbom.cdx.json", "spec3.json", "Node.js"}
TEST = re.compile(r"\b(tests/[\w/]+\.py)::(\w+)")
LINK = re.compile(r"\]\(([^)]*)\)|<img src=\"([^\"]+)\"")


def paths_in(text: str) -> set[str]:
    return set(PATH.findall(text)) - NOT_IN_THE_REPOSITORY


def is_there(path: str) -> bool:
    return (ROOT / path).exists() or any(fnmatch(file, f"*/{path}") for file in FILES)


def anchors(document: Path) -> set[str]:
    """Return the anchors that GitHub makes of a document's headings."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_a_document_names_exists(document: Path) -> None:
    """Every file and every test that a document names exists."""
    text = document.read_text()
    assert {path for path in paths_in(text) if not is_there(path)} == set()
    tests = TEST.findall(text)
    assert {
        test for file, test in tests if f"def {test}(" not in (ROOT / file).read_text()
    } == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_of_a_document_leads_somewhere(document: Path) -> None:
    """Every local link and picture of a document leads to an existing file and heading."""
    for link, picture in LINK.findall(document.read_text()):
        if (link or picture).startswith("https://"):
            continue
        path, _, anchor = (link or picture).partition("#")
        target = document.parent / path if path else document
        assert target.exists(), target
        assert not anchor or anchor in anchors(target), anchor


def test_a_stale_path_is_noticed() -> None:
    """The check reports a path at which there is no file. It does not report URLs."""
    text = "`gifts/ledger.py`, `gifts/gone.py`, https://x.example/no.py, tests/house/*.py"
    assert {path for path in paths_in(text) if not is_there(path)} == {"gifts/gone.py"}


def test_the_architecture_picture_matches_the_code() -> None:
    """The architecture picture matches the code; if it does not, run `make pictures`."""
    assert PICTURE.read_text() == draw(read_floors())
