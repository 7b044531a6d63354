"""Finds out who runs a command, for the trail."""

import getpass
import os


def system_user() -> str:
    """Return the name of the person at the command line, as the system knows it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # the user of a container may have no name
        return f"user {os.getuid()}"
