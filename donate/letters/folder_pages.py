"""The demo's pages that show the e-mails in the folder."""

import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from donate.errors import NotFound
from donate.web.templating import Pages

SHOWN: Final = 100
_NAME: Final = re.compile(r"[a-z_]{1,32}\.[0-9a-f]{32}")
_LANGUAGE: Final = "en-CA"
_PAGE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
# As in a mail program, allow no scripts or external resources, and open links in a new tab.
_FRAME_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
}


@dataclass(frozen=True, slots=True)
class LetterOnPage:
    """One e-mail as the demo shows it."""

    name: str
    subject: str
    to: str
    language: str
    sent_at: datetime
    headers: list[tuple[str, str]]
    text: str
    html: str


class FolderPages:
    """The routes under `/demo/letters`."""

    def __init__(self, folder: Path, pages: Pages) -> None:
        self._folder = folder
        self._pages = pages
        self.router = APIRouter(prefix="/demo/letters", include_in_schema=False)
        self.router.add_api_route("", self.letters, methods=["GET"])
        self.router.add_api_route("/{name}", self.letter, methods=["GET"])
        self.router.add_api_route("/{name}/html", self.html, methods=["GET"])

    def letters(self) -> Response:
        """List the newest e-mails."""
        files = sorted(self._folder.glob("*.eml"), key=lambda file: -file.stat().st_mtime_ns)
        letters = [_parse(file) for file in files[:SHOWN]]
        return self._pages.render("demo/letters.html", _LANGUAGE, letters=letters, more=len(files))

    def letter(self, name: str) -> Response:
        """Show one e-mail: its headers, its HTML in a frame, and its plain text."""
        return self._pages.render(
            "demo/letter.html", _LANGUAGE, headers=_PAGE_HEADERS, letter=self._find(name)
        )

    def html(self, name: str) -> Response:
        """Return the HTML of an e-mail, which its page shows in a frame."""
        return HTMLResponse(self._find(name).html, headers=_FRAME_HEADERS)

    def _find(self, name: str) -> LetterOnPage:
        file = self._folder / f"{name}.eml"
        if not _NAME.fullmatch(name) or not file.is_file():
            raise NotFound("no such letter")
        return _parse(file)


def _parse(file: Path) -> LetterOnPage:
    message = message_from_bytes(file.read_bytes(), policy=default)
    assert isinstance(message, EmailMessage)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    headers = [(name, str(value)) for name, value in message.items() if _is_shown(name)]
    return LetterOnPage(
        name=file.stem,
        subject=str(message["Subject"]),
        to=str(message["To"]),
        language=str(message["Content-Language"]),
        sent_at=parsedate_to_datetime(message["Date"]),
        headers=headers,
        text=text.get_content() if text else "",
        html=_with_images(message, html.get_content()) if html else "",
    )


def _with_images(message: EmailMessage, html: str) -> str:
    """Return the HTML with the images that are attached to the e-mail, as mail programs show it."""
    for part in message.walk():
        name = str(part.get("Content-ID", "")).strip("<>")
        if name and part.get_content_maintype() == "image":
            encoded = b64encode(part.get_content()).decode()
            html = html.replace(f"cid:{name}", f"data:{part.get_content_type()};base64,{encoded}")
    return html


def _is_shown(header: str) -> bool:
    return header in ("From", "To", "Reply-To", "Date")
