"""At most three exports run at once; another one is asked to try again later."""

import asyncio
from typing import Any

import pytest
from fastapi.testclient import TestClient

from donate.errors import TooBusy
from donate.finance.exports.slots import MOST_AT_ONCE, RETRY_AFTER_S, ExportSlots
from tests.finance.finance_site import FinanceSite


def scope_of(browser: TestClient, path: str) -> dict[str, Any]:
    """Return the ASGI scope of a signed-in GET request."""
    cookie = "; ".join(f"{each.name}={each.value}" for each in browser.cookies.jar)
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [(b"host", b"testserver"), (b"cookie", cookie.encode())],
        "client": ("203.0.113.5", 50_000),
        "server": ("testserver", 80),
    }


class Download:
    """A download whose client reads the beginning of the answer, and then nothing more."""

    def __init__(self, site: FinanceSite, browser: TestClient, path: str) -> None:
        self.began = asyncio.Event()
        self._go_on = asyncio.Event()
        self._app, self._scope = site.app, scope_of(browser, path)
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        await self._app(self._scope, self._receive, self._send)  # type: ignore[arg-type]

    async def _receive(self) -> dict[str, Any]:
        await self._go_on.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.began.set()
            await self._go_on.wait()

    async def leave(self) -> None:
        """Close the connection, as a browser does when its user stops the download."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@pytest.mark.parametrize("name", ["gifts", "movements", "monthly"])
def test_open_downloads_are_limited(site: FinanceSite, name: str) -> None:
    """While three downloads are open, a fourth gets 503; once one is closed, the next succeeds."""
    site.gift(received_minor=5_000)
    browser = site.signed_in()

    async def open_and_close() -> None:
        downloads = []
        for _ in range(MOST_AT_ONCE):
            downloads.append(Download(site, browser, f"/finance/{name}.csv"))
            await asyncio.wait_for(downloads[-1].began.wait(), 10)
        for ending in ("csv", "xlsx", "control.json"):
            answer = await asyncio.to_thread(browser.get, f"/finance/{name}.{ending}")
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == str(RETRY_AFTER_S)
            assert "Other exports are running." in answer.text
        await downloads.pop().leave()
        for ending in ("csv", "xlsx", "control.json", "csv"):
            answer = await asyncio.to_thread(browser.get, f"/finance/{name}.{ending}")
            assert answer.status_code == 200
        for download in downloads:
            await download.leave()

    asyncio.run(open_and_close())


def test_a_slot_is_free_again_after_an_error() -> None:
    """A slot is free again after its export fails, and giving it back twice frees only one slot."""
    slots = ExportSlots(1)
    slot = slots.take()
    with pytest.raises(KeyError), slot.unless_it_fails():
        raise KeyError
    other = slots.take()
    slot.give_back()
    with pytest.raises(TooBusy):
        slots.take()
    other.give_back()
    slots.take()
