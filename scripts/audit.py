"""Looks for known faults of the packages in uv.lock, and says plainly if it could not look.

`uv audit` asks the database of Open Source Vulnerabilities. Its answer is kept in .tools, so that
without a network the last answer about the same uv.lock still counts. Arguments go to `uv audit`.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
ANSWERS: Final = ROOT / ".tools" / "audit"
COMMAND: Final = ("scripts/uv", "audit", "--locked")
# Whoever has no network should not wait for it.
IMPATIENT: Final = {"UV_HTTP_RETRIES": "0", "UV_HTTP_TIMEOUT": "20"}
NO_FAULTS, FAULTS = 0, 1
"""The exit codes of `uv audit` when it has looked. With any other it has not."""


def ask(arguments: Sequence[str]) -> tuple[int, str]:
    """Run `uv audit`; return its exit code and its output."""
    run = subprocess.run(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env=os.environ | IMPATIENT,
        capture_output=True,
        text=True,
        check=False,
    )
    return run.returncode, (run.stdout + run.stderr).strip()


def report(code: int, output: str, when: str) -> int:
    """Print what `uv audit` has found; return the exit code of this program."""
    if code == NO_FAULTS:
        print(f"ok      no known faults in the packages of uv.lock ({when})")
    else:
        print(f"FAILED  known faults in the packages of uv.lock ({when})\n{output}")
    return code


def main(arguments: Sequence[str], answers: Path = ANSWERS) -> int:
    """Look for known faults. Return 1 if there are any, and 0 if there are none or nobody knows."""
    lock = hashlib.sha256((ROOT / "uv.lock").read_bytes()).hexdigest()
    answer = answers / lock
    code, output = ask(arguments)
    if code in (NO_FAULTS, FAULTS):
        answers.mkdir(parents=True, exist_ok=True)
        answer.write_text(f"{code}\n{output}")
        return report(code, output, "asked now")
    reason = output.splitlines()[-1].strip() if output else f"uv audit ended with {code}"
    if not answer.exists():
        print(f"NOT LOOKED UP: nobody has looked for known faults of this uv.lock ({reason})")
        return 0
    kept, _, faults = answer.read_text().partition("\n")
    day = datetime.fromtimestamp(answer.stat().st_mtime, UTC).date()
    return report(int(kept), faults, f"asked on {day}, and could not ask now: {reason}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
