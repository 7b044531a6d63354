"""An organisation's look: names, colours with enough contrast, a logo and an image."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from starlette.testclient import TestClient

from donate.app import create_app
from donate.demo.start import EXAMPLE_CHARITY
from donate.errors import Misconfigured
from donate.regions.colours import (
    DARK,
    LIGHT,
    NEEDED_CONTRAST,
    STANDARD_DARK,
    STANDARD_LIGHT,
    Scheme,
    accent_in,
    contrast,
    readable_in,
)
from donate.regions.regions import SHIPPED, Region, load_regions
from donate.web.assets.static_files import shipped_files
from tests.real_parts import Sqlite, make_settings

CSS = next(file.content.decode() for file in shipped_files() if file.name == "donate.css")


def loaded(folder: Path, look: str, files: dict[str, bytes] | None = None) -> Region:
    """Return the shipped region with a look."""
    for name, content in (files or {}).items():
        (folder / name).write_bytes(content)
    path = folder / "regions.toml"
    path.write_text(f"{SHIPPED.read_text()}\n[LWCAN.look]\n{look}\n")
    return load_regions(path)["LWCAN"]


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#777777", "#ffffff", 4.48),
        ("#767676", "#ffffff", 4.54),
        ("#ff0000", "#ffffff", 4.0),
        ("#123456", "#123456", 1.0),
    ],
)
def test_contrast_ratios(one: str, other: str, ratio: float) -> None:
    """The ratio is that of WCAG, whichever colour comes first."""
    assert contrast(one, other) == pytest.approx(ratio, abs=0.005)
    assert contrast(other, one) == contrast(one, other)


@given(st.integers(0, 0xFFFFFF), st.sampled_from([LIGHT, DARK]))
def test_any_colour_has_a_readable_shade(number: int, scheme: Scheme) -> None:
    """Each colour has a shade whose text is readable on every background of a scheme."""
    accent = accent_in(scheme, readable_in(scheme, f"#{number:06x}"))
    for background in (scheme.paper, scheme.surface, scheme.sunken, accent.wash, accent.on):
        assert contrast(accent.base, background) >= NEEDED_CONTRAST
    assert contrast(accent.on, accent.strong) >= NEEDED_CONTRAST


def test_the_backgrounds_are_those_of_the_style_sheet() -> None:
    """The colours that contrast is computed with are the ones in `donate.css`."""
    light, dark = CSS.split("@media screen and (prefers-color-scheme: dark)")[:2]
    for scheme, accent, rules in ((LIGHT, STANDARD_LIGHT, light), (DARK, STANDARD_DARK, dark)):
        expected = {
            "paper": scheme.paper,
            "surface": scheme.surface,
            "sunken": scheme.sunken,
            "accent": accent.base,
            "accent-strong": accent.strong,
            "on-accent": accent.on,
            "accent-wash": accent.wash,
        }
        found = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", rules))
        assert expected.items() <= found.items()


@pytest.mark.parametrize(
    ("look", "sentence"),
    [
        ('accent = "#ffcc00"', "LWCAN.look: accent: #ffcc00 has a contrast of 1.3"),
        ('accent = "#1f5c4d"\naccent_dark = "#1f5c4d"', "LWCAN.look: accent_dark: #1f5c4d has"),
        ('accent = "green"', "LWCAN.look.accent: "),
        ('accent_dark = "#ffcc00"', "LWCAN.look: accent: is missing"),
        ('logo = "none.svg"', "LWCAN.look.logo: there is no file"),
        ('logo = "../logo.svg"', "LWCAN.look.logo: "),
        ('logo = "regions.toml"', "LWCAN.look.logo: 'regions.toml' does not end in"),
        ('logo = "large.png"', "LWCAN.look.logo: 'large.png' has more than 40,000 bytes"),
        ('image_alt = { en = "A", fr = "A" }', "LWCAN.look: image: is missing"),
    ],
    ids=lambda value: value.partition(" =")[0] if " =" in value else "",
)
def test_a_wrong_look_is_refused_at_start(tmp_path: Path, look: str, sentence: str) -> None:
    """A wrong look is refused when the file is read, with the key and what is wrong with it."""
    with pytest.raises(Misconfigured) as refused:
        loaded(tmp_path, look, {"large.png": bytes(40_001)})
    assert sentence in str(refused.value).replace("Value error, ", "")


def test_a_refused_colour_comes_with_a_readable_one(tmp_path: Path) -> None:
    """The sentence about a colour names a shade that is accepted."""
    with pytest.raises(Misconfigured) as refused:
        loaded(tmp_path, 'accent = "#ffcc00"')
    shade = re.search(r"try (#[0-9a-f]{6})", str(refused.value))
    assert shade
    assert loaded(tmp_path, f'accent = "{shade[1]}"').look.light.base == shade[1]


@pytest.fixture(scope="module")
def kitchen(sqlite: Sqlite) -> Iterator[TestClient]:
    """The service with the demo's charity."""
    settings = make_settings(sqlite.fresh_url(), regions_file=EXAMPLE_CHARITY)
    with TestClient(create_app(settings)) as client:
        yield client


@pytest.mark.parametrize(
    ("language", "title", "purpose"),
    [
        ("en-CA", "Give to The Example Kitchen", "Your gift puts a warm meal"),
        ("fr-CA", "Faire un don à La Cuisine Exemple", "Votre don offre aujourd’hui un repas"),
    ],
)
def test_a_page_says_whose_it_is(
    kitchen: TestClient, language: str, title: str, purpose: str
) -> None:
    """The Give form has the organisation's name, purpose, logo, colours and image."""
    page = kitchen.get(f"/give/LWCAN?lang={language}").text
    assert f"<title>{title}</title>" in page
    assert f'<h1 class="purpose">{purpose}' in page
    assert page.count("data:image/png;base64,") == 2
    assert re.search(r'<img class="banner" src="/static/image-LWCAN\.[0-9a-f]{12}\.svg"', page)
    (style,) = re.findall(r'rel="stylesheet" href="([^"]+)"', page)
    sheet = kitchen.get(style).text
    assert sheet.startswith(CSS)
    assert "--accent: #9a3b1f;" in sheet


def test_a_page_without_a_look(sqlite: Sqlite) -> None:
    """Where nothing is set, the page has the plain name, style and mark of the service."""
    with TestClient(create_app(make_settings(sqlite.fresh_url()))) as client:
        page = client.get("/give/LWCAN").text
    assert "<title>Give · Canada</title>" in page
    assert "<h1>Your gift</h1>" in page
    assert 'class="banner"' not in page
    assert re.search(r'href="/static/donate\.[0-9a-f]{12}\.css"', page)
