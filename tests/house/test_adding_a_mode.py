"""Adding a mode takes few edits: the test adds one to a copy of the service and uses it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

# The edits of existing files that docs/tour.md asks for: the old text, and the new text.
EDITS = {
    "donate/regions/modes.py": [
        (
            '    GIVING_CODE = "giving_code"\n',
            '    GIVING_CODE = "giving_code"\n    SHARES = "shares"\n',
        ),
        (
            "    Mode.GIVING_CODE: ModeFacts(",
            """    Mode.SHARES: ModeFacts(
        staff_name="Shares",
        name=N_("Shares"),
        help=N_("Your broker sends them to ours."),
        instead=N_("Give shares instead"),
        awaiting=(N_("Waiting for your shares"), N_("Please tell your broker the reference.")),
        staff_awaits="a transfer of shares",
    ),
    Mode.GIVING_CODE: ModeFacts(""",
        ),
    ],
    "donate/modes/__init__.py": [
        (
            "from donate.modes.next_step",
            "from donate.modes.shares import Shares\nfrom donate.modes.next_step",
        ),
        (
            "        Mode.INTERAC: Interac(regions),\n",
            "        Mode.INTERAC: Interac(regions),\n        Mode.SHARES: Shares(),\n",
        ),
    ],
    "donate/regions/regions.toml": [
        (
            "[LWCAN.modes.giving_code]",
            "[LWCAN.modes.shares]\nmin_minor = 10000\n\n[LWCAN.modes.giving_code]",
        )
    ],
}
NEW = {
    "donate/modes/shares.py": '''"""Shares that a broker transfers."""

from donate.gifts.models import Gift
from donate.modes.next_step import Instructions
from donate.regions.modes import Mode


class Shares:
    """Tells the donor which reference to quote."""

    def begin(self, gift: Gift, language: str = "", *, is_counted: bool = True) -> Instructions:
        """Return the instructions for this gift."""
        return Instructions(Mode.SHARES, gift.amount, gift.reference, gift.code)
''',
    "donate/templates/donors/_shares.html": "<p>Quote {{ way.reference }}.</p>\n",
}
# A program that opens a gift in the new mode, and prints the form, the gift page and the API's
# answers as JSON.
GIVE = """
import json, sys
from starlette.testclient import TestClient
from donate.app import create_app
from tests.real_parts import make_settings
settings = make_settings("sqlite:///" + sys.argv[1])
with TestClient(create_app(settings), follow_redirects=True) as web:
    form = web.get("/give/LWCAN").text
    asked = {"code": "LWCAN", "mode": "shares", "amount_minor": 50_000, "currency": "CAD",
             "frequency": "once", "country": "CA",
             "donor": {"name": "Ann Lee", "email": "ann@example.com"}}
    key = {"Idempotency-Key": "9e1d7c52-4f0b-4a86-8c3e-6b2f5d0a17e4"}
    opened = web.post("/api/v1/gifts", json=asked, headers=key)
    assert opened.status_code == 201, opened.text
    page = web.get(opened.json()["status_url"]).text
    offered = web.get("/api/v1/regions/LWCAN").json()
print(json.dumps({"form": form, "opened": opened.json(), "page": page, "offered": offered}))
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the service with the new mode `shares` added."""
    shutil.copytree(
        ROOT / "donate", tmp_path / "donate", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name, edits in EDITS.items():
        file = tmp_path / name
        text = file.read_text(encoding="utf-8")
        for old, new in edits:
            assert text.count(old) == 1, (name, old)
            text = text.replace(old, new)
        file.write_text(text, encoding="utf-8")
    for name, text in NEW.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_mode_is_added_in_at_most_four_files(copy: Path) -> None:
    """A new mode is a class and a template of its own, and edits at most four other files."""
    assert len(EDITS) + 1 <= 4  # one more for the translations in locale/fr.po
    done = subprocess.run(
        [sys.executable, "-c", GIVE, str(copy / "gifts.sqlite3")],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": f"{copy}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert "Your broker sends them to ours." in result["form"]
    reference = result["opened"]["reference"]
    assert "Waiting for your shares" in result["page"]
    assert f"Quote {reference}." in result["page"]
    names = {mode["mode"]: mode["name"] for mode in result["offered"]["modes"]}
    assert names["shares"] == {"en": "Shares", "fr": "Shares"}  # the test translates nothing
