"""The staff page that lists offline gifts, and the form for entering a single one."""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

from fastapi import Request
from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from donate.clock import Clock, local_date
from donate.errors import BadInput, BadInputs, Conflict, NotFound
from donate.finance.access import AllowedRequest, Visiting, needs
from donate.finance.offline.batch_form import batch_form
from donate.finance.offline.entry_form import (
    blank_entry,
    entry_form,
    found_donors,
    has_form_key,
    read_entry,
    refuse_unconfirmed,
    typed_again,
)
from donate.finance.offline.words import STATE_NAMES, TypedForm
from donate.finance.roles import Role
from donate.finance.row_numbers import as_number
from donate.gifts.models import Gift
from donate.gifts.offline.batches import record_one
from donate.gifts.offline.models import EntryState, OfflineEntry
from donate.gifts.offline.queries import (
    entry_by_form_key,
    entry_by_number,
    newest_entries,
    open_batches,
    totals_of_batches,
)
from donate.regions.regions import Regions
from donate.storage.database import Database
from donate.web.templating import Pages

OFFLINE_HOME: Final = "/finance/offline"
ENTRIES_ON_A_PAGE: Final = 50
BATCHES_SHOWN: Final = 50


class OfflinePages:
    """The list of offline gifts, and the form for one gift."""

    def __init__(self, database: Database, regions: Regions, pages: Pages, clock: Clock) -> None:
        self._database = database
        self._regions = regions
        self._pages = pages
        self._clock = clock

    @needs(Role.VIEWER)
    def offline(self, request: Request, visit: Visiting) -> Response:
        """Show the open batches, the newest offline gifts, and the form that starts a batch."""
        return self.show_list(visit, request.query_params)

    def show_list(
        self,
        visit: AllowedRequest,
        query: Mapping[str, str],
        typed: Mapping[str, str] | None = None,
        problems: Sequence[BadInput] = (),
    ) -> Response:
        """Render the list. If the form that starts a batch has a problem, show the problem."""
        before = as_number(query.get("before", ""))
        with self._database.reading() as session:
            rows = newest_entries(session, limit=ENTRIES_ON_A_PAGE + 1, before=before)
            batches = open_batches(session, limit=BATCHES_SHOWN)
            totals = totals_of_batches(session, [batch.id or 0 for batch in batches])
            saved = _entry_in(session, query.get("saved", ""))
            reference = _reference(session, saved) if saved else ""
        has_older, rows = len(rows) > ENTRIES_ON_A_PAGE, rows[:ENTRIES_ON_A_PAGE]
        time_zone = next(iter(self._regions.values())).time_zone
        return self._pages.render(
            "finance/offline/list.html",
            visit.language,
            status_code=422 if problems else 200,
            staff=visit.signed_in,
            may_write=visit.signed_in.may(Role.FINANCE),
            rows=rows,
            older=f"{OFFLINE_HOME}?before={rows[-1].entry.id}" if has_older else None,
            is_first_page=before is None,
            batches=batches,
            totals=totals,
            saved=saved,
            reference=reference,
            again=query.get("again") == "yes",
            states=STATE_NAMES,
            starting=batch_form(
                self._regions,
                typed,
                problems,
                today=local_date(self._clock.now(), time_zone),
            ),
        )

    @needs(Role.FINANCE)
    def new(self, request: Request, visit: Visiting) -> Response:
        """Show the form for one gift.

        If the link names an undone entry in `corrects`, fill the form with its values.
        """
        query = request.query_params
        with self._database.reading() as session:
            undone = _entry_in(session, query.get("corrects", ""))
            if undone is None or undone.state is not EntryState.UNDONE:
                return self._form(visit, session, blank_entry(self._regions, query))
            values = typed_again(undone, visit.language) | {"corrects": str(undone.id)}
            return self._form(visit, session, values)

    @needs(Role.FINANCE)
    def saved(self, request: Request, visit: Visiting) -> Response:
        """Record one gift. If the search button was pressed, search for a donor instead."""
        typed, now = visit.form, self._clock.now()
        if not has_form_key(typed):
            return RedirectResponse(f"{OFFLINE_HOME}/new", 303)
        if typed.get("step") == "find":
            with self._database.reading() as session:
                return self._form(visit, session, typed)
        actor = visit.signed_in.actor
        try:
            with self._database.writing() as session:
                entered = read_entry(
                    session, self._regions, typed, language=visit.language, now=now
                )
                corrects = _undone_entry(session, typed.get("corrects", ""))
                key = entered.form_key(typed["form_key"])
                if entry_by_form_key(session, key) is None:
                    refuse_unconfirmed(session, entered, typed)
                saved = record_one(
                    session, self._regions, entered, key, actor=actor, now=now, corrects=corrects
                )
                if saved.is_new:
                    reference = _reference(session, saved.entry)
                    visit.record(session, "offline_gift_recorded", now=now, about=reference)
        except (BadInput, BadInputs) as problem:
            with self._database.reading() as session:
                return self._form(visit, session, typed, problems=problem.problems)
        except Conflict as conflict:
            with self._database.reading() as session:
                return self._form(visit, session, typed, conflict=str(conflict))
        query = {"saved": str(saved.entry.id)} | ({} if saved.is_new else {"again": "yes"})
        return RedirectResponse(f"{OFFLINE_HOME}?{urlencode(query)}", 303)

    @needs(Role.FINANCE)
    def donors(self, request: Request, visit: Visiting) -> Response:
        """Return the part of the form that lists the donors who match the typed text."""
        typed = {"find": request.query_params.get("find", "")}
        with self._database.reading() as session:
            found = found_donors(session, typed)
        return self._pages.render(
            "finance/offline/donors.html",
            visit.language,
            staff=None,
            found=found,
            typed=TypedForm(typed),
        )

    def _form(
        self,
        visit: AllowedRequest,
        session: Session,
        typed: Mapping[str, str],
        *,
        problems: Sequence[BadInput] = (),
        conflict: str = "",
    ) -> Response:
        undone = _entry_in(session, typed.get("corrects", ""))
        form = entry_form(
            session,
            self._regions,
            typed,
            language=visit.language,
            now=self._clock.now(),
            problems=problems,
        )
        if has_form_key(typed):  # keep the key of a form that was sent
            form["form_key"] = typed["form_key"]
        return self._pages.render(
            "finance/offline/new.html",
            visit.language,
            status_code=409 if conflict else 422 if problems else 200,
            staff=visit.signed_in,
            batch=None,
            undone=undone,
            conflict=conflict,
            **form,
        )


def entry_or_404(session: Session, text: str, *, lock: bool = False) -> OfflineEntry:
    """Return the entry with this number. Raises NotFound if there is none."""
    number = as_number(text)
    entry = None if number is None else entry_by_number(session, number, lock=lock)
    if entry is None:
        raise NotFound("no such entry")
    return entry


def _entry_in(session: Session, text: str) -> OfflineEntry | None:
    number = as_number(text)
    return None if number is None else entry_by_number(session, number)


def _undone_entry(session: Session, text: str) -> OfflineEntry | None:
    """Return the undone entry that the form replaces; None if it does not replace one."""
    entry = _entry_in(session, text)
    return entry if entry and entry.state is EntryState.UNDONE else None


def _reference(session: Session, entry: OfflineEntry) -> str:
    return session.get_one(Gift, entry.gift_id).reference if entry.gift_id else ""
