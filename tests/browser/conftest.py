"""Fixtures that start Chromium and the demo."""

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

from tests.browser.host_site import HostSite, host_site
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
    """The URLs and the staff sign-in that the demo prints when it starts."""

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
def demo(request: pytest.FixtureRequest) -> Demo:
    """Return the demo with its default database, SQLite, or the one that the test names."""
    demo: Demo = request.getfixturevalue(getattr(request, "param", "the_demo"))
    return demo


on_both_databases = pytest.mark.parametrize(
    "demo", ["the_demo", "the_demo_on_postgresql"], ids=["sqlite", "postgresql"], indirect=True
)


@pytest.fixture(scope="package")
def site() -> Iterator[HostSite]:
    """Serve a web site of somebody else, which is not in EMBED_ORIGINS."""
    with host_site() as site:
        yield site


@contextmanager
def running_demo(folder: Path, database_url: str = "") -> Iterator[Demo]:
    """Start the demo in this folder, as `make demo` does; an empty URL means SQLite."""
    port, sandbox_port, record = free_port(), free_port(), folder / "record.jsonl"
    settings = {
        "DONATE_PORT": str(port),
        "SANDBOX_PORT": str(sandbox_port),
        "DEMO_DATABASE_URL": database_url,
        "SANDBOX_RECORD": str(record),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "donate.cli", "demo"],
        cwd=folder,
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        output = ""
        for line in process.stdout:
            output += line
            if "Ctrl-C" in line:
                break
        signed_in = re.search(r"Sign in +(\S+) +(\S+)", output)
        example = re.search(r"On a web page (\S+)/", output)
        assert signed_in, f"the demo did not start; its output: {output!r}"
        assert example, f"the demo has no example page; its output: {output!r}"
        yield Demo(
            service=f"http://127.0.0.1:{port}",
            sandbox=f"http://127.0.0.1:{sandbox_port}",
            example=example[1],
            email=signed_in[1],
            password=signed_in[2],
        )
        # This sends SIGTERM and not SIGINT, because a background process may ignore SIGINT.
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    refuse_differences_in(record)


# Playwright stops after the tests of this package, because asyncio.run of later tests fails in
# a thread where Playwright runs.
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
    """A pool of browser pages; they are reused, because opening a page takes a second.

    A returned page loses its URL and its cookies, and gets its window size and media back.
    """

    def __init__(self, chromium: Browser) -> None:
        self._chromium = chromium
        self._idle: dict[str, list[Page]] = {}

    def take(self, options: dict[str, Any]) -> Page:
        """Return an idle page whose browser context has these options, or open one."""
        idle = self._idle.setdefault(repr(sorted(options.items())), [])
        if idle:
            return idle.pop()
        context = self._chromium.new_context(**options)
        context.set_default_timeout(60_000)
        return context.new_page()

    def put_back(self, page: Page, options: dict[str, Any]) -> None:
        """Close the page's popups, undo what a test changed of it, and keep the page for reuse."""
        for other in page.context.pages:
            if other != page:
                other.close()
        page.unroute_all()
        page.goto("about:blank")
        page.set_viewport_size(options["viewport"])
        page.emulate_media(
            media="null",
            color_scheme=options.get("color_scheme", "light"),
            forced_colors=options.get("forced_colors", "none"),
        )
        page.context.clear_cookies()
        self._idle[repr(sorted(options.items()))].append(page)


@pytest.fixture(scope="package")
def visitors(chromium: Browser) -> Visitors:
    return Visitors(chromium)


@pytest.fixture
def open_page(visitors: Visitors, demo: Demo) -> Iterator[OpenPage]:
    """Open phone-sized pages with separate cookies; the test fails on any script error."""
    pages: list[tuple[Page, dict[str, Any]]] = []
    errors: list[str] = []

    def record_error(error: Exception) -> None:
        errors.append(str(error))

    def open_one(**more: Any) -> Page:
        options = PHONE | {"base_url": demo.service} | more
        page = visitors.take(options)
        page.on("pageerror", record_error)
        pages.append((page, options))
        return page

    yield open_one
    for page, options in pages:
        page.remove_listener("pageerror", record_error)
        visitors.put_back(page, options)
    assert errors == []


@contextmanager
def browsing(chromium: Browser, demo: Demo) -> Iterator[OpenPage]:
    """Like `open_page`, but with new browser contexts that are closed afterwards."""
    contexts = []
    errors: list[str] = []

    def open_one(**more: Any) -> Page:
        context = chromium.new_context(**(PHONE | {"base_url": demo.service} | more))
        context.set_default_timeout(60_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert errors == []
