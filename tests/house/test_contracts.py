"""Each checker that `make check` runs reports a violation that was planted for it."""

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


def run(tool: str, *arguments: str | Path, cwd: Path = ROOT, text: str = "") -> tuple[int, str]:
    process = subprocess.run(
        [TOOLS / tool, *arguments], cwd=cwd, input=text, capture_output=True, text=True, check=False
    )
    return process.returncode, process.stdout + process.stderr


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a folder with a copy of the service's code that a test may break."""
    python_only = shutil.ignore_patterns("__pycache__", "static", "locale", "templates")
    shutil.copytree(ROOT / "donate", tmp_path / "donate", ignore=python_only)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize(("contract", "file", "forbidden"), FORBIDDEN_IMPORTS)
def test_a_forbidden_import_breaks_its_contract(
    copy: Path, contract: str, file: str, forbidden: str
) -> None:
    """If a file imports what a contract forbids, the check fails and names the import."""
    importer = copy / "donate" / file
    importer.write_text(f"{importer.read_text()}\nimport {forbidden}\n")
    code, output = run("lint-imports", "--contract", contract, "--no-cache", cwd=copy)
    module = f"donate.{file.removesuffix('.py').removesuffix('/__init__').replace('/', '.')}"
    assert code == 1
    assert "0 kept, 1 broken" in output
    assert f"{module} -> {forbidden} (l." in output


def test_a_new_folder_has_to_be_in_a_layer(copy: Path) -> None:
    """The check of imports fails if a new folder is not assigned to a layer."""
    (copy / "donate" / "raffles").mkdir()
    (copy / "donate" / "raffles" / "__init__.py").touch()
    code, output = run("lint-imports", "--contract", "floors", "--no-cache", cwd=copy)
    assert code == 1
    assert "raffles" in output


def test_every_contract_is_shown_to_catch_something() -> None:
    """Every import contract has an example of a forbidden import in this file."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    assert {c["id"] for c in contracts} == {contract for contract, _, _ in FORBIDDEN_IMPORTS}


@pytest.mark.parametrize("rule", AGAINST_THE_STYLE)
def test_ruff_holds_the_house_style(rule: str) -> None:
    """Ruff reports each planted violation of the house style in the service's code."""
    flags = ("--stdin-filename", "donate/gifts/planted.py", "--output-format", "concise")
    code, output = run("ruff", "check", *flags, "-", text=AGAINST_THE_STYLE[rule])
    assert code == 1
    assert rule in output


def test_mypy_knows_what_stripe_takes(tmp_path: Path) -> None:
    """Mypy reports a misspelt parameter of a call to Stripe."""
    snippet = tmp_path / "snippet.py"
    snippet.write_text(
        "import stripe\n\n"
        "client = stripe.StripeClient('sk_test_x')\n"
        "client.v1.checkout.sessions.create(params={'submit_typ': 'donate'})\n"
    )
    code, output = run("mypy", snippet)
    assert code == 1
    assert 'expected "SessionCreateParams | None"' in output


def test_djlint_reads_templates_as_a_browser_would(tmp_path: Path) -> None:
    """Djlint reports a picture without alternative text, and an unclosed tag."""
    (tmp_path / "page.html").write_text('<main><img src="/x.png" width="1" height="1">\n')
    code, output = run("djlint", "--configuration", ROOT / "pyproject.toml", "--lint", tmp_path)
    assert code == 1
    assert {"H013", "H025"} <= set(output.split())
