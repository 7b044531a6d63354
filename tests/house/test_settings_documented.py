"""Whoever runs the service finds every setting written down."""

import re
from pathlib import Path

from donate.settings import Settings

ROOT = Path(__file__).parent.parent.parent
SETTINGS = {field.upper() for field in Settings.model_fields}


def settings_of_the_example() -> dict[str, str]:
    """Read `.env.example`: each NAME=, commented out or not, and how its paragraph begins."""
    settings = {}
    for paragraph in (ROOT / ".env.example").read_text().split("\n\n"):
        for name in re.findall(r"^(?:# ?)?([A-Z][A-Z0-9_]*)=", paragraph, re.MULTILINE):
            settings[name] = paragraph.strip().splitlines()[0]
    return settings


def test_the_example_has_every_setting_and_no_other() -> None:
    """`.env.example` names exactly the settings that there are."""
    assert settings_of_the_example().keys() == SETTINGS


def test_the_example_says_what_each_setting_does() -> None:
    """Each paragraph of `.env.example` begins with a line that explains its settings."""
    begins = settings_of_the_example()
    assert {name: line for name, line in begins.items() if not re.match(r"# [^=]{8,}", line)} == {}


def test_the_manual_has_every_setting() -> None:
    """Each setting has a row in the table of `docs/operate.md`."""
    manual = (ROOT / "docs/operate.md").read_text()
    rows = set(re.findall(r"^\| *`([A-Z0-9_]+)` *\|.*\w.*\|", manual, re.MULTILINE))
    assert SETTINGS - rows == set()
