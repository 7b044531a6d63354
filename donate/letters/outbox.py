"""Sends the letters that are due, in three beats: claim, hand over with nothing open, mark sent.

A letter is sent at least once: who dies between handing it over and marking it lets another try
follow, and its Message-ID shows that it is the same letter.
"""

import logging
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Final, Protocol

from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from donate.clock import Clock
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

# When a letter that was not taken is tried again; after the last, staff decide. Servers that
# greylist take it after some minutes; one that is broken is mended within three days.
RETRY_AFTER: Final = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=4),
    timedelta(hours=12),
    timedelta(days=1),
    timedelta(days=2),
)
# Longer than handing over one letter may take; then another may try.
LEASE: Final = timedelta(minutes=2)
# Anybody can type anybody's address, and who has that of a pledge can change it as they like: so
# many letters that no payment brings about, and no more.
MAX_UNSOLICITED_A_DAY: Final = 10
_UNASKED: Final = (
    LetterKind.INSTRUCTIONS,
    LetterKind.REMINDER,
    LetterKind.UNDER_WAY,
    LetterKind.FAILED,
    LetterKind.PLEDGE_AMOUNT,
)
# A mail server may not like more of them over one connection.
_AT_A_TIME: Final = 50


class Carrier(Protocol):
    """Takes letters to where they go."""

    def carry(self, message: EmailMessage) -> None:
        """Hand one over. Raises MailUnavailable, or MailRefused when it will never be taken."""
        ...

    def hang_up(self) -> None:
        """No more for now."""
        ...


class Outbox:
    """Sends letters through a carrier."""

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
        """Send some letters that are due; returns how many were dealt with."""
        try:
            for done in range(_AT_A_TIME):
                letter = self._claim()
                if letter is None:
                    return done
                try:
                    self._send(letter)
                except MailUnavailable as error:
                    log.warning("a letter waits: %s", error)
                    self._put_off(letter, error)
                    return 0  # rest for a heartbeat
        finally:
            self._carrier.hang_up()
        return _AT_A_TIME

    def _claim(self) -> Letter | None:
        """Take the letter that is due longest, and note when another may should we die."""
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
        kind = LetterKind(letter.kind)
        now = self._clock.now()
        with self._database.reading() as session:
            about = load_context(session, letter, self._regions, self._public_url)
            crowded = kind in _UNASKED and _unasked_lately(session, about.donor, now)
        touched_at = about.transfers and about.transfers.touched_at
        if touched_at and now < touched_at + self._wait:
            self._wait_until(letter, touched_at + self._wait)
        elif not is_true(letter, about):
            self._end(letter, LetterState.UNTRUE)
        elif not letter.again and crowded:
            self._end(letter, LetterState.SET_ASIDE, "Too many letters to this address in a day.")
        else:
            self._hand_over(letter, about, now)

    def _hand_over(self, letter: Letter, about: LetterContext, now: datetime) -> None:
        try:
            message = self._composer.compose(letter, about, now)
        except Exception as error:
            # It must not hold up the others, nor be tried for ever.
            log.exception("a letter could not be written")
            reason = f"It could not be written: {type(error).__name__}."
            self._end(letter, LetterState.SET_ASIDE, reason)
            return
        if not self._note_what_it_knows(letter, about):
            return
        try:
            self._carrier.carry(message)
        except MailRefused as refused:
            log.warning("a letter was refused: %s", refused)
            self._forget_what_it_knew(letter)
            self._end(letter, LetterState.SET_ASIDE, f"The mail server refused it: {refused}.")
        else:
            self._end(letter, LetterState.SENT)

    def _note_what_it_knows(self, letter: Letter, about: LetterContext) -> bool:
        """Keep what a letter tells of transfers; False when one was taken back since."""
        if letter.kind not in ARRIVAL_KINDS or about.transfers is None:
            return True
        with self._database.writing() as session:
            row = session.get_one(Letter, letter.id, with_for_update=True)
            if not _is_ours(row, letter):
                return False
            row.knew = about.transfers.knew
            return True

    def _wait_until(self, letter: Letter, due_at: datetime) -> None:
        """Let a letter wait, which does not count as a try."""
        with self._database.writing() as session:
            row = session.get_one(Letter, letter.id, with_for_update=True)
            if _is_ours(row, letter):
                row.due_at = due_at
                row.tries -= 1

    def _put_off(self, letter: Letter, error: MailUnavailable) -> None:
        why = str(error)
        if not error.may_have_acted:
            self._forget_what_it_knew(letter)
        if letter.tries > len(RETRY_AFTER):
            reason = f"The mail server did not take it, {letter.tries} times: {why}."
            self._end(letter, LetterState.SET_ASIDE, reason)
            return
        with self._database.writing() as session:
            row = session.get_one(Letter, letter.id, with_for_update=True)
            if _is_ours(row, letter):
                row.due_at = self._clock.now() + RETRY_AFTER[letter.tries - 1]
                row.reason = f"Not taken yet: {why}."[:200]

    def _forget_what_it_knew(self, letter: Letter) -> None:
        """Note that the donor was told nothing: the mail server did not take the letter."""
        if letter.kind in ARRIVAL_KINDS:
            with self._database.writing() as session:
                row = session.get_one(Letter, letter.id, with_for_update=True)
                if row.tries == letter.tries and row.state != LetterState.SENT:
                    row.knew = None

    def _end(self, letter: Letter, state: LetterState, reason: str = "") -> None:
        now = self._clock.now()
        with self._database.writing() as session:
            row = session.get_one(Letter, letter.id, with_for_update=True)
            # Sent is sent, whoever has it in hand meanwhile.
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


def _unasked_lately(session: Session, donor: Donor, now: datetime) -> bool:
    """Tell whether an address has had its share of letters that anybody can bring about."""
    yesterday = now - timedelta(days=1)
    count = session.exec(
        select(func.count())
        .select_from(Letter)
        .join(Gift, col(Gift.id) == col(Letter.gift_id))
        .join(Donor, col(Donor.id) == col(Gift.donor_id))
        .where(
            Letter.state == LetterState.SENT,
            col(Letter.due_at) > yesterday,  # it is later than `sent_at`, and has an index
            col(Letter.sent_at) > yesterday,
            col(Letter.kind).in_(_UNASKED),
            # Ann@ and ann@ are one mailbox nearly everywhere.
            func.lower(Donor.email) == func.lower(donor.email),
        )
    ).one()
    return count >= MAX_UNSOLICITED_A_DAY
