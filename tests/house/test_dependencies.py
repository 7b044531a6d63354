"""What is installed to run the service is there for a reason that is written down."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
RECORD = ROOT / "docs/decisions/0005-run-time-dependencies.md"


def test_every_dependency_has_its_reason() -> None:
    """The table of the record names exactly the packages that pyproject.toml asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {re.split(r"[\[><=;]", package)[0] for package in project["dependencies"]}
    rows = re.findall(r"^\| ([a-z][^|]*) \|", RECORD.read_text(), re.MULTILINE)
    explained = {name.removesuffix(" (argon2)") for row in rows for name in row.split(", ")}
    assert explained - {"package"} == wanted
