"""E-mails the hash chain's seals to the address in SEAL_TO, each at least once."""

import logging
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from donate.clock import Backoff, Clock
from donate.errors import N_, MailRefused, MailUnavailable
from donate.letters.sending.batches import Carrier
from donate.storage.chain.models import ChainSeal
from donate.storage.chain.seals import Seal, seal_of
from donate.storage.claiming import LEASE, claim_due
from donate.storage.database import Database
from donate.web.templating import translate

log = logging.getLogger(__name__)

# The last pause repeats until the seal is sent: a seal that arrives late proves just as much.
RETRY_AFTER: Final = Backoff("1m 5m 15m 1h 4h 12h 1d")
_SUBJECT: Final = N_("Digital seal of the donation records, %(day)s")
_TEXT: Final = N_(
    "Please keep this e-mail. Later, you can use it with “donate audit --seal” to check whether "
    "any record of a gift up to this day was changed or removed."
)


class SealMailer:
    """The background job that mails seals."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        carrier: Carrier,
        *,
        sender: str,
        recipient: str,
        language: str,
        time_zone: str,
    ) -> None:
        self._database = database
        self._clock = clock
        self._carrier = carrier
        self._sender = sender
        self._recipient = recipient
        self._language = language
        self._time_zone = time_zone

    def mail_due(self) -> int:
        """Mail one seal that is due; return how many were mailed."""
        row = self._claim()
        if row is None:
            return 0
        try:
            self._carrier.carry(self._compose(row.id or 0, seal_of(row, self._time_zone)))
        except MailUnavailable as error:
            self._put_off(row, error)
            return 0
        finally:
            self._carrier.hang_up()
        now = self._clock.now()
        with self._database.writing() as session:
            stored = session.get_one(ChainSeal, row.id, with_for_update=True)
            stored.mailed_at, stored.mail_due_at = now, None
        return 1

    def _claim(self) -> ChainSeal | None:
        now = self._clock.now()

        def begin_lease(row: ChainSeal) -> None:
            row.mail_due_at = now + LEASE
            row.mail_tries += 1

        return claim_due(self._database, _due(now), begin_lease)

    def _put_off(self, row: ChainSeal, error: MailUnavailable) -> None:
        is_refused = isinstance(error, MailRefused)
        log.log(
            logging.ERROR if is_refused else logging.WARNING, "a seal was not mailed: %s", error
        )
        pause = timedelta(days=1) if is_refused else RETRY_AFTER.after(row.mail_tries)
        with self._database.writing() as session:
            stored = session.get_one(ChainSeal, row.id, with_for_update=True)
            if stored.mail_tries == row.mail_tries and stored.mailed_at is None:
                stored.mail_due_at = self._clock.now() + pause

    def _compose(self, number: int, seal: Seal) -> EmailMessage:
        message = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
        message["Message-ID"] = (
            f"<seal.{number}.{seal.hash.hex()[:32]}@{self._sender.rpartition('@')[2]}>"
        )
        message["Date"] = format_datetime(self._clock.now())
        message["From"] = self._sender
        message["To"] = self._recipient
        message["Subject"] = translate(self._language, _SUBJECT, {"day": seal.day.isoformat()})
        message["Auto-Submitted"] = "auto-generated"
        text = translate(self._language, _TEXT)
        message.set_content(f"{text}\n\n{seal}\n", cte="quoted-printable")
        message["Content-Language"] = self._language
        return message


def _due(now: datetime) -> SelectOfScalar[ChainSeal]:
    return (
        select(ChainSeal)
        .where(col(ChainSeal.mail_due_at) <= now)
        .order_by(col(ChainSeal.mail_due_at), col(ChainSeal.id))
        .limit(1)
    )
