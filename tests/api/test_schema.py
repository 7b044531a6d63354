"""The API's OpenAPI description matches what the service does."""

import os
import subprocess
import sys
from pathlib import Path

from donate.regions.modes import DONOR_MODES
from tests.api.program import Program, calling_with_stripe, keyed
from tests.real_parts import Sqlite

HERE = Path(__file__).parent


def test_only_the_api_is_described(program: Program) -> None:
    """The OpenAPI description has the paths of the API, and no pages or webhooks."""
    description = program.http.get("/api/v1/openapi.json").json()
    assert sorted(description["paths"]) == [
        "/api/v1/gifts",
        "/api/v1/gifts/{gift_id}",
        "/api/v1/regions/{code}",
    ]
    assert "HTTPValidationError" not in description["components"]["schemas"]


def test_examples_work(program: Program) -> None:
    """The example request in the OpenAPI description opens a gift."""
    description = program.http.get("/api/v1/openapi.json").json()
    (example,) = description["components"]["schemas"]["NewGift"]["examples"]
    answer = program.http.post("/api/v1/gifts", json=example, headers=keyed(None))
    assert answer.status_code == 201


def test_schemathesis_finds_nothing(sqlite: Sqlite) -> None:
    """Schemathesis, which sends requests made from the OpenAPI description, finds no error."""
    with calling_with_stripe(sqlite.fresh_url()) as (program, _):
        gift = program.open().json()
        run = subprocess.run(
            [
                Path(sys.executable).with_name("schemathesis"),
                f"--config-file={HERE / 'schemathesis.toml'}",
                "run",
                f"{program.url}/api/v1/openapi.json",
            ],
            env={
                **os.environ,
                "NO_COLOR": "1",
                "GIFT_ID": gift["id"],
                "GIFT_TOKEN": gift["token"],
            },
            cwd=HERE.parent.parent,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert run.returncode == 0, run.stdout + run.stderr
        # Schemathesis opened gifts of every mode, so the service did not refuse all requests.
        assert {opened.mode for opened in program.gifts()} == set(DONOR_MODES)
