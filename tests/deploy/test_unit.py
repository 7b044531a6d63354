"""The unit for systemd is correct, confines the service, and lets it do its work."""

import re
import subprocess
import sys
from pathlib import Path

from donate.finance.roles import Role
from donate.finance.staff.options import sign_in_options
from donate.settings import Settings
from scripts.install_servers import find_server
from tests.deploy.confined import UNIT, allowed_calls
from tests.deploy.proxies import SOCKET
from tests.deploy.running import give, running_service
from tests.links import LINK_KEY
from tests.real_parts import SECRET_KEY, WEBHOOK_SECRET
from tests.settings import SECOND_FACTOR_KEY, load

ROOT = Path(__file__).parent.parent.parent
# systemd's own measure, in tenths: 10 is a unit without any restriction.
MOST_EXPOSED = 14
CONFINED = [sys.executable, "-m", "tests.deploy.confined"]


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [find_server("systemd-analyze"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    """systemd-analyze finds nothing wrong with the unit."""
    unit = UNIT.read_text()
    program = re.search(r"^ExecStart=(\S+) serve$", unit, re.MULTILINE)
    assert program
    copy = tmp_path / UNIT.name
    copy.write_text(unit.replace(program[1], sys.executable))
    verified = analyze("verify", "--man=no", copy)
    assert (verified.returncode, verified.stderr) == (0, "")


def test_the_unit_is_hardly_exposed() -> None:
    """By systemd's own measure, the unit is exposed to 1.4 of 10 at most."""
    measured = analyze("security", "--offline=yes", f"--threshold={MOST_EXPOSED}", UNIT)
    assert measured.returncode == 0, measured.stdout


def test_the_units_secrets_are_settings() -> None:
    """Each credential of the unit, also those to be uncommented, is a setting read from a file."""
    names = re.findall(r"^#?LoadCredential=(\w+):(\S+)$", UNIT.read_text(), re.MULTILINE)
    assert len(names) == 8
    for name, file in names:
        assert name in Settings.model_fields
        assert file == f"/etc/donate/secrets/{name}"


def test_only_the_proxys_group_reaches_the_socket() -> None:
    """The socket is where the proxies look for it, in a folder that only its group may enter."""
    unit = dict(re.findall(r"^(\w+)=(\S+)$", UNIT.read_text(), re.MULTILINE))
    assert variables_of_unit()["SOCKET"] == SOCKET
    assert (unit["RuntimeDirectory"], unit["RuntimeDirectoryMode"]) == ("donate", "0750")
    for proxy in ("nginx.conf", "Caddyfile"):
        text = (UNIT.parent / proxy).read_text()
        assert f"unix:{SOCKET}" in text or f"unix/{SOCKET}" in text
        assert f"usermod -aG {unit['Group']} " in text


def test_everybody_needs_a_second_factor_in_the_unit() -> None:
    """The unit requires a second factor of all staff, and reads its key."""
    assert variables_of_unit()["STAFF_SECOND_FACTOR"] == "everybody"
    options = sign_in_options(
        load(staff_second_factor="everybody", second_factor_key=SECOND_FACTOR_KEY), None
    )
    assert all(options.requires_second_factor(role) for role in Role)
    assert "\nLoadCredential=second_factor_key:" in UNIT.read_text()


def variables_of_unit() -> dict[str, str]:
    return dict(re.findall(r"^Environment=(\w+)=(\S+)$", UNIT.read_text(), re.MULTILINE))


def test_a_restriction_is_enforced() -> None:
    """Confined as by the unit, a program can neither mount nor run code that it has written."""
    assert {"read", "execve"} < allowed_calls()
    assert not {"mount", "chroot", "ptrace", "setuid"} & allowed_calls()
    attempts = (
        "import mmap, os\n"
        "for attempt in (lambda: os.chroot('/'), lambda: mmap.mmap(-1, 4096, prot=7)):\n"
        "    try: attempt()\n"
        "    except OSError: print('refused')\n"
    )
    run = subprocess.run(
        [*CONFINED, sys.executable, "-c", attempts],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout == "refused\n" * 2, run.stderr


def test_the_service_works_in_its_confines(database_url: str, tmp_path: Path) -> None:
    """Confined as by the unit, with secrets in files, the service takes a gift and stops."""
    secrets = {
        "stripe_secret_key": SECRET_KEY,
        "stripe_webhook_secret": WEBHOOK_SECRET,
        "link_key": LINK_KEY,
        "second_factor_key": SECOND_FACTOR_KEY,
        "database_url": database_url,
    }
    (tmp_path / "secrets").mkdir()
    for name, secret in secrets.items():
        (tmp_path / "secrets" / name).write_text(secret)
    socket = tmp_path / "donate.sock"
    environment = variables_of_unit() | {
        "CREDENTIALS_DIRECTORY": str(tmp_path / "secrets"),
        "PYTHONPATH": str(ROOT),
        "SOCKET": str(socket),
        "DRAIN_SECONDS": "0",
        "CATCHUP_EVERY_MINUTES": "0",
    }
    command = [*CONFINED, sys.executable, "-m", "donate.cli", "serve"]
    with running_service(command, tmp_path, environment, socket):
        assert give(socket) == 201
