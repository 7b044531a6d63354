"""Packages are installed only with the hashes of uv.lock; their list and their faults are known."""

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from scripts import audit
from tests.real_parts import free_port, served

ROOT = Path(__file__).parent.parent.parent
WHEEL = "little-1.0-py3-none-any.whl"
PROJECT = """
[project]
name = "project"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["little"]
[tool.uv]
package = false
[[tool.uv.index]]
url = "{index}"
default = true
"""
FAULT = "GHSA-aaaa-bbbb-cccc"


def read_lock() -> list[dict[str, Any]]:
    packages: list[dict[str, Any]] = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    return packages


def files_of(package: dict[str, Any]) -> list[dict[str, Any]]:
    source = [package["sdist"]] if "sdist" in package else []
    return [*package.get("wheels", []), *source]


def test_every_locked_file_has_a_hash() -> None:
    """Every package in uv.lock but the project itself has files, all with a SHA-256 hash."""
    for package in read_lock():
        files = files_of(package)
        assert bool(files) == (package["name"] != "donate")
        assert all(re.fullmatch("sha256:[0-9a-f]{64}", file["hash"]) for file in files)


def test_what_builds_packages_has_hashes_too() -> None:
    """What installs packages, uv, and what builds them are installed by hash too."""
    uv = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"]
    assert uv["require-build-hashes"] is True
    assert all(dependency["hashes"] for dependency in uv["build-constraint-dependencies"])
    assert "--require-hashes" in (ROOT / "scripts" / "uv").read_text()
    assert (ROOT / "scripts" / "uv.txt").read_text().count("--hash=sha256:") > 10


def pack_little(content: str) -> bytes:
    """Return the wheel of a little package."""
    described = "little-1.0.dist-info"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as wheel:
        wheel.writestr("little.py", content)
        wheel.writestr(
            f"{described}/METADATA", "Metadata-Version: 2.1\nName: little\nVersion: 1.0\n"
        )
        wheel.writestr(f"{described}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{described}/RECORD", "")
    return packed.getvalue()


@dataclass
class Index:
    """A package index that has only the little package."""

    wheel: bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith("/files/"):
            answer = Response(self.wheel, media_type="application/octet-stream")
        else:
            digest = hashlib.sha256(self.wheel).hexdigest()
            link = f'<a href="/files/{WHEEL}#sha256={digest}">{WHEEL}</a>'
            answer = Response(link, media_type="text/html")
        await answer(scope, receive, send)


