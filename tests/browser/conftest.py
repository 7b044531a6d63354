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
    port, sandbox_port = free_port(), free_port()
    chosen = {
        "DONATE_PORT": str(port),
        "SANDBOX_PORT": str(sandbox_port),
        "DEMO_DATABASE_URL": database_url,
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


@pytest.fixture
def open_page(chromium: Browser, demo: Demo) -> Iterator[OpenPage]:
    with browsing(chromium, demo) as opened:
        yield opened


@contextmanager
def browsing(chromium: Browser, demo: Demo) -> Iterator[OpenPage]:
    """Open pages of a phone's size, each in a browser of its own; fails on any script error."""
    contexts = []
    errors: list[str] = []

    def opened(**how: Any) -> Page:
        phone = {"viewport": {"width": 390, "height": 844}, "base_url": demo.service}
        context = chromium.new_context(**(phone | how))
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []
