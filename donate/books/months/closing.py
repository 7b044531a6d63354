"""Closes a month, or records a request to close it. A closed month is never opened again.

Everything is read in one database snapshot before anything is written. A fact that is recorded
meanwhile is late: it is booked as a correction in the next month. The database allows closing a
month only once, and only after the month before it.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlmodel import Session

from donate.books.months.book_month import BookMonth
from donate.books.months.control.figures import control_totals
from donate.books.months.drafts import MonthDraft, MonthRules, read_draft, read_start
from donate.books.months.kept_entries import hash_of_entries, keep_entries
from donate.books.months.models import ClosedMonth, ClosedMonthPack, CloseRequest
from donate.books.months.open_items import OpenItem, blocking, with_reasons
from donate.books.months.pack_files import pack_of
from donate.books.months.queries import (
    closed_month,
    last_closed,
    latest_request,
    next_to_close,
    startable_months,
)
from donate.clock import local_date
from donate.errors import N_, BadInputs, Conflict
from donate.storage.bulk_writes import insert_new
from donate.storage.database import Database
from donate.web.templating import Localizer

ALREADY_CLOSED: Final = N_("%(month)s is closed already. Nothing was changed.")
NOT_OVER: Final = N_("%(month)s has not ended yet. Close it once it is over.")
NOT_NEXT: Final = N_("Months are closed in order. Please close %(month)s first.")
NOTHING_BOOKED: Final = N_("Nothing is booked yet, so there is no month to close.")
BLOCKED: Final = N_(
    "The control totals of %(month)s disagree, so it cannot be closed. Run `donate audit`."
)
SAME_PERSON: Final = N_(
    "You asked to close %(month)s yourself. Another person of finance has to confirm it."
)
NEEDS_TWO: Final = N_(
    "So much money moved in %(month)s that two people close it. Each has to sign in: ask for it "
    "and confirm it on the page of the month."
)
NO_REQUEST: Final = N_("Nobody has asked to close %(month)s yet. Ask for it first.")
NOT_AS_SHOWN: Final = N_(
    "%(month)s has changed since you opened the page. Nothing was closed; please look again."
)
HAS_CHANGED: Final = N_(
    "%(month)s has changed since somebody asked to close it. Look at it again, and ask again."
)
NO_START: Final = N_(
    "The books can’t start with %(month)s: a month is closed already, or there is none before it."
)
START_CHANGED: Final = N_(
    "The months before %(month)s have changed since you looked at their balances. Please look "
    "again."
)
ASKER_MAY_NOT: Final = N_(
    "The person who asked to close %(month)s may not close months any more. Nothing was closed. "
    "Please ask for it again, and have another person of finance confirm it."
)


@dataclass(frozen=True, slots=True)
class Closer:
    """The person who closes a month: the actor in records, the name to show, and the language."""

    actor: str
    name: str
    language: str


RecordAct = Callable[[Session, str, Mapping[str, Any]], None]
"""A function that adds a trail entry in the same transaction, with its kind and its detail."""

MayClose = Callable[[Session, str], bool]
"""A function that locks the account of an actor and returns whether it may close months."""


@dataclass(frozen=True, slots=True)
class _Confirmation:
    """Another person's confirmation of a request."""

    request: CloseRequest
    by: Closer
    may_close: MayClose


