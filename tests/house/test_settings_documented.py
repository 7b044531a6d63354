"""Every setting is documented."""

import re
from pathlib import Path

from donate.settings import Settings

ROOT = Path(__file__).parent.parent.parent
SETTINGS = {field.upper() for field in Settings.model_fields}


def settings_of_the_example() -> dict[str, str]:
    """Return each setting in `.env.example`, with the first line of its paragraph."""
    settings = {}
    for paragraph in (ROOT / ".env.example").read_text().split("\n\n"):
        for name in re.findall(r"^(?:# ?)?([A-Z][A-Z0-9_]*)=", paragraph, re.MULTILINE):
            settings[name] = paragraph.strip().splitlines()[0]
    return settings


def test_the_example_has_every_setting_and_no_other() -> None:
    """`.env.example` contains exactly the settings that the service reads."""
    assert settings_of_the_example().keys() == SETTINGS


def test_the_example_says_what_each_setting_does() -> None:
    """Each paragraph of `.env.example` begins with a line that explains its settings."""
    first_lines = settings_of_the_example()
    assert {
        name: line for name, line in first_lines.items() if not re.match(r"# [^=]{8,}", line)
    } == {}


def test_the_manual_has_every_setting() -> None:
    """Each setting has a row in the table of `docs/operate.md`."""
    manual = (ROOT / "docs/operate.md").read_text()
    rows = set(re.findall(r"^\| *`([A-Z0-9_]+)` *\|.*\w.*\|", manual, re.MULTILINE))
    assert SETTINGS - rows == set()
