"""Starts `donate` in a quarter of a second instead of two, by forking a prepared interpreter.

Run as a program, this module is that interpreter. It imports all modules, opens the service once to
fill caches, and has no threads. It reads orders from standard input, one line of JSON each, and
answers each with a line. When the input ends, it kills the processes that it started.
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
READY = "ready\n"


@dataclass
class Forked:
    """A running `donate` command that was started by forking."""

    pid: int
    forker: "Forker"
    status: int | None = None

    def ended(self) -> int | None:
        """Return the exit code, negative if a signal ended the command; None while it runs."""
        if self.status is None:
            self.status = self.forker.ask(poll=self.pid)
        return self.status

    def kill(self) -> None:
        """Kill the command with SIGKILL, and wait until its process has ended."""
        if self.ended() is None:
            os.kill(self.pid, signal.SIGKILL)
            self.wait(10)

    def terminate(self) -> None:
        """Send SIGTERM to the command, as an init system does to stop it."""
        if self.ended() is None:
            os.kill(self.pid, signal.SIGTERM)

    def wait(self, seconds: float) -> int:
        """Wait until the command ends; return its exit code. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while (status := self.ended()) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"process {self.pid} does not end")
            time.sleep(0.01)
        return status


class Forker:
    """A process with a prepared interpreter, which forks `donate` commands when ordered to."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, **order: Any) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(order), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())

    def start(self, *arguments: str, folder: Path, settings: Mapping[str, str]) -> Forked:
        """Run `donate` with these arguments; its output is appended to `log` in the folder."""
        inherited = {
            name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ
        }
        order = {
            "arguments": arguments,
            "folder": str(folder),
            "environment": inherited | dict(settings),
        }
        return Forked(self.ask(**order), self)


@contextmanager
def forker(folder: Path) -> Iterator[Forker]:
    """Prepare an interpreter that forks a `donate` command for each order it gets."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faults.quick_start", str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == READY
        yield Forker(process)
        assert process.stdin
        process.stdin.close()  # at the end of input, the interpreter kills its commands and ends


def warm_up(folder: Path) -> None:
    """Import and open the service once, on a database that nothing else uses."""
    # The service hashes a password when it starts, so that sign-in takes equally long for unknown
    # accounts. That takes most of the start. A cheap hasher is enough here, and our modules choose
    # their hasher when they are imported.
    from pwdlib import PasswordHash
    from pwdlib.hashers.argon2 import Argon2Hasher

    cheap = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),))
    PasswordHash.recommended = classmethod(lambda _: cheap)  # type: ignore[method-assign,assignment]

    import asyncio

    import donate.cli
    import donate.commands.serve  # noqa: F401 -- import it before forking
    from donate.app import create_app
    from tests.real_parts import make_settings

    app = create_app(make_settings(f"sqlite:///{folder}/warm.sqlite3"))

    async def open_and_close() -> None:
        async with app.router.lifespan_context(app):
            pass

    asyncio.run(open_and_close())
    gc.collect()
    gc.freeze()  # so that garbage collection in a child copies no inherited memory page


def become(order: Mapping[str, Any]) -> None:
    """In a forked child: run the ordered command, and end the process."""
    status = 1
    try:
        os.chdir(order["folder"])
        log = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        null = os.open(os.devnull, os.O_RDONLY)
        for ours, theirs in ((null, 0), (log, 1), (log, 2)):
            os.dup2(ours, theirs)
        os.environ.clear()
        os.environ.update(order["environment"])
        signal.signal(signal.SIGINT, signal.SIG_IGN)

        from donate.cli import main
        from tests.faults.killed_at import kill_at

        if step := os.environ.get("KILLED_AT"):
            kill_at(step)
        status = main(order["arguments"])
    except BaseException:
        traceback.print_exc()  # because os._exit prints no traceback
        raise
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def poll(pid: int) -> int | None:
    pid_ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if pid_ended else None


def obey() -> None:
    """Carry out orders from standard input: fork a process, or look whether one has ended."""
    started: set[int] = set()
    for line in sys.stdin:
        order = json.loads(line)
        answer: int | None
        if "poll" in order:
            answer = poll(order["poll"])
            if answer is not None:
                started.discard(order["poll"])
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
    sys.stdout.write(READY)
    sys.stdout.flush()
    obey()
