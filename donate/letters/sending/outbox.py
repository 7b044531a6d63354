"""Sends the e-mails that are due: claims an e-mail, sends it, and marks it as sent.

Each e-mail is sent at least once. If the process dies after sending the e-mail
but before marking it, the e-mail is sent again with the same Message-ID when its lease has expired.
"""

import logging
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from donate.clock import Backoff, Clock
from donate.errors import MailRefused, MailUnavailable
from donate.gifts.links.gift_links import GiftLinks
from donate.letters.context import LetterContext, is_true, load_context
from donate.letters.email_message import Composer
from donate.letters.held import forget_held
from donate.letters.models import Letter, LetterState, ShareLimit
from donate.letters.sending.batches import Carrier, send_batch
from donate.letters.sending.email_limits import (
    DAY,
    LOOK_AGAIN,
    REASONS,
    SHARES,
    STRANGERS_KINDS,
    ShareLimits,
    take_share,
)
from donate.letters.transfers import ARRIVAL_KINDS, WAIT
from donate.regions.regions import Regions
from donate.storage.claiming import LEASE, claim_due
from donate.storage.database import Database
from donate.web.logs_and_metrics import LETTERS

log = logging.getLogger(__name__)

# The delay after each failed attempt to send. After the last attempt, the e-mail is set aside for
# staff. Servers that use greylisting accept an e-mail after some minutes. A broken server should be
# repaired within three days.
RETRY_AFTER: Final = Backoff("1m 5m 15m 1h 4h 12h 1d 2d")


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
        links: GiftLinks,
        wait: timedelta = WAIT,
        shares: ShareLimits = SHARES,
    ) -> None:
        self._database = database
        self._regions = regions
        self._clock = clock
        self._carrier = carrier
        self._composer = Composer(sender)
        self._links = links
        self._wait = wait
        self._shares = shares

    def send_due(self) -> int:
        """Send up to a batch of due e-mails; return how many were processed."""
        return send_batch(self._claim, self._send, self._put_off, self._carrier)

    def _claim(self) -> Letter | None:
        now = self._clock.now()

        def begin_lease(letter: Letter) -> None:
            letter.due_at = now + LEASE
            letter.tries += 1

        return claim_due(self._database, _due(now), begin_lease)

    def _send(self, letter: Letter) -> None:
        now = self._clock.now()
        with self._database.reading() as session:
            context = load_context(session, letter, self._regions, self._links)
        touched_at = context.transfers and context.transfers.touched_at
        if touched_at and now < touched_at + self._wait:
            self._postpone(letter, touched_at + self._wait)
        elif not is_true(letter, context):
            self._end(letter, LetterState.UNTRUE)
        elif not context.donor.email:
            self._end(letter, LetterState.UNTRUE, "The donor has no e-mail address.")
        elif limit := self._limit_over(letter, context.donor.email, now):
            self._hold_back(letter, limit, now)
        else:
            self._hand_over(letter, context, now)

    def _limit_over(self, letter: Letter, email: str, now: datetime) -> ShareLimit | None:
        """Count an e-mail for the limits. Return the limit that holds it back, or None.

        None also for e-mails that a stranger cannot cause. These are not counted.
        """
        if letter.kind not in STRANGERS_KINDS or letter.again:
            return None
        with self._database.writing() as session:
            return take_share(session, letter, email, self._shares, now=now)

    def _hold_back(self, letter: Letter, limit: ShareLimit, now: datetime) -> None:
        """Postpone an e-mail that exceeds a limit, for a day at most; then set it aside for staff.

        Above the limit of its mailbox, set it aside at once.
        """
        if limit is ShareLimit.MAILBOX or now >= letter.written_at + DAY:
            self._end(letter, LetterState.SET_ASIDE, REASONS[limit])
        else:
            self._postpone(letter, now + LOOK_AGAIN, REASONS[limit])

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

    def _postpone(self, letter: Letter, due_at: datetime, reason: str = "") -> None:
        """Postpone an e-mail, and do not count this as an attempt to send it."""
        with self._database.writing() as session:
            row = session.get_one(Letter, letter.id, with_for_update=True)
            if _is_ours(row, letter):
                row.due_at = due_at
                row.tries -= 1
                row.reason = reason

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
            if state is not LetterState.SET_ASIDE:
                forget_held(session, row)
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
