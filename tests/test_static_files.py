"""Static files have hashed names and are compressed; donors' pages are compressed, staff's not."""

import re
from collections.abc import Iterator

import httpx
import pytest

from donate.web.assets.static_files import StaticFile, shipped_files
from tests.real_parts import Sqlite
from tests.stripe_gateway.service import Service, serving

CSS = next(file for file in shipped_files() if file.name == "donate.css")


@pytest.fixture(scope="module")
def service(sqlite: Sqlite) -> Iterator[Service]:
    with serving(sqlite.fresh_url()) as service:
        yield service


def get(service: Service, path: str, accepts: str = "gzip", **headers: str) -> httpx.Response:
    return service.http.get(path, headers={"Accept-Encoding": accepts, **headers})


@pytest.mark.parametrize("file", shipped_files(), ids=lambda file: file.name)
def test_each_file_is_served(service: Service, file: StaticFile) -> None:
    """Each file is served under both names with its own media type and bytes."""
    for name in (file.name, file.hashed_name):
        answer = get(service, f"/static/{name}")
        assert answer.status_code == 200
        assert answer.content == file.content
        assert answer.headers["content-type"] == f"{file.media_type}; charset=utf-8"  # all texts


def test_a_hashed_name_is_kept_for_a_year(service: Service) -> None:
    """A hashed name may be kept for a year; a plain one is checked by its ETag each time."""
    hashed = get(service, f"/static/{CSS.hashed_name}")
    plain = get(service, "/static/donate.css")
    assert hashed.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert plain.headers["cache-control"] == "no-cache"
    again = get(service, "/static/donate.css", **{"If-None-Match": plain.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_name_of_another_release(service: Service) -> None:
    """A name with an unknown hash gives today's file, which browsers check each time."""
    answer = get(service, "/static/donate.0123456789ab.css")
    assert answer.content == CSS.content
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("accepts", "coding"),
    [("gzip", "gzip"), ("br, gzip;q=0.5", "gzip"), ("identity", ""), ("gzip;q=0", ""), ("", "")],
)
def test_what_the_browser_accepts(service: Service, accepts: str, coding: str) -> None:
    """Only a browser that accepts gzip gets a compressed file, of the same content."""
    answer = get(service, f"/static/{CSS.hashed_name}", accepts)
    assert answer.headers.get("content-encoding", "") == coding
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.content == CSS.content
    assert len(CSS.compressed or b"") < len(CSS.content) / 3


def test_scripts_are_served_without_what_only_people_read() -> None:
    """A script loses indentation and comments on lines of their own; a style sheet does not."""
    written = b'// Why.\n\nif (a) {\n  // How.\n  b = "https://c"; // What.\n}\n'
    script, style = (StaticFile.of(name, written).content for name in ("a.js", "a.css"))
    assert script == b'if (a) {\nb = "https://c"; // What.\n}\n'
    assert style == written


@pytest.mark.parametrize("name", ["no.css", "..%2fapp.py", "donate.css%00", "donate.css/x", ""])
def test_no_other_file(service: Service, name: str) -> None:
    """Any other name is not found."""
    assert get(service, f"/static/{name}").status_code == 404


def test_pages_link_to_hashed_names(service: Service) -> None:
    """Pages link to hashed names only, and each link leads to a file."""
    for path in ("/give/LWCAN", "/finance/sign-in"):
        links = re.findall(r'"(/static/[^"]+)"', get(service, path).text)
        assert links
        for link in links:
            assert re.search(r"\.[0-9a-f]{12}\.", link)
            assert "immutable" in get(service, link).headers["cache-control"]


def test_only_donors_pages_are_compressed(service: Service) -> None:
    """A donor's page is compressed; a page of staff is not, because it holds a lasting secret."""
    donors, staff = get(service, "/give/LWCAN"), get(service, "/finance/sign-in")
    assert donors.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in donors.headers["vary"].lower()
    assert "content-encoding" not in staff.headers
    assert "content-encoding" not in get(service, "/give/LWCAN", "identity").headers
