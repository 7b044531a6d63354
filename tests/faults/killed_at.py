"""Runs a `donate` command that kills itself with SIGKILL at the crash point in KILLED_AT.

A crash point is the moment before or after a call of a function, and the tests call it a step. It
is written `module:function:before` or `module:function:after`. A number at the end (`:3`) chooses a
later call of the function instead of the first. For `after`, a call that returns 0, because it
found nothing to do, does not count. Before it dies, the process writes the file KILLED_MARK, which
tells the test that the crash point was reached. Without KILLED_AT the command runs as usual.
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
