"""Runs the command line, and kills it with SIGKILL at the step that KILLED_AT names.

KILLED_AT is `module:name:before` or `module:name:after`. With a number appended (`:3`), the process
is killed when the step comes for that time. KILLED_MARK is a file that is written just before, so
that a test can tell that the step was reached. Without KILLED_AT the process is not killed.
A step `after` counts only if the call did something: a round that found nothing does not count.
"""

import functools
import importlib
import itertools
import os
import signal
import sys
from operator import attrgetter
from pathlib import Path
from typing import Any, NoReturn


def kill_this_process() -> NoReturn:
    Path(os.environ["KILLED_MARK"]).write_text(os.environ["KILLED_AT"])
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable after SIGKILL")


def kill_at(step: str) -> None:
    module_name, path, side, *number = step.split(":")
    fatal_call, calls = int(number[0]) if number else 1, itertools.count(1)
    owner_path, _, name = path.rpartition(".")
    module = importlib.import_module(module_name)
    owner: Any = attrgetter(owner_path)(module) if owner_path else module
    original = getattr(owner, name)

    @functools.wraps(original)
    def counted(*args: Any, **more: Any) -> Any:
        if side == "before":
            if next(calls) == fatal_call:
                kill_this_process()
            return original(*args, **more)
        result = original(*args, **more)
        if result != 0 and next(calls) == fatal_call:
            kill_this_process()
        return result

    setattr(owner, name, counted)


if __name__ == "__main__":
    if os.environ.get("KILLED_AT"):
        kill_at(os.environ["KILLED_AT"])
    from donate.cli import main

    sys.exit(main())
