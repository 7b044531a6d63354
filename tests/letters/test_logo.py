"""E-mails bring the organisation's logo along, so that mail programs fetch nothing."""

from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from donate.app import create_app
from donate.demo.start import EXAMPLE_CHARITY
from donate.letters.context import LetterContext
from donate.letters.email_message import Composer, render_letter
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter
from donate.regions.look import Look
from donate.regions.regions import load_regions
from donate.storage.database import Database
from donate.web.templating import Pages
from tests.letters.every_kind import a_letter
from tests.letters.mailer import SENDER, markup, plain, read_letter
from tests.real_parts import Sqlite, make_settings
from tests.stripe_gateway.gifts_and_events import NOW

LOGO = (EXAMPLE_CHARITY.parent / "logo.png").read_bytes()


@pytest.fixture(scope="module")
def sample(sqlite: Sqlite) -> Iterator[tuple[Letter, LetterContext]]:
    """Return a letter of the example charity."""
    database = Database(sqlite.fresh_url())
    letter, context = a_letter(database, LetterKind.INSTRUCTIONS, "en-CA")
    yield letter, replace(context, region=load_regions(EXAMPLE_CHARITY)["LWCAN"])
    database.close()


def images_of(message: EmailMessage) -> list[tuple[str, bytes]]:
    return [
        (part["Content-ID"], part.get_content())
        for part in message.walk()
        if part.get_content_maintype() == "image"
    ]


def test_an_email_brings_its_logo_along(sample: tuple[Letter, LetterContext]) -> None:
    """The HTML shows the attached PNG; the plain text is as before, and nothing is fetched."""
    message = read_letter(Composer(SENDER).compose(*sample, NOW).as_bytes())
    assert images_of(message) == [("<logo>", LOGO)]
    assert markup(message).count('<img src="cid:logo" alt=""') == 1
    assert 'src="http' not in markup(message)
    assert "The Example Kitchen" in plain(message)
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png",
    ]  # fmt: skip


def test_a_logo_that_is_no_png_is_left_out(
    sample: tuple[Letter, LetterContext], tmp_path: Path
) -> None:
    """An SVG stands on pages only, because most mail programs would show a broken image."""
    letter, context = sample
    assert context.region
    (tmp_path / "logo.svg").write_text("<svg/>")
    look = Look(logo="logo.svg")
    look.load_mail_logo(tmp_path)
    region = context.region.model_copy(update={"look": look})
    message = Composer(SENDER).compose(letter, replace(context, region=region), NOW)
    assert images_of(message) == []
    assert "<img" not in markup(message)


def test_a_preview_needs_no_attachment(sample: tuple[Letter, LetterContext]) -> None:
    """The preview for staff has no image, because a page has no attachments."""
    assert "<img" not in render_letter(Pages(), *sample).html


def test_the_demo_shows_the_attached_logo(
    sample: tuple[Letter, LetterContext], sqlite: Sqlite, tmp_path: Path
) -> None:
    """The demo's page of an e-mail shows the image that is attached to it."""
    name = f"thanks.{'0' * 32}"
    message = Composer(SENDER).compose(*sample, NOW)
    (tmp_path / f"{name}.eml").write_bytes(message.as_bytes())
    settings = make_settings(
        sqlite.fresh_url(), demo=True, letters_folder=tmp_path, mail_from="give@example.org"
    )
    with TestClient(create_app(settings)) as client:
        answer = client.get(f"/demo/letters/{name}/html")
    assert "cid:" not in answer.text
    assert answer.text.count("data:image/png;base64,") == 1
    assert "img-src data:" in answer.headers["content-security-policy"]
