"""Undoes offline gifts, because of a typing error or a returned cheque. The caller commits."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Final

from sqlmodel import Session

from donate.bank.received_transfers import undo_transfer
from donate.clock import local_date
from donate.errors import N_, BadInput, BadInputs, Conflict, check_field
from donate.gifts.choosing.options import check_words, tidy_words
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.gifts.offline.models import EntryState, OfflineEntry
from donate.gifts.offline.rules import check_received_day

TYPED_WRONGLY, RETURNED, OTHER_REASON = "typed wrongly", "returned by the bank (NSF)", "other"
UNDO_REASONS: Final[Mapping[str, str]] = {
    TYPED_WRONGLY: N_("It was typed wrongly"),
    RETURNED: N_("The bank returned the cheque (NSF)"),
    OTHER_REASON: N_("Another reason"),
}
_MAX_REASON: Final = 300


@dataclass(frozen=True, slots=True)
class Undoing:
    """Why an offline gift is undone, and the day on which its money counts as gone."""

    reason: str
    words: str
    day: date

    @property
    def written(self) -> str:
        """The text of the reason that is stored in the fact."""
        return f"{self.reason}: {self.words}" if self.words else self.reason


def check_undoing(
    entry: OfflineEntry, gift: Gift, typed: Mapping[str, str], *, now: datetime
) -> Undoing:
    """Check the form that undoes an offline gift. Raises BadInputs."""
    problems: list[BadInput] = []
    checked = partial(check_field, problems)
    reason = typed.get("reason", "")
    if reason not in UNDO_REASONS:
        problems.append(BadInput("reason", N_("Please choose a reason.")))
    words = tidy_words(typed.get("words", ""))
    problem = check_words("words", words, _MAX_REASON) if words else None
    if reason == OTHER_REASON and not words:
        problem = BadInput("words", N_("Please say why."))
    problems += [problem] if problem else []
    day = checked(lambda: _check_day(entry, gift, typed.get("day", ""), now))
    if problems or day is None:
        raise BadInputs(problems)
    return Undoing(reason, words, day)


def _check_day(entry: OfflineEntry, gift: Gift, text: str, now: datetime) -> date:
    try:
        day = check_received_day(text, time_zone=gift.time_zone, now=now)
    except BadInput as problem:
        raise BadInput("day", problem.message, problem.values) from None
    if day < entry.received_on:
        raise BadInput("day", N_("This is before the day you received it."))
    return day


def undo_entry(
    session: Session,
    entry: OfflineEntry,
    gift: Gift,
    undoing: Undoing,
    *,
    actor: str,
    now: datetime,
) -> None:
    """Record that the money of an offline gift went out.

    Raises Conflict if it was already undone.
    """
    if entry.state is not EntryState.RECORDED:
        raise Conflict(N_("Someone has already undone this gift."))
    today = local_date(now, gift.time_zone)
    undo_transfer(
        session,
        gift,
        entry.source_id,
        undoing.written,
        actor=actor,
        now=now,
        day=None if undoing.day == today else undoing.day,
    )
    # No more money is expected for this gift.
    lapsed = Fact(FactKind.GIFT_LAPSED, str(gift.id), now, actor)
    record_facts(session, [(gift.id, lapsed)], now=now)
    entry.state = EntryState.UNDONE
    session.flush()
