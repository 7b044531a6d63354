"""The accent colour of an organisation: its shades, checked for contrast on the pages' backgrounds.

The contrast ratio is that of WCAG 2.2 (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio).
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

# WCAG 2.2, success criterion 1.4.3: text needs this contrast on its background.
NEEDED_CONTRAST: Final = 4.5


@dataclass(frozen=True, slots=True)
class Scheme:
    """The backgrounds of the light or the dark scheme, as in `donate.css`."""

    paper: str
    surface: str
    sunken: str
    away: str
    """Black or white: a colour mixed with it has more contrast on these backgrounds."""
    wash: float
    """How much of the accent colour is in the background of a chosen field, from 0 to 1."""


LIGHT: Final = Scheme("#faf6f0", "#ffffff", "#f3ece2", away="#000000", wash=0.1)
DARK: Final = Scheme("#171310", "#221d19", "#2c2620", away="#ffffff", wash=0.12)


@dataclass(frozen=True, slots=True)
class Accent:
    """The shades of an accent colour in one scheme, as `#rrggbb`."""

    base: str
    """Links, buttons and outlines."""
    strong: str
    """A button under the pointer."""
    on: str
    """Text on `base`."""
    wash: str
    """The background of a chosen field."""


STANDARD_LIGHT: Final = Accent("#1f5c4d", "#174a3e", "#ffffff", "#e8f2ee")
STANDARD_DARK: Final = Accent("#86d3bb", "#a5e2cf", "#0d241d", "#1e332c")


def accent_in(scheme: Scheme, colour: str) -> Accent:
    """Return the shades of a colour in a scheme. Raises ValueError if its contrast is too low.

    The error names the nearest shade that has enough contrast.
    """
    lowest = _lowest_contrast(scheme, colour)
    if lowest < NEEDED_CONTRAST:
        raise ValueError(
            f"{colour} has a contrast of {lowest:.1f} on the pages' backgrounds, and text needs "
            f"{NEEDED_CONTRAST}; try {readable_in(scheme, colour)}"
        )
    return Accent(
        base=colour,
        strong=_mixed(colour, scheme.away, 0.2),
        on=scheme.surface if scheme is LIGHT else scheme.paper,
        wash=_mixed(scheme.surface, colour, scheme.wash),
    )


def readable_in(scheme: Scheme, colour: str) -> str:
    """Return the colour, or the shade nearest to it that has enough contrast in a scheme."""
    return next(
        shade
        for percent in range(101)
        if _lowest_contrast(scheme, shade := _mixed(colour, scheme.away, percent / 100))
        >= NEEDED_CONTRAST
    )


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, from 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _lowest_contrast(scheme: Scheme, colour: str) -> float:
    wash = _mixed(scheme.surface, colour, scheme.wash)
    backgrounds = (scheme.paper, scheme.surface, scheme.sunken, wash)
    return min(contrast(colour, background) for background in backgrounds)


def _mixed(colour: str, other: str, share: float) -> str:
    """Return a colour mixed with a share, from 0 to 1, of another one."""
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(one + (two - one) * share):02x}" for one, two in pairs)


def _channels(colour: str) -> list[int]:
    return [int(colour[at:end], 16) for at, end in pairwise((1, 3, 5, 7))]


def _luminance(colour: str) -> float:
    """Return the relative luminance of a colour in sRGB, as WCAG 2.2 defines it."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (channel / 255 for channel in _channels(colour))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
