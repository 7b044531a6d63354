"""What the scripts and password fields of our pages may do."""

import re
from pathlib import Path

import pytest

DONATE = Path(__file__).parent.parent.parent / "donate"
SCRIPTS = sorted((DONATE / "static").glob("*.js"))
TEMPLATES = sorted((DONATE / "templates").rglob("*.html"))

# What could run a text as code, keep something in the browser, hear other windows, or stop pasting.
FORBIDDEN = re.compile(
    r"\beval\(|new Function|document\.write|(?:inner|outer)HTML|insertAdjacentHTML|srcdoc"
    r"|(?:local|session)Storage|indexedDB|document\.cookie|\bcaches\.|serviceWorker"
    r"|postMessage|\"message\"|\"paste\"|\bonpaste|__proto__|JSONP|callback="
)
ALLOWED = {
    # Whether keys accept suggestions, which tells nothing about anybody.
    "bank.js": {"localStorage"},
    # A list of donors that our own template has written, with every name escaped.
    "offline.js": {"innerHTML"},
}
INPUT = re.compile(r"<input\b[^>]*>")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_uses_nothing_dangerous(script: Path) -> None:
    """No script runs texts, stores data, listens to other windows or stops people from pasting."""
    found = {found.group() for found in FORBIDDEN.finditer(script.read_text())}
    assert found == ALLOWED.get(script.name, set())


def test_pages_have_no_scripts_of_their_own() -> None:
    """No template has a script or a handler in its markup; the security policy forbids them too."""
    inline = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>|<[^>{]*\son\w+\s*=", re.IGNORECASE)
    assert [path.name for path in TEMPLATES if inline.search(path.read_text())] == []


def test_password_fields_help_password_managers() -> None:
    """A password is masked, may be pasted, and password managers know which one is meant."""
    fields = [field for path in TEMPLATES for field in INPUT.findall(path.read_text())]
    masked = [field for field in fields if 'type="password"' in field]
    assert len(masked) >= 4
    assert [f for f in masked if not re.search('autocomplete="(current|new)-password"', f)] == []
    named = [field for field in fields if re.search(r'name="[^"]*password', field)]
    assert [field for field in named if field not in masked] == []
