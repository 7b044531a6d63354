"""Makes the style sheet, the logo and the image of each region, to which its pages link."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from mimetypes import guess_type
from pathlib import Path
from typing import Final

from donate.regions.colours import Accent
from donate.regions.look import Look
from donate.regions.regions import Region, Regions
from donate.regions.terms import Text
from donate.web.assets.static_files import StaticFiles

# A logo of at most this size is put into the page itself, which is faster than another request.
_MAX_INSIDE_BYTES: Final = 1_500


@dataclass(frozen=True, slots=True)
class LinkedLook:
    """The URLs of a style sheet, a logo and an image. `image` is empty if there is none."""

    style: str
    logo: str
    image: str = ""
    image_alt: Text | None = None


def link_looks(regions: Regions, static: StaticFiles) -> dict[str, LinkedLook]:
    """Return the look of each region by its giving code, and add its files to `static`."""
    return {code: _linked(region, regions.folder, static) for code, region in regions.items()}


def standard_look(static: StaticFiles) -> LinkedLook:
    """Return the look of pages that belong to no region."""
    return LinkedLook(static.path("donate.css"), _inside("mark.svg", static.content("mark.svg")))


def _linked(region: Region, folder: Path, static: StaticFiles) -> LinkedLook:
    look, standard = region.look, standard_look(static)
    style, logo, image = standard.style, standard.logo, ""
    if look.accent:
        # Put all rules into one file, because browsers fetch one file faster than two.
        sheet = static.content("donate.css") + accent_css(look).encode()
        style = static.add(f"donate-{region.code}.css", sheet)
    if look.logo:
        content = (folder / look.logo).read_bytes()
        name = f"logo-{region.code}{Path(look.logo).suffix.lower()}"
        is_small = len(content) <= _MAX_INSIDE_BYTES
        logo = _inside(name, content) if is_small else static.add(name, content)
    if look.image:
        name = f"image-{region.code}{Path(look.image).suffix.lower()}"
        image = static.add(name, (folder / look.image).read_bytes())
    return LinkedLook(style, logo, image, look.image_alt)


def accent_css(look: Look) -> str:
    """Return CSS rules that replace the accent colour of `donate.css`, light and dark."""
    dark = f"@media screen and (prefers-color-scheme: dark) {{ {_rule(look.dark)} }}"
    return f"\n{_rule(look.light)}\n{dark}\n"


def _rule(accent: Accent) -> str:
    values: Mapping[str, str] = {
        "accent": accent.base,
        "accent-strong": accent.strong,
        "on-accent": accent.on,
        "accent-wash": accent.wash,
    }
    return ":root { " + " ".join(f"--{name}: {value};" for name, value in values.items()) + " }"


def _inside(name: str, content: bytes) -> str:
    media_type = guess_type(name)[0]
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