@dataclass
class Checkout:
    """A folder with scripts/install and a project that needs the little package."""

    folder: Path
    index: Index
    runs: int = 0

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a script of the folder with an empty cache."""
        self.runs += 1
        kept = {name: text for name, text in os.environ.items() if name[:3] not in ("UV_", "PIP")}
        ours = {"PYTHON": sys.executable, "UV_CACHE_DIR": str(self.folder / f"cache{self.runs}")}
        return subprocess.run(
            command,
            cwd=self.folder,
            env=kept | ours,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    (tmp_path / "scripts").mkdir()
    (tmp_path / ".tools").symlink_to(ROOT / ".tools")
    for script in ("uv", "install"):
        shutil.copy(ROOT / "scripts" / script, tmp_path / "scripts")
    index = Index(pack_little("is_genuine = True"))
    with served(index, lifespan="off") as url:
        (tmp_path / "pyproject.toml").write_text(PROJECT.format(index=f"{url}/simple"))
        checkout = Checkout(tmp_path, index)
        locked = checkout.run("scripts/uv", "lock")
        assert locked.returncode == 0, locked.stderr
        yield checkout


def test_an_exchanged_package_is_not_installed(checkout: Checkout) -> None:
    """scripts/install refuses a package whose content differs from the hash in uv.lock."""
    genuine, checkout.index.wheel = checkout.index.wheel, pack_little("is_genuine = False")
    refused = checkout.run("scripts/install")
    assert refused.returncode != 0
    assert "Hash mismatch" in refused.stderr
    checkout.index.wheel = genuine
    for kind in (("run-time",), ("server", "opt")):
        installed = checkout.run("scripts/install", *kind)
        assert installed.returncode == 0, installed.stderr


@pytest.mark.parametrize("kind", [(), ("run-time",), ("server", "opt")])
def test_a_lock_file_that_does_not_fit_is_refused(
    checkout: Checkout, kind: tuple[str, ...]
) -> None:
    """scripts/install changes no uv.lock: it refuses one that does not fit pyproject.toml."""
    project = checkout.folder / "pyproject.toml"
    project.write_text(project.read_text().replace('"little"', '"little>=1"'))
    before = (checkout.folder / "uv.lock").read_text()
    assert checkout.run("scripts/install", *kind).returncode != 0
    assert (checkout.folder / "uv.lock").read_text() == before


def needed_by(name: str, packages: dict[str, dict[str, Any]]) -> set[str]:
    """Return the names of all packages that a package needs, extras included."""
    found: set[str] = set()
    to_visit = list(packages[name]["dependencies"])
    while to_visit:
        need = to_visit.pop()
        package = packages[need["name"]]
        extras = [package["optional-dependencies"][extra] for extra in need.get("extra", [])]
        new = [] if need["name"] in found else package.get("dependencies", [])
        found.add(need["name"])
        to_visit += [more for more in sum(extras, new) if more["name"] not in found]
    return found


def test_the_sbom_lists_what_the_service_runs_with() -> None:
    """`make sbom` lists each run-time package of uv.lock with its version and all its hashes."""
    made = subprocess.run(["make", "sbom"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    sbom = json.loads((ROOT / "sbom.cdx.json").read_text())
    assert (sbom["bomFormat"], sbom["metadata"]["component"]["name"]) == ("CycloneDX", "donate")
    listed = {
        (part["name"], part["version"]): {
            one["content"] for link in part["externalReferences"] for one in link["hashes"]
        }
        for part in sbom["components"]
    }
    packages = {package["name"]: package for package in read_lock()}
    needed = needed_by("donate", packages)
    assert listed == {
        (name, packages[name]["version"]): {
            file["hash"].removeprefix("sha256:") for file in files_of(packages[name])
        }
        for name in needed
    }


@pytest.fixture
def database_of_faults(request: pytest.FixtureRequest) -> Iterator[str]:
    """Serve a database of faults, which knows one of jinja2 if the test asks for it."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        affected = [{"package": {"name": "jinja2", "ecosystem": "PyPI"}}]
        known = {"id": FAULT, "modified": "2026-01-01T00:00:00Z"}
        answer: dict[str, Any] = known | {"summary": "A hole", "affected": affected}
        if scope["path"].endswith("/querybatch"):
            names = [
                q["package"]["name"] for q in (await Request(scope, receive).json())["queries"]
            ]
            found = {"jinja2": {"vulns": [known]}} if request.param else {}
            answer = {"results": [found.get(name, {}) for name in names]}
        await JSONResponse(answer)(scope, receive, send)

    with served(app, lifespan="off") as url:
        yield f"{url}/"


NOBODY = f"http://127.0.0.1:{free_port()}/"


@pytest.mark.parametrize("database_of_faults", [False, True], indirect=True)
def test_known_faults_fail_the_check(
    database_of_faults: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A known fault fails the check, also later without a network; without faults it passes."""
    code = audit.main(["--service-url", database_of_faults], tmp_path)
    now = capsys.readouterr().out
    assert audit.main(["--service-url", NOBODY], tmp_path) == code
    later = capsys.readouterr().out
    assert code == (1 if FAULT in now else 0)
    for said in (now, later):
        assert said.startswith("FAILED  known faults" if code else "ok      no known faults")
        assert (FAULT in said) == bool(code)
    assert "asked now" in now
    assert "could not ask now" in later


def test_nobody_claims_what_nobody_looked_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a network and without an earlier answer, the check passes and says so."""
    assert audit.main(["--service-url", NOBODY], tmp_path) == 0
    said = capsys.readouterr().out
    assert said.startswith("NOT LOOKED UP")
    assert "no known faults" not in said


def test_an_answer_about_another_lock_file_does_not_count(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was found for another uv.lock says nothing about this one."""
    (tmp_path / "0123abcd").write_text("0\nFound no known vulnerabilities")
    assert audit.main(["--service-url", NOBODY], tmp_path) == 0
    assert capsys.readouterr().out.startswith("NOT LOOKED UP")
