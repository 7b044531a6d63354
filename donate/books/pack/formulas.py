"""Keeps spreadsheets from running a text as a formula."""

import re
from typing import Final

# Spreadsheets treat a text as a formula if it begins with one of these characters, some of them
# also after spaces. The last four are the full-width forms of = + - @.
_FORMULA: Final = re.compile(r"'*\s*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def guard_formula(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet could run as a formula.

    A text that already has an apostrophe before such a character gets one more, so that removing
    one apostrophe always gives the original.
    """
    return f"'{text}" if _FORMULA.match(text) else text
