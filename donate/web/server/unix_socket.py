"""A Unix socket on which the service listens, so that it and the proxy speak over no network.

Its permissions say who may connect: the service itself and its group, in which the proxy is.
"""

import errno
import socket
from pathlib import Path
from typing import Final

from donate.errors import Misconfigured

_OWNER_AND_GROUP: Final = 0o660
_ANSWER_WITHIN_S: Final = 5.0


def bind_unix_socket(path: Path) -> socket.socket:
    """Return a socket that is bound to `path`, in place of a file that an earlier service left.

    Raises Misconfigured if another service listens there, if the file is no socket, or if it cannot
    be made.
    """
    _make_room(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # The command line has set a umask, so that nobody else may connect before this is done.
        listener.bind(str(path))
        path.chmod(_OWNER_AND_GROUP)
    except OSError as error:
        listener.close()
        raise Misconfigured(f"SOCKET: {path} cannot be made: {error.strerror or error}") from error
    return listener


def refuse_connections(path: Path) -> None:
    """Put a file at which nobody listens in the place of the socket. Open connections stay open.

    Without any file, nginx would write the whole address of each request to its log.
    """
    unused = path.with_name(f"{path.name[:-1]}~")  # as long as `path`, whose length is limited
    unused.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as nobody:
        nobody.bind(str(unused))
        unused.chmod(_OWNER_AND_GROUP)
        unused.rename(path)


def _make_room(path: Path) -> None:
    if not path.exists():
        return
    if not path.is_socket():
        raise Misconfigured(f"SOCKET: {path} exists and is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_ANSWER_WITHIN_S)
        if probe.connect_ex(str(path)) != errno.ECONNREFUSED:
            raise Misconfigured(f"SOCKET: another service listens at {path}")
    path.unlink(missing_ok=True)
