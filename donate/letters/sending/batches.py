"""Sends a batch of the e-mails that are due. No transaction is open while an e-mail is sent."""

import logging
from collections.abc import Callable
from email.message import EmailMessage
from typing import Final, Protocol, TypeVar

from donate.errors import MailUnavailable

log = logging.getLogger(__name__)

# Some mail servers limit the number of e-mails per connection.
_BATCH_SIZE: Final = 50

RowT = TypeVar("RowT")


class Carrier(Protocol):
    """Delivers e-mails."""

    def carry(self, message: EmailMessage) -> None:
        """Send one e-mail. Raises MailUnavailable, or MailRefused if it will never be accepted."""
        ...

    def hang_up(self) -> None:
        """Close the connection, if there is one."""
        ...


def send_batch(
    claim: Callable[[], RowT | None],
    send: Callable[[RowT], None],
    put_off: Callable[[RowT, MailUnavailable], None],
    carrier: Carrier,
) -> int:
    """Claim and send up to a batch of e-mails; return how many.

    `claim` returns the next row that is due, or None. If `send` raises MailUnavailable, `put_off`
    postpones the row; then return 0, which makes the worker pause.
    """
    try:
        for done in range(_BATCH_SIZE):
            row = claim()
            if row is None:
                return done
            try:
                send(row)
            except MailUnavailable as error:
                log.warning("will retry an e-mail later: %s", error)
                put_off(row, error)
                return 0
    finally:
        carrier.hang_up()
    return _BATCH_SIZE
