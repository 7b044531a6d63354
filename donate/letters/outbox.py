"""Sends the e-mails that are due: claims an e-mail, sends it, and marks it as sent.

No transaction is open while an e-mail is sent. A claim is a lease: for two minutes, no other worker
takes the e-mail. Each e-mail is sent at least once. If the process dies after sending the e-mail
but before marking it, the e-mail is sent again with the same Message-ID when its lease has expired.
"""

import logging
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Final, Protocol

from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from donate.clock import Backoff, Clock
from donate.errors import MailRefused, MailUnavailable
from donate.gifts.models import Donor, Gift
from donate.letters.context import LetterContext, is_true, load_context
from donate.letters.email_message import Composer
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter, LetterState
from donate.letters.transfers import ARRIVAL_KINDS, WAIT
from donate.regions.regions import Regions
from donate.storage.database import Database
from donate.web.observability import LETTERS

log = logging.getLogger(__name__)

# The delay after each failed attempt to send. After the last attempt, the e-mail is set aside for
# staff. Servers that use greylisting accept an e-mail after some minutes. A broken server should be
# repaired within three days.
RETRY_AFTER: Final = Backoff("1m 5m 15m 1h 4h 12h 1d 2d")
# For this long, no other worker takes the e-mail. Sending takes less time.
LEASE: Final = timedelta(minutes=2)
# The maximum number of e-mails a day to one address, of the kinds that strangers can cause without
# paying. A stranger can enter any address in a form, and anyone with a pledge's link can change the
# pledge.
MAX_UNSOLICITED_A_DAY: Final = 10
_UNSOLICITED: Final = (
    LetterKind.INSTRUCTIONS,
    LetterKind.REMINDER,
    LetterKind.UNDER_WAY,
    LetterKind.FAILED,
    LetterKind.PLEDGE_AMOUNT,
)
# Some mail servers limit the number of e-mails per connection.
_BATCH_SIZE: Final = 50


class Carrier(Protocol):
    """Delivers e-mails."""

    def carry(self, message: EmailMessage) -> None:
        """Send one e-mail. Raises MailUnavailable, or MailRefused if it will never be accepted."""
        ...

    def hang_up(self) -> None:
        """Close the connection, if there is one."""
        ...


