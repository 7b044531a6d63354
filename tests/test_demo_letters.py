"""The demo shows the e-mails that it would have sent; a real service shows none."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from donate.app import create_app
from donate.letters.sending.folder import Folder
from donate.storage.database import Database
from tests.letters.mailer import open_mailer
from tests.real_parts import Sqlite, make_settings
from tests.stripe_gateway.gifts_and_events import give

Serving = Callable[..., AbstractContextManager[TestClient]]


@pytest.fixture
def url(sqlite: Sqlite) -> str:
    return sqlite.fresh_url()


@pytest.fixture
def letters(url: str, tmp_path: Path) -> Path:
    """Return a folder with the e-mails of two gifts."""
    database, folder = Database(url), tmp_path / "letters"
    for language in ("en-CA", "fr-CA"):
        give(database, mode="interac", language=language)
    open_mailer(database, Folder(folder)).run()
    database.close()
    return folder


@pytest.fixture
def serving(url: str, letters: Path) -> Serving:
    @contextmanager
    def serve(**more: Any) -> Iterator[TestClient]:
        settings = {"letters_folder": letters, "mail_from": "give@example.org"} | more
        with TestClient(create_app(make_settings(url, **settings))) as client:
            yield client

    return serve


def test_the_demo_lists_and_shows_letters(serving: Serving, letters: Path) -> None:
    """The demo's list links to a page for each e-mail, with its text, and its HTML in a frame."""
    with serving(demo=True) as client:
        overview = client.get("/demo/letters").text
        for file in letters.iterdir():
            assert f"/demo/letters/{file.stem}" in overview
            page = client.get(f"/demo/letters/{file.stem}")
            framed = client.get(f"/demo/letters/{file.stem}/html")
            assert "partnership@loveworldcan.ca" in page.text
            assert "<h1>" in framed.text
            assert '<iframe class="letter-frame" sandbox="allow-popups' in page.text


def test_an_empty_folder_says_what_to_do(serving: Serving, tmp_path: Path) -> None:
    """If the demo has no e-mail yet, the list says how to cause one."""
    with serving(demo=True, letters_folder=tmp_path / "none") as client:
        assert "Make a gift" in client.get("/demo/letters").text


def test_only_the_demo_shows_letters(serving: Serving, letters: Path) -> None:
    """A real service shows no e-mail, even if its folder has some."""
    name = next(letters.iterdir()).stem
    with serving(demo=False) as client:
        for path in ("", f"/{name}", f"/{name}/html"):
            assert client.get(f"/demo/letters{path}").status_code == 404


def test_a_letter_runs_and_loads_nothing(serving: Serving, letters: Path) -> None:
    """An e-mail in a page runs no script, loads nothing, and can be framed by our pages only."""
    name = next(letters.iterdir()).stem
    with serving(demo=True) as client:
        page = client.get(f"/demo/letters/{name}").headers["content-security-policy"]
        framed = client.get(f"/demo/letters/{name}/html").headers["content-security-policy"]
    for policy in (page, framed):
        assert policy.startswith("default-src 'none'; ")
        assert "script-src" not in policy
        assert "form-action 'none'" in policy
    assert "sandbox allow-popups" in framed
    assert "allow-scripts" not in framed
    assert "frame-ancestors 'self'" in framed
    assert "frame-ancestors 'none'" in page


@pytest.mark.parametrize(
    "name", ["../demo.sqlite3", "%2e%2e%2fdemo", "thank_you.x", "thank_you." + "0" * 32, "a%00"]
)
def test_nothing_but_letters_is_read(serving: Serving, letters: Path, name: str) -> None:
    """The demo answers 404 for a file that is not an e-mail in its folder."""
    (letters.parent / "demo.eml").write_text("Subject: secret\n\nsecret")
    with serving(demo=True) as client:
        answer = client.get(f"/demo/letters/{name}")
    assert answer.status_code == 404
    assert "secret" not in answer.text


def test_markup_is_shown_as_text(serving: Serving, letters: Path) -> None:
    """Markup in the subject or text of an e-mail is escaped."""
    odd = "thank_you." + "a" * 32
    (letters / f"{odd}.eml").write_text(
        "Subject: <script>alert(1)</script>\nTo: <b>\nDate: Thu, 26 Nov 2026 18:41:21 +0000\n\n"
        "<img src=x onerror=alert(1)>"
    )
    with serving(demo=True) as client:
        for path in ("", f"/{odd}"):
            page = client.get(f"/demo/letters{path}")
            assert page.status_code == 200
            assert "<script>" not in page.text
            assert "<img src=x" not in page.text
