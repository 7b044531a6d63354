"""Finds or installs a Chromium for the tests, and writes its path to .browsers/path.

It tries, in this order: DONATE_CHROMIUM, a browser on this machine, Playwright's own download, and
Debian's packages. A browser that does not start is not used.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

BROWSERS = Path(__file__).resolve().parent.parent / ".browsers"
PATH_FILE = BROWSERS / "path"

NAMES = (
    "chromium-headless-shell",  # Chromium without windows, which needs half the computing time
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
PRINT_PATH = (
    "from playwright.sync_api import sync_playwright as start\n"
    "with start() as playwright: print(playwright.chromium.executable_path)"
)
DOES_NOT_START = "DONATE_CHROMIUM names no browser that starts: "
NOT_FOUND = (
    "The tests need Chromium, and none could be installed here. Install Chromium or Chrome, "
    "or set DONATE_CHROMIUM to the path of one, and run this again."
)


def run(
    command: Sequence[str], timeout_s: int, environment: Mapping[str, str] | None = None
) -> str | None:
    """Return the output of a command, or None if it failed, timed out or does not exist."""
    try:
        return subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            text=True,
            check=True,
            timeout=timeout_s,
            env={**os.environ, **(environment or {})},
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def starts(path: str) -> bool:
    """Return whether a browser starts. Ubuntu's chromium-browser does not; it only names a snap."""
    return run([path, "--version"], timeout_s=30) is not None


def on_this_machine() -> str | None:
    paths = (shutil.which(name) for name in NAMES)
    return next((path for path in paths if path and starts(path)), None)


def from_playwright() -> str | None:
    report("There is no Chromium; downloading one with Playwright.")
    environment = {"PLAYWRIGHT_BROWSERS_PATH": str(BROWSERS)}
    install = [sys.executable, "-m", "playwright", "install", "--no-shell", "chromium"]
    if run(install, timeout_s=300, environment=environment) is None:
        return None
    path = run([sys.executable, "-c", PRINT_PATH], timeout_s=30, environment=environment)
    return path if path and starts(path) else None


def from_debian() -> str | None:
    report("Installing Chromium from Debian's packages.")
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    quietly = {"DEBIAN_FRONTEND": "noninteractive"}
    apt_get = [*sudo, "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120"]
    run([*apt_get, "update"], timeout_s=300, environment=quietly)
    install = [*apt_get, "install", "--yes", "--no-install-recommends"]
    for package in ("chromium-headless-shell", "chromium"):
        if run([*install, package], timeout_s=900, environment=quietly) is not None:
            return on_this_machine()
    return None


def find_browser() -> str | None:
    if chosen := os.environ.get("DONATE_CHROMIUM"):
        return chosen if starts(chosen) else None
    if PATH_FILE.exists() and os.access(PATH_FILE.read_text().strip(), os.X_OK):
        return PATH_FILE.read_text().strip()
    return on_this_machine() or from_playwright() or from_debian()


def report(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def main() -> int:
    path = find_browser()
    if path is None:
        chosen = os.environ.get("DONATE_CHROMIUM")
        report(DOES_NOT_START + chosen if chosen else NOT_FOUND)
        return 1
    BROWSERS.mkdir(exist_ok=True)
    PATH_FILE.write_text(path + "\n")
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
