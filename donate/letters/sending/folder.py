"""Writes each e-mail to a file in a folder, instead of sending it. The demo uses this."""

import os
from email.message import EmailMessage
from pathlib import Path

from donate.errors import MailUnavailable


class Folder:
    """A carrier that writes each e-mail to a file.

    The file is named after the Message-ID, so an e-mail that is sent again replaces its file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def carry(self, message: EmailMessage) -> None:
        """Write one e-mail to its file, atomically. Raises MailUnavailable."""
        name = message["Message-ID"].strip("<>").partition("@")[0]
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            unfinished = self._folder / f".{name}"
            with unfinished.open("wb") as file:
                file.write(message.as_bytes())
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self._folder / f"{name}.eml")
        except OSError as error:
            raise MailUnavailable(type(error).__name__) from None

    def hang_up(self) -> None:
        """Do nothing, because a folder needs no connection."""