class Outbox:
    """Sends the e-mails that are due through a carrier."""

    def __init__(
        self,
        database: Database,
        regions: Regions,
        clock: Clock,
        carrier: Carrier,
        *,
        sender: str,
        public_url: str,
        wait: timedelta = WAIT,
    ) -> None:
        self._database = database
        self._regions = regions
        self._clock = clock
        self._carrier = carrier
        self._composer = Composer(sender)
        self._public_url = public_url
        self._wait = wait

    def send_due(self) -> int:
        """Send up to a batch of due e-mails; return how many were processed."""
        try:
            for done in range(_BATCH_SIZE):
                letter = self._claim()
                if letter is None:
                    return done
                try:
                    self._send(letter)
                except MailUnavailable as error:
                    log.warning("will retry an e-mail later: %s", error)
                    self._put_off(letter, error)
                    return 0  # Returning 0 makes the worker pause before it calls this again.
        finally:
            self._carrier.hang_up()
        return _BATCH_SIZE

    def _claim(self) -> Letter | None:
        """Claim the e-mail that has been due longest. No other worker takes it during its lease."""
        now = self._clock.now()
        with self._database.reading() as session:
            if session.exec(_due(now)).first() is None:
                return None
        with self._database.writing() as session:
            letter = session.exec(_due(now).with_for_update(skip_locked=True)).first()
            if letter:
                letter.due_at = now + LEASE
                letter.tries += 1
            return letter

    def _send(self, letter: Letter) -> None:
        now = self._clock.now()
        with self._database.reading() as session:
            context = load_context(session, letter, self._regions, self._public_url)
            over_limit = letter.kind in _UNSOLICITED and _is_over_limit(session, context.donor, now)
        touched_at = context.transfers and context.transfers.touched_at
        if touched_at and now < touched_at + self._wait:
            self._postpone(letter, touched_at + self._wait)
        elif not is_true(letter, context):
            self._end(letter, LetterState.UNTRUE)
        elif not context.donor.email:
            self._end(letter, LetterState.UNTRUE, "The donor has no e-mail address.")
        elif not letter.again and over_limit:
            self._end(letter, LetterState.SET_ASIDE, "Too many e-mails to this address in a day.")
        else:
            self._hand_over(letter, context, now)

    def _hand_over(self, letter: Letter, context: LetterContext, now: datetime) -> None:
        try:
            message = self._composer.compose(letter, context, now)
        except Exception as error:
            # One e-mail that cannot be composed must not block the others or be retried forever.
            log.exception("could not compose an e-mail")
            reason = f"It could not be composed: {type(error).__name__}."
            self._end(letter, LetterState.SET_ASIDE, reason)
            return
        if not self._record_newest_fact(letter, context):
            return
        try:
            self._carrier.carry(message)
        except MailRefused as refused:
            log.warning("the mail server refused an e-mail: %s", refused)
            self._clear_newest_fact(letter)
            self._end(letter, LetterState.SET_ASIDE, f"The mail server refused it: {refused}.")
        else:
            self._end(letter, LetterState.SENT)

    def _record_newest_fact(self, letter: Letter, context: LetterContext) -> bool:
        """Store the id of the newest fact that the e-mail takes into account.

        Returns False if another worker has claimed the e-mail meanwhile.
        """
        if letter.kind not in ARRIVAL_KINDS or context.transfers is None:
            return True
        with self._database.writing() as session:
            row = session.get_one(Letter, letter.id, with_for_update=True)
            if not _is_ours(row, letter):
                return False
            row.knew = context.transfers.knew
            return True

    def _postpone(self, letter: Letter, due_at: datetime) -> None:
        """Postpone an e-mail, and do not count this as an attempt to send it."""
        with self._database.writing() as session:
            row = session.get_one(Letter, letter.id, with_for_update=True)
            if _is_ours(row, letter):
                row.due_at = due_at
                row.tries -= 1

    def _put_off(self, letter: Letter, error: MailUnavailable) -> None:
        if not error.may_have_acted:
            self._clear_newest_fact(letter)
        pause = RETRY_AFTER.after_or_stop(letter.tries)
        if pause is None:
            reason = f"The mail server did not accept it in {letter.tries} attempts: {error}."
            self._end(letter, LetterState.SET_ASIDE, reason)
            return
        with self._database.writing() as session:
            row = session.get_one(Letter, letter.id, with_for_update=True)
            if _is_ours(row, letter):
                row.due_at = self._clock.now() + pause
                row.reason = f"Not accepted yet: {error}."[:200]

    def _clear_newest_fact(self, letter: Letter) -> None:
        """Clear the stored fact id, because the mail server did not accept the e-mail."""
        if letter.kind in ARRIVAL_KINDS:
            with self._database.writing() as session:
                row = session.get_one(Letter, letter.id, with_for_update=True)
                if row.tries == letter.tries and row.state != LetterState.SENT:
                    row.knew = None

    def _end(self, letter: Letter, state: LetterState, reason: str = "") -> None:
        now = self._clock.now()
        with self._database.writing() as session:
            row = session.get_one(Letter, letter.id, with_for_update=True)
            # A sent e-mail is marked as sent even if another worker has claimed it meanwhile.
            if state is not LetterState.SENT and not _is_ours(row, letter):
                return
            row.state = state
            row.reason = reason[:200]
            row.sent_at = now if state is LetterState.SENT else None
        LETTERS.labels(letter.kind, state).inc()


def _due(now: datetime) -> SelectOfScalar[Letter]:
    return (
        select(Letter)
        .where(Letter.state == LetterState.WAITING, col(Letter.due_at) <= now)
        .order_by(col(Letter.due_at), col(Letter.id))
        .limit(1)
    )


def _is_ours(row: Letter, letter: Letter) -> bool:
    return (row.state, row.tries) == (LetterState.WAITING, letter.tries)


def _is_over_limit(session: Session, donor: Donor, now: datetime) -> bool:
    """Whether an address has already got the maximum number of e-mails for one day."""
    yesterday = now - timedelta(days=1)
    count = session.exec(
        select(func.count())
        .select_from(Letter)
        .join(Gift, col(Gift.id) == col(Letter.gift_id))
        .join(Donor, col(Donor.id) == col(Gift.donor_id))
        .where(
            Letter.state == LetterState.SENT,
            # This condition lets the query use the index on `due_at`. It excludes nothing, because
            # `due_at` of a sent e-mail is later than its `sent_at`.
            col(Letter.due_at) > yesterday,
            col(Letter.sent_at) > yesterday,
            col(Letter.kind).in_(_UNSOLICITED),
            # Ignore case in addresses, as nearly all mail servers do.
            func.lower(Donor.email) == func.lower(donor.email),
        )
    ).one()
    return count >= MAX_UNSOLICITED_A_DAY
