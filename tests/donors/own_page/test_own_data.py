"""“Download my data” on the donor's own page."""

import io
import json
import zipfile
from typing import Any

from httpx2 import Response

from tests.donors.own_page.site import ANN, STRANGER, OwnPageSite
from tests.links import token_of

PATH = "/my-gifts/data"


def tables_in(answer: Response) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        tables: dict[str, Any] = json.loads(packed.read("data.json"))["tables"]
    return tables


def test_a_donor_downloads_their_own_data(site: OwnPageSite) -> None:
    """The button sends a ZIP file with the gifts of this address, and nobody else's."""
    gift, other = site.give(), site.give(STRANGER, name="Bob Roy")
    page = site.open_gifts()
    assert f'action="{PATH}?lang=en-CA"' in page
    answer = site.post(PATH)
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="my-data.zip"'
    assert answer.headers["cache-control"] == "no-store"
    tables = tables_in(answer)
    assert [row["reference"] for row in tables["gift"]["rows"]] == [gift.reference]
    assert [row["email"] for row in tables["donor"]["rows"]] == [ANN]
    assert b"Bob" not in answer.content
    assert other.reference.encode() not in answer.content
    assert token_of(gift).encode() not in answer.content


def test_nothing_is_sent_without_a_session(sqlite_site: OwnPageSite) -> None:
    """Without a session, in another browser, and once the 20 minutes are over, nothing is sent."""
    site = sqlite_site
    site.give()
    assert site.post(PATH).headers["location"] == "/my-gifts?lang=en-CA"
    site.open_gifts()
    other = site.another_browser().post(PATH, follow_redirects=False)
    assert other.headers["location"] == "/my-gifts?lang=en-CA"
    assert site.get(PATH).status_code == 404
    site.wait(minutes=21)
    assert site.post(PATH).headers["location"] == "/my-gifts?lang=en-CA"


def test_another_site_cannot_start_the_download(sqlite_site: OwnPageSite) -> None:
    """A form on another site leads to the page, and sends nothing."""
    sqlite_site.give()
    sqlite_site.open_gifts()
    answer = sqlite_site.post(PATH, headers={"sec-fetch-site": "cross-site"})
    assert answer.headers["location"] == "/my-gifts?lang=en-CA"
    assert answer.content == b""
