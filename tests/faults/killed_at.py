"""Runs the command line, and is killed as by a power cut at the beat that KILLED_AT names.

KILLED_AT is `module:name:before` or `module:name:after`, and with a number behind it (`:3`) the
beat is let pass until it comes for that time. KILLED_MARK is a file that is written a moment
earlier, so that a test can tell that the beat was reached. Without KILLED_AT nothing dies.
A beat `after` counts only when something was done: a round that found nothing is none.
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


def cut_the_power() -> NoReturn:
    Path(os.environ["KILLED_MARK"]).write_text(os.environ["KILLED_AT"])
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("nobody survives this")


def arrange(beat: str) -> None:
    module_name, path, side, *time = beat.split(":")
    last, times = int(time[0]) if time else 1, itertools.count(1)
    owner_path, _, name = path.rpartition(".")
    module = importlib.import_module(module_name)
    owner: Any = attrgetter(owner_path)(module) if owner_path else module
    real = getattr(owner, name)

    @functools.wraps(real)
    def watched(*args: Any, **more: Any) -> Any:
        if side == "before":
            if next(times) == last:
                cut_the_power()
            return real(*args, **more)
        done = real(*args, **more)
        if done != 0 and next(times) == last:
            cut_the_power()
        return done

    setattr(owner, name, watched)


if __name__ == "__main__":
    if os.environ.get("KILLED_AT"):
        arrange(os.environ["KILLED_AT"])
    from donate.cli import main

    sys.exit(main())
