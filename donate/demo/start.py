"""Starts the demo: the service, the sandbox and an example page, with a year of example gifts.

No real money moves: the demo uses made-up test keys, and refuses to start with a live key.
"""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import httpx

from donate.demo.article import CODE, STAFF_EMAIL, example_page
from donate.errors import Misconfigured

FOLDER: Final = Path(".demo")
LETTERS: Final = FOLDER / "letters"
EXAMPLE_CHARITY: Final = Path(__file__).with_name("example_charity") / "regions.toml"
INTERAC_MAILS: Final = FOLDER / "interac"
# On a busy machine, the imports alone can take half a minute.
START_TIMEOUT_S: Final = 60


def demo(more_gifts: int = 0) -> int:
    """Run the demo until interrupted.

    Before it starts, `more_gifts` gifts of the past five years are added in bulk. Raises
    Misconfigured if that number is negative, a port is in use, or a key is live.
    """
    if more_gifts < 0:
        raise Misconfigured("--gifts must be 0 or more")
    if "_live_" in os.environ.get("STRIPE_SECRET_KEY", ""):
        raise Misconfigured("the demo refuses to start with a live key; unset STRIPE_SECRET_KEY")
    port, sandbox_port = _port("DONATE_PORT", 8000), _port("SANDBOX_PORT", 8001)
    environment = _environment(port, sandbox_port)
    service, sandbox = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{sandbox_port}"
    with ExitStack() as running:
        signal.signal(signal.SIGTERM, _interrupt)
        example = running.enter_context(example_page(service, CODE))
        environment["EMBED_ORIGINS"] = example
        if more_gifts:
            _add_many(environment["DATABASE_URL"], more_gifts)
        children = [
            running.enter_context(_child(["sandbox", "--port", str(sandbox_port)], environment)),
            running.enter_context(_child(["serve"], environment)),
        ]
        # This import takes seconds. Do it here, while the two processes start.
        from donate.demo.year import prepare

        for address in (f"{sandbox}/", f"{service}/readyz"):
            _wait_until_answered(address, children)
        password = prepare(environment, sandbox)
        print(_welcome(service, sandbox, example, password), flush=True)
        while all(child.poll() is None for child in children):
            time.sleep(0.5)
    raise Misconfigured("the demo stopped, because one of its two processes ended; see above")


def _environment(port: int, sandbox_port: int) -> dict[str, str]:
    INTERAC_MAILS.mkdir(parents=True, exist_ok=True)
    emails = (*LETTERS.glob("*.eml"), *INTERAC_MAILS.glob("*.eml"))
    for old in (*FOLDER.glob("demo.sqlite3*"), *emails):
        old.unlink()
    values = {
        "DATABASE_URL": _database_url(),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "DRAIN_SECONDS": "0",
        "LINK_KEY": secrets.token_hex(32),
        "STRIPE_SECRET_KEY": f"sk_test_{secrets.token_hex(16)}",
        "STRIPE_WEBHOOK_SECRET": f"whsec_{secrets.token_hex(16)}",
        "STRIPE_API_BASE": f"http://127.0.0.1:{sandbox_port}",
        "STRIPE_ACCOUNT": "",
        "CHECKOUT_HOSTS": f"127.0.0.1:{sandbox_port}",
        "SMTP_URL": "",
        "LETTERS_FOLDER": str(LETTERS),
        "TRANSFER_MAIL_FOLDER": str(INTERAC_MAILS),
        "TRANSFER_MAIL_KEYS": "",
        "MAIL_FROM": "give@example.org",
        "STAFF_SECOND_FACTOR": "optional",
        "SECOND_FACTOR_KEY": secrets.token_hex(32),
        "OIDC_ISSUER": "",
        "OIDC_CLIENT_ID": "",
        "OIDC_CLIENT_SECRET": "",
        "OIDC_ROLES": "",
        "DEMO": "true",
        "REGIONS_FILE": str(EXAMPLE_CHARITY),
        "LOG_LEVEL": "WARNING",
    }
    return os.environ | values


def _database_url() -> str:
    """Return DEMO_DATABASE_URL, or the URL of a file for the demo. Raises Misconfigured."""
    url = os.environ.get("DEMO_DATABASE_URL", "")
    if not url:
        return f"sqlite:///{FOLDER / 'demo.sqlite3'}"
    from sqlalchemy import inspect

    from donate.storage.database import Database

    database = Database(url)
    with database.reading() as session:
        tables = inspect(session.connection()).get_table_names()
    database.close()
    if tables:
        raise Misconfigured("DEMO_DATABASE_URL must name an empty database, which the demo fills")
    return url


def _add_many(database_url: str, how_many: int) -> None:
    from donate.demo.many_gifts import add_many_gifts

    def show(done: int, total: int) -> None:
        end = "\n" if done == total else ""
        print(f"\rGifts of five years: {done:,} of {total:,}", end=end, flush=True)

    add_many_gifts(database_url, how_many, show)


def _welcome(service: str, sandbox: str, example: str, password: str) -> str:
    return f"""
The demo is ready. No real money moves: a pretend Stripe runs on this machine.

  Give          {service}/give/LWCAN
  Test card     4242 4242 4242 4242, any later date, any CVC
  On a web page {example}/
  Finance       {service}/finance
  Sign in       {STAFF_EMAIL}   {password}
  E-mails       {service}/demo/letters
  Pretend Stripe {sandbox}, with a bank’s statements

Press Ctrl-C to stop."""


def _port(name: str, default: int) -> int:
    port = read_port(name, os.environ.get(name, str(default)))
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Misconfigured(
                f"port {port} is in use; choose another with {name}=8123 make demo"
            ) from error
    return port


@contextmanager
def _child(command: list[str], environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    # Use -m, because the `donate` script could run another interpreter or another copy of the code.
    command = [sys.executable, "-m", "donate.cli", *command]
    child = subprocess.Popen(command, env=environment)  # noqa: S603 -- no user input
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(timeout=12)
        except subprocess.TimeoutExpired:
            child.kill()


def _wait_until_answered(address: str, children: list[subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if any(child.poll() is not None for child in children):
            break
        try:
            if httpx.get(address, timeout=2).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise Misconfigured("the demo did not start; see above")


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def read_port(name: str, text: str) -> int:
    """Parse a port number. Raises Misconfigured; the message names the setting `name`."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65_536):
        raise Misconfigured(f"{name} must be a port number, such as 8001")
    return int(text)
