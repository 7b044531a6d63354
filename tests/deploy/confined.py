"""Starts a program with the restrictions of deploy/donate.service that the kernel enforces.

usage: python -m tests.deploy.confined PROGRAM [ARGUMENT...]

Without a running systemd nobody applies them. This program does it with the same libseccomp: the
system calls of SystemCallFilter, MemoryDenyWriteExecute and NoNewPrivileges.
"""

import ctypes
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from scripts.install_servers import find_server

UNIT = Path(__file__).parent.parent.parent / "deploy" / "donate.service"
EPERM = 1
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | EPERM
NOT_HERE = -1
PR_SET_NO_NEW_PRIVS, PR_SET_MDWE = 38, 65
REFUSE_EXEC_GAIN = 1


def calls_in(group: str) -> set[str]:
    """Return the system calls of a group such as @system-service."""
    command = [find_server("systemd-analyze"), "syscall-filter", group]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    names = re.findall(r"^    ([@\w-]+)$", listed, re.MULTILINE)
    return {
        call
        for name in names
        for call in (calls_in(name) if name.startswith("@") and name != group else {name})
    }


def allowed_calls() -> set[str]:
    """Return the system calls that the unit allows."""
    allowed: set[str] = set()
    for line in re.findall(r"^SystemCallFilter=(.+)$", UNIT.read_text(), re.MULTILINE):
        named = {call for group in line.lstrip("~").split() for call in calls_in(group)}
        allowed = allowed - named if line.startswith("~") else allowed | named
    return allowed


def confine(allowed: set[str]) -> None:
    """Restrict this process, and all programs that it becomes, for ever."""
    libc = ctypes.CDLL(None, use_errno=True)
    seccomp = ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
        PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0
    ):
        raise OSError(ctypes.get_errno(), "this kernel has no MemoryDenyWriteExecute")
    rules = ctypes.c_void_p(seccomp.seccomp_init(REFUSE))
    for call in allowed:
        number = seccomp.seccomp_syscall_resolve_name(call.encode())
        if number != NOT_HERE:
            seccomp.seccomp_rule_add(rules, ALLOW, number, 0)
    if seccomp.seccomp_load(rules):
        raise OSError(ctypes.get_errno(), "the filter of system calls was refused")


if __name__ == "__main__":
    program = shutil.which(sys.argv[1]) or sys.argv[1]
    confine(allowed_calls())
    os.execv(program, [program, *sys.argv[2:]])
