"""A real Chromium, and the demo's own processes to look at."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.real_parts import Postgres, free_port
from tests.sandbox.watching import refuse_differences_in

FOUND_BROWSER = Path(__file__).parent.parent.parent / ".browsers/path"
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@dataclass(frozen=True)
class Demo:
    """The demo as it prints itself: where to go, and who may sign in."""

    service: str
    sandbox: str
    example: str
    email: str
    password: str


@pytest.fixture(scope="package")
def the_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running_demo(tmp_path_factory.mktemp("demo")) as demo:
        yield demo


@pytest.fixture(scope="package")
def the_demo_on_postgresql(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres
) -> Iterator[Demo]:
    with running_demo(tmp_path_factory.mktemp("demo"), postgres.empty_url()) as demo:
        yield demo


@pytest.fixture
def demo(the_demo: Demo) -> Demo:
    """The demo as everybody starts it."""
    return the_demo


@contextmanager
def running_demo(folder: Path, database_url: str = "") -> Iterator[Demo]:
    """Start the demo as `make demo` does, in a folder of its own or on another database."""
    port, sandbox_port, record = free_port(), free_port(), folder / "record.jsonl"
    chosen = {
        "DONATE_PORT": str(port),
        "SANDBOX_PORT": str(sandbox_port),
        "DEMO_DATABASE_URL": database_url,
        "SANDBOX_RECORD": str(record),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "donate.cli", "demo"],
        cwd=folder,
        env=os.environ | chosen,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        said = ""
        for line in process.stdout:
            said += line
            if "Ctrl-C" in line:
                break
        signed_in = re.search(r"Sign in +(\S+) +(\S+)", said)
        example = re.search(r"On a web page (\S+)/", said)
        assert signed_in, f"the demo did not start; it said {said!r}"
        assert example, f"the demo has no example page; it said {said!r}"
        yield Demo(
            service=f"http://127.0.0.1:{port}",
            sandbox=f"http://127.0.0.1:{sandbox_port}",
            example=example[1],
            email=signed_in[1],
            password=signed_in[2],
        )
        # Not Ctrl-C's signal: whoever runs in the background may have been started deaf to it.
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    refuse_differences_in(record)


# For this package only: while Playwright runs, nothing else in its thread can use asyncio.run.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=FOUND_BROWSER.read_text().strip(), args=list(CHROMIUM_FLAGS)
        )
        yield browser
        browser.close()


OpenPage = Callable[..., Page]
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}}


class Visitors:
    """Pages to browse with. One that was put back is a stranger again: to make one costs a second.

    Nobody may leave more behind than an address and cookies: who emulates, or resizes, takes a page
    of their own with `browsing`.
    """

    def __init__(self, chromium: Browser) -> None:
        self._chromium = chromium
        self._idle: dict[str, list[Page]] = {}

    def take(self, how: dict[str, Any]) -> Page:
        """Give a page that nobody uses, in a browser as described by `how`."""
        idle = self._idle.setdefault(repr(sorted(how.items())), [])
        if idle:
            return idle.pop()
        context = self._chromium.new_context(**how)
        context.set_default_timeout(10_000)
        return context.new_page()

    def put_back(self, page: Page, how: dict[str, Any]) -> None:
        """Have the page forget whom it belonged to."""
        for other in page.context.pages:
            if other != page:
                other.close()
        page.goto("about:blank")
        page.context.clear_cookies()
        self._idle[repr(sorted(how.items()))].append(page)


@pytest.fixture(scope="package")
def visitors(chromium: Browser) -> Visitors:
    return Visitors(chromium)


@pytest.fixture
def open_page(visitors: Visitors, demo: Demo) -> Iterator[OpenPage]:
    """Open pages of a phone's size, each a visitor's of its own; fails on any script error."""
    taken: list[tuple[Page, dict[str, Any]]] = []
    errors: list[str] = []

    def complain(error: Exception) -> None:
        errors.append(str(error))

    def opened(**more: Any) -> Page:
        how = PHONE | {"base_url": demo.service} | more
        page = visitors.take(how)
        page.on("pageerror", complain)
        taken.append((page, how))
        return page

    yield opened
    for page, how in taken:
        page.remove_listener("pageerror", complain)
        visitors.put_back(page, how)
    assert errors == []


@contextmanager
def browsing(chromium: Browser, demo: Demo) -> Iterator[OpenPage]:
    """As `open_page`, in browsers that nobody had before or gets afterwards."""
    contexts = []
    errors: list[str] = []

    def opened(**more: Any) -> Page:
        context = chromium.new_context(**(PHONE | {"base_url": demo.service} | more))
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []
