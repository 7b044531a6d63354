"""The file that a command writes: it has its name only once it is complete."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def opened_output(out: Path | None) -> Iterator[IO[bytes]]:
    """Open the file to write, or standard output.

    The file has the ending `.part` until it is complete, so that a killed process leaves no file
    that looks complete. Only its owner may read it.
    """
    if out is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    part = out.with_name(f"{out.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    part.replace(out)