class MonthCloser:
    """Closes months by the rules.

    Each method calls its argument `record` in the transaction that writes, to add a trail entry.
    """

    def __init__(self, database: Database, rules: MonthRules) -> None:
        self._database = database
        self.rules = rules

    def close(
        self,
        month: BookMonth,
        by: Closer,
        reasons: Mapping[str, str],
        *,
        now: datetime,
        record: RecordAct,
        seen: str = "",
        is_signed_in: bool = True,
    ) -> bool:
        """Close a month and return True. If that takes two people, only request it; return False.

        `reasons` say, for each kind of open item, why the month is closed anyway. `seen` is the
        hash of the content that the person saw, if they saw any. Only a person who is signed in
        (`is_signed_in`) may request a closing. Raises Conflict if the month cannot be closed or has
        changed, and BadInputs if reasons are missing.
        """
        draft = self._draft(month, now)
        if seen and seen != draft.content_hash:
            raise Conflict(NOT_AS_SHOWN, {"month": str(month)})
        items = with_reasons(draft.items, reasons)
        if not draft.needs_second:
            self._write(draft, items, by, None, now=now, record=record)
            return True
        if not is_signed_in:
            raise Conflict(NEEDS_TWO, {"month": str(month)})
        with self._database.writing() as session:
            request = CloseRequest(
                month=month.number,
                asked_by=by.actor,
                asked_at=now,
                content_hash=draft.content_hash,
                reasons={item.kind.value: item.reason for item in items if item.reason},
            )
            session.add(request)
            record(session, "month_close_asked", {"content": draft.content_hash})
        return False

    def confirm(
        self,
        month: BookMonth,
        by: Closer,
        asked_by_name: str,
        *,
        seen: int | None,
        now: datetime,
        record: RecordAct,
        may_close: MayClose,
    ) -> None:
        """Close a month for which another person has made a request.

        `seen` is the id of the request that the page showed. Raises Conflict if there is no
        request, if there is a newer one, if the same person made it, if that person may not close
        months any more, or if the month has changed since.
        """
        draft = self._draft(month, now)
        with self._database.reading() as session:
            request = latest_request(session, month)
        values = {"month": str(month)}
        if request is None:
            raise Conflict(NO_REQUEST, values)
        if request.asked_by == by.actor:
            raise Conflict(SAME_PERSON, values)
        if request.id != seen:
            raise Conflict(NOT_AS_SHOWN, values)
        if request.content_hash != draft.content_hash:
            raise Conflict(HAS_CHANGED, values)
        try:
            items = with_reasons(draft.items, request.reasons)
        except BadInputs as error:  # another item is open now
            raise Conflict(HAS_CHANGED, values) from error
        first = Closer(request.asked_by, asked_by_name, by.language)
        second = _Confirmation(request, by, may_close)
        self._write(draft, items, first, second, now=now, record=record)

    def start(
        self, first: BookMonth, by: Closer, *, seen: str, now: datetime, record: RecordAct
    ) -> None:
        """Start the books with the month `first`. All earlier months count as closed elsewhere.

        Entries of the earlier months are stored but not exported. If something about these months
        is recorded later, it becomes a correction here. `seen` is the hash of the entries that the
        person saw. Raises Conflict if the books have started or cannot start with this month, or if
        the entries have changed.
        """
        with self._database.reading_snapshot() as session:
            if first not in startable_months(session, self.rules.time_zone, now):
                raise Conflict(NO_START, {"month": str(first)})
            draft = read_start(session, first, self.rules)
        if draft.content_hash != seen:
            raise Conflict(START_CHANGED, {"month": str(first)})
        row: dict[str, Any] = {
            "month": first.previous.number,
            "previous": None,
            "is_first": True,
            "closed_by": by.actor,
            "confirmed_by": "",
            "needs_second": False,
            "request_id": None,
            "closed_at": now,
            "language": by.language,
            "control_totals": draft.control.as_json(),
            "open_items": [],
            "entry_count": len(draft.entries),
            "entries_hash": draft.content_hash,
            "pack_hash": "",
            "closed_elsewhere": True,
        }
        with self._database.writing() as session:
            if last_closed(session) or not insert_new(session, ClosedMonth, [row]):
                raise Conflict(NO_START, {"month": str(first)})
            keep_entries(session, first.previous, draft.entries)
            record(session, "books_started", {"entries_hash": draft.content_hash})

    def _draft(self, month: BookMonth, now: datetime) -> MonthDraft:
        with self._database.reading_snapshot() as session:
            self.check(session, month, now)
            draft = read_draft(session, month, self.rules)
        if blocking(draft.items):
            raise Conflict(BLOCKED, {"month": str(month)})
        return draft

    def check(self, session: Session, month: BookMonth, now: datetime) -> None:
        """Raise Conflict unless the month is over, open, and the next one to close."""
        if closed_month(session, month):
            raise Conflict(ALREADY_CLOSED, {"month": str(month)})
        following = next_to_close(session, self.rules.time_zone)
        if following is None:
            raise Conflict(NOTHING_BOOKED)
        if local_date(now, self.rules.time_zone) <= month.last_day:
            raise Conflict(NOT_OVER, {"month": str(month)})
        if month != following:
            raise Conflict(NOT_NEXT, {"month": str(following)})

    def _write(
        self,
        draft: MonthDraft,
        items: list[OpenItem],
        first: Closer,
        second: _Confirmation | None,
        *,
        now: datetime,
        record: RecordAct,
    ) -> None:
        """Make the pack, and insert the month with its entries and its pack."""
        month = draft.month
        names = [first.name, *([second.by.name] if second else [])]
        facts = {"closed_at": now.isoformat(timespec="seconds"), "closed_by": " + ".join(names)}
        control = control_totals(draft.records, self.rules.chart, facts)
        language = second.by.language if second else first.language
        lead = self._lead(names, now, Localizer(language))
        pack = pack_of(
            draft.records, control, items, self.rules.chart, language=language, lead=lead
        )
        hashes = {
            "entries_hash": hash_of_entries(draft.records.entries),
            "pack_hash": hashlib.sha256(pack).hexdigest(),
        }
        with self._database.writing() as session:
            if second and not second.may_close(session, first.actor):
                raise Conflict(ASKER_MAY_NOT, {"month": str(month)})
            previous = last_closed(session)
            row = {
                "month": month.number,
                "previous": previous.number if previous else None,
                "is_first": previous is None,
                "closed_by": first.actor,
                "confirmed_by": second.by.actor if second else "",
                "needs_second": draft.needs_second,
                "request_id": second.request.id if second else None,
                "closed_at": now,
                "language": language,
                "control_totals": control.as_json(),
                "open_items": [item.stored() for item in items],
                "entry_count": len(draft.records.entries),
                "closed_elsewhere": False,
                **hashes,
            }
            # If another person has just closed the month, its row already exists, and nothing is
            # inserted.
            if (previous and previous != month.previous) or not insert_new(
                session, ClosedMonth, [row]
            ):
                raise Conflict(ALREADY_CLOSED, {"month": str(month)})
            keep_entries(session, month, draft.records.entries)
            session.add(ClosedMonthPack(month=month.number, content=pack))
            record(session, "month_closed", hashes)

    def _lead(self, names: list[str], now: datetime, _: Localizer) -> list[str]:
        at = _.moment(now, self.rules.time_zone)
        if len(names) == 1:
            return [_("Closed by %(name)s on %(at)s.", name=names[0], at=at)]
        values = {"name": names[0], "other": names[1], "at": at}
        return [_("Asked for by %(name)s, confirmed by %(other)s on %(at)s.", **values)]
