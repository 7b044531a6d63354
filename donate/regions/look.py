"""How an organisation's pages look: its accent colour, its logo and its image."""

from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import PrivateAttr, StringConstraints, model_validator

from donate.regions.colours import (
    DARK,
    LIGHT,
    STANDARD_DARK,
    STANDARD_LIGHT,
    Accent,
    accent_in,
    readable_in,
)
from donate.regions.terms import Strict, Text

MAX_LOGO_BYTES: Final = 40_000
MAX_IMAGE_BYTES: Final = 200_000
_LOGOS: Final = frozenset({".svg", ".png", ".webp"})
_IMAGES: Final = frozenset({".svg", ".png", ".webp", ".jpg", ".jpeg", ".avif"})

Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$", to_lower=True)]
# A file next to the regions file or in a folder below it.
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+([./][A-Za-z0-9_-]+)*$")]


class Look(Strict):
    """Colours and images of a region's pages. Everything has a plain default."""

    accent: Colour | None = None
    """The colour of buttons and links in the light scheme."""
    accent_dark: Colour | None = None
    """The same in the dark scheme; if it is not set, a lighter shade of `accent`."""
    logo: FileName | None = None
    """The file of a square logo: SVG, PNG or WebP."""
    image: FileName | None = None
    """The file of a wide image for the top of the Give form."""
    image_alt: Text | None = None
    """What the image shows, for people who do not see it; without it the image is decoration."""
    _mail_logo: bytes = PrivateAttr(default=b"")

    @model_validator(mode="after")
    def _has_contrast(self) -> Self:
        for key, colour, scheme in (
            ("accent", self.accent, LIGHT),
            ("accent_dark", self.accent_dark, DARK),
        ):
            try:
                accent_in(scheme, colour or readable_in(scheme, STANDARD_LIGHT.base))
            except ValueError as error:
                raise ValueError(f"{key}: {error}") from error
        if self.accent_dark and not self.accent:
            raise ValueError("accent: is missing, but accent_dark is set")
        if self.image_alt and not self.image:
            raise ValueError("image: is missing, but image_alt is set")
        return self

    @property
    def light(self) -> Accent:
        """The accent's shades in the light scheme."""
        return accent_in(LIGHT, self.accent) if self.accent else STANDARD_LIGHT

    @property
    def dark(self) -> Accent:
        """The accent's shades in the dark scheme."""
        if self.accent_dark:
            return accent_in(DARK, self.accent_dark)
        return accent_in(DARK, readable_in(DARK, self.accent)) if self.accent else STANDARD_DARK

    @property
    def mail_logo(self) -> bytes:
        """The PNG of the logo. Empty for other formats, because mail programs do not show them."""
        return self._mail_logo

    def load_mail_logo(self, folder: Path) -> None:
        """Read the logo from its file, which `problems` has checked."""
        if self.logo and self.logo.lower().endswith(".png"):
            self._mail_logo = (folder / self.logo).read_bytes()

    def problems(self, folder: Path) -> list[str]:
        """Return a sentence for each file that is missing, too large or of another format."""
        files = (
            ("logo", self.logo, _LOGOS, MAX_LOGO_BYTES),
            ("image", self.image, _IMAGES, MAX_IMAGE_BYTES),
        )
        found = []
        for key, name, formats, most in files:
            if name is None:
                continue
            path = folder / name
            if path.suffix.lower() not in formats:
                found.append(f"{key}: {name!r} does not end in {', '.join(sorted(formats))}")
            elif not path.is_file():
                found.append(f"{key}: there is no file {path}")
            elif path.stat().st_size > most:
                found.append(f"{key}: {name!r} has more than {most:,} bytes")
        return found
