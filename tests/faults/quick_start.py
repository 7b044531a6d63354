"""Starts `donate` in a quarter of a second instead of two, by forking it ready imported.

As a program it is the interpreter that is forked: it imports everything, opens an app once so that
all is warm, and stays without threads. It reads orders from its standard input, a line of JSON
each, and answers each with a line. When that input ends, so does everything it started.
"""

import gc
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent


@dataclass
class Forked:
    """A `donate` command that was started by forking."""

    pid: int
    nursery: "Nursery"
    status: int | None = None

    def ended(self) -> int | None:
        """Return what it exited with, a signal as a negative number; None while it runs."""
        if self.status is None:
            self.status = self.nursery.ask(look_after=self.pid)
        return self.status

    def kill(self) -> None:
        """Kill it as a power cut would; returns when it is gone."""
        if self.ended() is None:
            os.kill(self.pid, signal.SIGKILL)
            self.wait(10)

    def terminate(self) -> None:
        """Ask it to stop, as an init system does."""
        if self.ended() is None:
            os.kill(self.pid, signal.SIGTERM)

    def wait(self, seconds: float) -> int:
        """Return what it exited with. Raises TimeoutError."""
        until = time.monotonic() + seconds
        while (status := self.ended()) is None:
            if time.monotonic() > until:
                raise TimeoutError(f"process {self.pid} goes on and on")
            time.sleep(0.01)
        return status


class Nursery:
    """The interpreter that is forked."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, **order: Any) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(order), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())

    def start(self, *words: str, folder: Path, settings: Mapping[str, str]) -> Forked:
        """Run `donate` with these words; its output goes to the file `log` in the folder."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        order = {"words": words, "folder": str(folder), "environment": kept | dict(settings)}
        return Forked(self.ask(**order), self)


@contextmanager
def nursery(folder: Path) -> Iterator[Nursery]:
    """Keep an interpreter ready to be forked."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faults.quick_start", str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Nursery(process)
        assert process.stdin
        process.stdin.close()  # it ends what it started, and then itself


def warm_up(folder: Path) -> None:
    """Open the service once, on a database that nobody needs."""
    # The hash that a start makes, so that nobody can tell who is on the staff, costs more time
    # than the rest of it; nobody signs in here. Before anything of ours asks for a hasher.
    from pwdlib import PasswordHash
    from pwdlib.hashers.argon2 import Argon2Hasher

    cheap = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),))
    PasswordHash.recommended = classmethod(lambda _: cheap)  # type: ignore[method-assign,assignment]

    import asyncio

    import donate.cli
    import donate.commands.serve  # noqa: F401 -- imported before it forks
    from donate.app import create_app
    from tests.real_parts import make_settings

    app = create_app(make_settings(f"sqlite:///{folder}/warm.sqlite3"))

    async def open_and_close() -> None:
        async with app.router.lifespan_context(app):
            pass

    asyncio.run(open_and_close())
    gc.collect()
    gc.freeze()  # or each child would copy all of it to count references


def become(order: Mapping[str, Any]) -> None:
    """Be the command that was ordered; does not return."""
    status = 1
    try:
        os.chdir(order["folder"])
        log = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for ours, theirs in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(ours, theirs)
        os.environ.clear()
        os.environ.update(order["environment"])
        signal.signal(signal.SIGINT, signal.SIG_IGN)

        from donate.cli import main
        from tests.faults.killed_at import arrange

        if beat := os.environ.get("KILLED_AT"):
            arrange(beat)
        status = main(order["words"])
    except BaseException:
        traceback.print_exc()  # os._exit, which is the end of a fork, would not
        raise
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def look_after(pid: int) -> int | None:
    gone, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if gone else None


def obey() -> None:
    """Do what comes in, line by line."""
    started: set[int] = set()
    for line in sys.stdin:
        order = json.loads(line)
        answer: int | None
        if "look_after" in order:
            answer = look_after(order["look_after"])
            if answer is not None:
                started.discard(order["look_after"])
        else:
            answer = os.fork()
            if not answer:
                become(order)
            started.add(answer)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for pid in started:
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    warm_up(Path(sys.argv[1]))
    obey()
