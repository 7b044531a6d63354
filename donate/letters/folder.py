"""Puts letters into a folder, a file each, where there is no mail server, such as in the demo."""

import os
from email.message import EmailMessage
from pathlib import Path

from donate.errors import MailUnavailable


class Folder:
    """Carries letters into a folder. A letter that is sent twice is one file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def carry(self, message: EmailMessage) -> None:
        """Write one letter, all of it or nothing. Raises MailUnavailable."""
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
        """Nobody is on the line."""
