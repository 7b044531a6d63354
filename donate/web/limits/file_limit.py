"""The limit of open files, which is also the limit of connections."""

import resource
from typing import Final

from donate.errors import Misconfigured

MOST_CONNECTIONS: Final = 4_096
"""How many connections a process keeps open at most. Each may hold a head of 64 KiB."""
# Each connection is an open file. Half of the files are for the connections that a process keeps, a
# quarter for new ones that the system accepts before the process has closed others to make room,
# and the rest for everything else, such as the database and requests to Stripe.
FILES_NEEDED: Final = 2 * MOST_CONNECTIONS
_FEWEST_FILES: Final = 512
MOST_BACKLOG: Final = 2_048
_FILES: Final = resource.RLIMIT_NOFILE
_UNLIMITED: Final = 1 << 20


def raise_file_limit() -> int:
    """Raise this process's limit of open files to FILES_NEEDED, or as far as the system allows.

    Return the limit. Raises Misconfigured if it is too low to run the service.
    """
    soft, hard = _limits()
    if soft < FILES_NEEDED and soft < hard:
        soft = min(FILES_NEEDED, hard)
        resource.setrlimit(_FILES, (soft, resource.getrlimit(_FILES)[1]))
    if soft < _FEWEST_FILES:
        raise Misconfigured(_sentence(soft))
    return soft


def file_limit() -> int:
    """Return how many files this process may open."""
    return _limits()[0]


def too_few_files() -> str | None:
    """Return a sentence that says so if the system allows fewer open files than FILES_NEEDED."""
    _, hard = _limits()
    return _sentence(hard) if hard < FILES_NEEDED else None


def connections_for(files: int) -> int:
    """Return how many connections a process may keep open with this limit of open files."""
    return min(MOST_CONNECTIONS, files // 2)


def backlog_for(files: int) -> int:
    """Return how many new connections may wait for the process to accept them (`listen`)."""
    return min(MOST_BACKLOG, files // 4)


def _limits() -> tuple[int, int]:
    soft, hard = resource.getrlimit(_FILES)
    return (
        _UNLIMITED if soft == resource.RLIM_INFINITY else soft,
        _UNLIMITED if hard == resource.RLIM_INFINITY else hard,
    )


def _sentence(files: int) -> str:
    return (
        f"the system allows {files} open files, so a process can keep {connections_for(files)} "
        f"connections open; allow {FILES_NEEDED} (LimitNOFILE= of systemd, --ulimit nofile= of a "
        "container, or `ulimit -n` in a shell)"
    )
