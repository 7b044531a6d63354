"""Every run-time dependency has a written reason."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
RECORD = ROOT / "docs/decisions/0005-run-time-dependencies.md"


def test_every_dependency_has_its_reason() -> None:
    """The decision record's table names exactly the dependencies in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = {re.split(r"[\[><=;]", package)[0] for package in project["dependencies"]}
    rows = re.findall(r"^\| ([a-z][^|]*) \|", RECORD.read_text(), re.MULTILINE)
    explained = {name.removesuffix(" (argon2)") for row in rows for name in row.split(", ")}
    assert explained - {"package"} == required
