"""The checkers of `make check` catch what they are there for."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TOOLS = Path(sys.executable).parent

FORBIDDEN_IMPORTS = [
    ("floors", "settings.py", "donate.gifts.ledger"),
    ("floors", "donors/__init__.py", "donate.finance"),
    ("floors", "errors.py", "donate.money"),
    ("pure", "gifts/facts.py", "sqlmodel"),
    ("pure", "gifts/status.py", "donate.gifts.models"),
    ("pure", "references.py", "donate.clock"),
    ("pure", "money.py", "time"),
    ("pure", "stripe_gateway/events/parser.py", "httpx"),
    ("pure", "stripe_gateway/webhooks/checks.py", "donate.settings"),
    ("stripe", "gifts/ledger.py", "stripe"),
    ("sandbox-starter", "app.py", "donate.sandbox"),
    ("sandbox-shares-nothing", "sandbox/__init__.py", "donate.money"),
]

AGAINST_THE_STYLE = {
    "TID251": "from datetime import UTC, datetime\n\nNOW = datetime.now(UTC)\n",
    "DTZ001": "from datetime import datetime\n\nSTART = datetime(2026, 1, 1)\n",
    "BLE001": "try:\n    import donate\nexcept Exception:\n    donate = None\n",
    "T201": "print()\n",
    "D103": "def give() -> None:\n    return\n",
    "FBT001": "def give(monthly: bool) -> bool:\n    return monthly\n",
    "S608": "def find(name: str) -> str:\n    return f\"SELECT 1 FROM gift WHERE n = '{name}'\"\n",
}


def run(tool: str, *arguments: str | Path, at: Path = ROOT, given: str = "") -> tuple[int, str]:
    done = subprocess.run(
        [TOOLS / tool, *arguments], cwd=at, input=given, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the service, to break."""
    python_only = shutil.ignore_patterns("__pycache__", "static", "locale", "templates")
    shutil.copytree(ROOT / "donate", tmp_path / "donate", ignore=python_only)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize(("contract", "file", "forbidden"), FORBIDDEN_IMPORTS)
def test_a_forbidden_import_breaks_its_contract(
    copy: Path, contract: str, file: str, forbidden: str
) -> None:
    """Each contract about imports is broken by an import that it forbids, and names it."""
    importer = copy / "donate" / file
    importer.write_text(f"{importer.read_text()}\nimport {forbidden}\n")
    code, said = run("lint-imports", "--contract", contract, "--no-cache", at=copy)
    module = f"donate.{file.removesuffix('.py').removesuffix('/__init__').replace('/', '.')}"
    assert code == 1
    assert "0 kept, 1 broken" in said
    assert f"{module} -> {forbidden} (l." in said


def test_a_new_room_has_to_choose_its_floor(copy: Path) -> None:
    """A package that the picture of the house does not show breaks the check."""
    (copy / "donate" / "raffles").mkdir()
    (copy / "donate" / "raffles" / "__init__.py").touch()
    code, said = run("lint-imports", "--contract", "floors", "--no-cache", at=copy)
    assert code == 1
    assert "raffles" in said


def test_every_contract_is_shown_to_catch_something() -> None:
    """A contract without a forbidden import above might as well not be there."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    assert {c["id"] for c in contracts} == {contract for contract, _, _ in FORBIDDEN_IMPORTS}


@pytest.mark.parametrize("rule", AGAINST_THE_STYLE)
def test_ruff_holds_the_house_style(rule: str) -> None:
    """What the house style forbids is a finding in a room of the service."""
    flags = ("--stdin-filename", "donate/gifts/planted.py", "--output-format", "concise")
    code, said = run("ruff", "check", *flags, "-", given=AGAINST_THE_STYLE[rule])
    assert code == 1
    assert rule in said


def test_mypy_knows_what_stripe_takes(tmp_path: Path) -> None:
    """A misspelt parameter of a call to Stripe does not pass the type check."""
    snippet = tmp_path / "snippet.py"
    snippet.write_text(
        "import stripe\n\n"
        "client = stripe.StripeClient('sk_test_x')\n"
        "client.v1.checkout.sessions.create(params={'submit_typ': 'donate'})\n"
    )
    code, said = run("mypy", snippet)
    assert code == 1
    assert 'expected "SessionCreateParams | None"' in said


def test_djlint_reads_templates_as_a_browser_would(tmp_path: Path) -> None:
    """A picture without words and a tag that is never closed are findings in a template."""
    (tmp_path / "page.html").write_text('<main><img src="/x.png" width="1" height="1">\n')
    code, said = run("djlint", "--configuration", ROOT / "pyproject.toml", "--lint", tmp_path)
    assert code == 1
    assert {"H013", "H025"} <= set(said.split())
