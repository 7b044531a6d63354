"""What a clerk does with bank statements over HTTP, from the upload to the closed month."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from donate.bank.reconciliation.models import LinePart
from donate.bank.statements.models import RecordedLine
from donate.books.months.book_month import BookMonth
from tests.journeys.donor_steps import field

STATEMENTS = "/finance/statements"
ACCOUNT = "Chequing"


@dataclass
class Clerk:
    """A clerk of finance who is signed in. `request` sends a request, and may send it again.

    An answer that was lost may be followed by a second one, so a form may find its work done.
    """

    request: Callable[..., httpx.Response]
    token: str

    def page(self, path: str) -> str:
        answer = self._send("GET", path)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return answer.text

    def import_statement(self, content: bytes) -> None:
        """Upload a file, compare it with the recorded lines, and import it."""
        token = field(self.page(STATEMENTS), "csrf")
        uploaded = self._send(
            "POST",
            f"{STATEMENTS}/uploaded",
            data={"csrf": token},
            files={"file": ("accountactivity.csv", content, "text/csv")},
        )
        assert uploaded.status_code == 303, f"upload: {uploaded.status_code}"
        address = uploaded.headers["location"]
        form = {"csrf": token, "shape": "td", "new_account_0": ACCOUNT}
        compared = self._send("POST", address, data=form).text
        assert 'name="doubt_' not in compared, "a line is in doubt"
        form |= {name: field(compared, name) for name in ("seen", "file", "compared")}
        imported = self._send("POST", address, data=form)
        assert imported.status_code == 303, f"import: {imported.status_code}"

    def certain_form(self) -> dict[str, str]:
        """Return the form that accepts all certain lines; its field `lines` may be empty."""
        page = self.page(f"{STATEMENTS}/certain")
        lines = re.search(r'name="lines" value="([^"]*)"', page)
        return {"csrf": field(page, "csrf"), "lines": lines[1] if lines else ""}

    def accept_certain(self, form: dict[str, str]) -> None:
        answer = self._send("POST", f"{STATEMENTS}/certain", data=form)
        assert answer.status_code == 303, f"certain: {answer.status_code}"

    def accept_best(self, line: RecordedLine) -> None:
        """Accept the best suggestion for a line, if it has one that has not changed."""
        path = f"{STATEMENTS}/lines/{line.id}"
        suggestion = re.search(r'name="suggestion" value="([^"]*)"', self.page(path))
        if suggestion:
            form = {"version": str(line.version), "suggestion": suggestion[1]}
            self._decide(path, f"{path}/accepted", form)

    def note(self, line: RecordedLine) -> None:
        """Note that a line is no gift."""
        path = f"{STATEMENTS}/lines/{line.id}"
        reason = "bank_fee" if line.amount_minor < 0 else "other_income"
        form = {"version": str(line.version), "reason": reason}
        form["amount"] = f"{abs(line.open_amount.amount_minor) / 100:.2f}"
        self._decide(path, f"{path}/no-gift", form)

    def undo(self, part: LinePart) -> None:
        form = {"line": str(part.line_id), "reason": "This was another one"}
        page = f"{STATEMENTS}/lines/{part.line_id}"
        self._decide(page, f"{STATEMENTS}/parts/{part.id}/undone", form)

    def _decide(self, page: str, path: str, form: dict[str, str]) -> None:
        """Send a form of a line's page. 409 and 422 mean that the line has changed meanwhile."""
        csrf = {"csrf": field(self.page(page), "csrf")}
        answer = self._send("POST", path, data=form | csrf)
        assert answer.status_code in (303, 409, 422), f"{path}: {answer.status_code}"

    def close(self, month: BookMonth) -> None:
        """Close a month with a reason for whatever is open, unless it is closed already."""
        path = f"/finance/months/{month}"
        page = self.page(path)
        if 'name="content"' not in page:
            return
        form = {name: field(page, name) for name in ("csrf", "content")}
        form |= dict.fromkeys(re.findall(r'name="(reason_\w+)"', page), "The bank looks for it")
        answer = self._send("POST", f"{path}/closed", data=form)
        assert answer.status_code in (303, 409, 422), f"closed: {answer.status_code}"

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        cookies = {"Cookie": f"donate_staff={self.token}"}
        return self.request(method, path, headers=cookies, **more)
