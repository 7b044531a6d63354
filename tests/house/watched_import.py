"""Imports the module that its argument names, and prints each file write and network call."""

import importlib
import os
import sys

NETWORK = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}
CHANGES = {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

calls: list[str] = []


def record(event: str, args: tuple[object, ...]) -> None:
    if event in NETWORK | CHANGES:
        calls.append(f"{event} {args}")
    elif event == "open":
        path, _, flags = args
        if isinstance(flags, int) and flags & WRITING and path != os.devnull:
            calls.append(f"opened {path} to write")


sys.addaudithook(record)
importlib.import_module(sys.argv[1])
print("\n".join(calls), end="")
