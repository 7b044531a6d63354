"""The first commands that a newcomer runs work, or say clearly why they cannot."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
INSTALL_BROWSER = ROOT / "scripts" / "install_browser.py"


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def program(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(["#!/bin/sh", *lines]))
    path.chmod(0o755)
    return path


def test_plain_make_lists_every_target() -> None:
    """`make` without a target lists all targets, with one line that explains each."""
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE)) - {"help"}
    listed = dict(
        line.split("\t") for line in run("make", "--no-print-directory").stdout.splitlines()
    )
    assert {f"make {target}" for target in targets} == listed.keys()
    assert all(listed.values())


def test_an_old_python_is_refused_with_a_sentence(tmp_path: Path) -> None:
    """With a Python older than 3.11, scripts/install stops and says which version it needs."""
    old = program(tmp_path / "python3", "exit 1")
    install = run("scripts/install", PYTHON=str(old))
    assert install.returncode == 1
    assert install.stderr.startswith("This needs Python 3.11 or newer")


def test_a_browser_that_does_not_start_is_refused(tmp_path: Path) -> None:
    """If the browser in DONATE_CHROMIUM does not start, the install tries no other browser."""
    broken = program(tmp_path / "chromium", "exit 1")
    install = run(sys.executable, INSTALL_BROWSER, DONATE_CHROMIUM=str(broken))
    assert install.returncode == 1
    assert "DONATE_CHROMIUM names no browser that starts" in install.stderr


def test_the_browser_on_the_machine_is_the_one_used(tmp_path: Path) -> None:
    """The install skips a browser on PATH that does not start, and uses the next that does."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "scripts").mkdir()
    script = shutil.copy(INSTALL_BROWSER, tmp_path / "scripts")
    program(tmp_path / "bin" / "chromium", "exit 1")
    good = program(tmp_path / "bin" / "google-chrome", "echo Google Chrome 1.0")
    install = run(sys.executable, script, PATH=str(tmp_path / "bin"), DONATE_CHROMIUM="")
    assert install.stdout.strip() == str(good)
    assert (tmp_path / ".browsers" / "path").read_text().strip() == str(good)
