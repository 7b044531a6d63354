"""Reads the chart of accounts from its file. Errors name the file and the key."""

import tomllib
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from donate.books.chart import Chart
from donate.errors import Misconfigured

BUILT_IN_CHART: Final = Path(__file__).with_name("accounts.toml")


def load_chart(path: Path | None = None) -> Chart:
    """Read and check the chart of accounts at `path`, or the one that comes with the code.

    Raises Misconfigured, which names the file and each wrong key.
    """
    path = path or BUILT_IN_CHART
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Misconfigured(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path}: not valid TOML: {error}") from error
    try:
        return Chart.model_validate(tables)
    except ValidationError as error:
        problems = []
        for problem in error.errors(include_url=False):
            # Pydantic adds "[key]" to the path if the name of a key is wrong, and not its value.
            place = ".".join(str(part) for part in problem["loc"] if part != "[key]")
            message = problem["msg"].removeprefix("Value error, ")
            problems.append(f"{place}: {message}" if place else message)
        raise Misconfigured(f"{path}:\n  " + "\n  ".join(problems)) from error
