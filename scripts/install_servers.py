"""Finds nginx, Caddy and systemd-analyze for the tests of deploy/, or unpacks Debian's packages.

The packages are only unpacked into .tools, not installed: no program of this machine changes, and
none starts by itself.
"""

import os
import shutil
import sys
from pathlib import Path

from scripts.install_browser import report, run

ROOT = Path(__file__).resolve().parent.parent
UNPACKED = ROOT / ".tools" / "debian"
SYSTEM_FOLDERS = ("/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin")
PACKAGES = {
    "nginx": ("nginx", "nginx-common"),
    "caddy": ("caddy",),
    "systemd-analyze": ("systemd",),
}
"""The programs, and the packages of Debian that have them."""
VERSION_ARGUMENT = {"nginx": "-v", "caddy": "version", "systemd-analyze": "--version"}
NOT_FOUND = (
    "The tests need {}, and it could not be had from Debian's packages. "
    "Install it and run this again."
)


class NoSuchProgram(Exception):
    """A program is not on this machine, and Debian's packages could not be unpacked."""


def find_server(name: str) -> str:
    """Return the path of one of the programs. Raises NoSuchProgram."""
    folders = [os.environ.get("PATH", ""), *SYSTEM_FOLDERS]
    for path in (shutil.which(name, path=":".join(folders)), unpacked(name)):
        if path and run([path, VERSION_ARGUMENT[name]], timeout_s=30) is not None:
            return path
    for package in PACKAGES[name]:
        unpack(package)
    path = unpacked(name)
    if path is None or run([path, VERSION_ARGUMENT[name]], timeout_s=30) is None:
        raise NoSuchProgram(NOT_FOUND.format(name))
    return path


def unpacked(name: str) -> str | None:
    return shutil.which(name, path=f"{UNPACKED}/usr/sbin:{UNPACKED}/usr/bin")


def unpack(package: str) -> None:
    """Download a package of Debian and unpack it. Asks for the list of packages if it is old."""
    report(f"Unpacking Debian's package {package} into .tools.")
    folder = UNPACKED / "packages"
    folder.mkdir(parents=True, exist_ok=True)
    download = ["sh", "-c", 'cd "$0" && apt-get -qq download "$1"', str(folder), package]
    if run(download, timeout_s=120) is None:
        sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
        update = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120", "update"]
        run([*sudo, *update], timeout_s=300)
        run(download, timeout_s=120)
    for file in folder.glob(f"{package}_*.deb"):
        run(["dpkg", "-x", str(file), str(UNPACKED)], timeout_s=120)


def main() -> int:
    try:
        for name in PACKAGES:
            print(find_server(name))
    except NoSuchProgram as error:
        report(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
