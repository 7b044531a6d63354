"""The staff page for one batch of offline gifts. Several people can type into it at once."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Request
from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from donate.clock import Clock
from donate.errors import BadInput, BadInputs, Conflict, NotFound
from donate.finance.access import AllowedRequest, Visiting, needs
from donate.finance.offline.batch_form import (
    check_batch,
    check_expected,
    currencies_of,
    typed_expected,
)
from donate.finance.offline.entry_form import (
    KEPT,
    blank_entry,
    entry_form,
    has_form_key,
    read_entry,
    refuse_unconfirmed,
    typed_again,
)
from donate.finance.offline.pages import OFFLINE_HOME, OfflinePages
from donate.finance.offline.words import STATE_NAMES, TypedForm
from donate.finance.roles import Role
from donate.finance.row_numbers import as_number
from donate.finance.staff.accounts import names_of
from donate.gifts.offline.batches import (
    MAX_IN_A_BATCH,
    add_draft,
    close_batch,
    expect,
    lock_batch,
    remove_draft,
    start_batch,
)
from donate.gifts.offline.models import EntryState, OfflineBatch
from donate.gifts.offline.queries import (
    batch_by_number,
    entries_of_batch,
    entry_by_form_key,
    entry_by_number,
    totals_of_batches,
)
from donate.regions.regions import Regions
from donate.storage.database import Database
from donate.web.templating import Pages

NEWEST_SHOWN: Final = 20
_COUNTED: Final = (EntryState.RECORDED, EntryState.UNDONE)


class BatchPages:
    """The page of a batch, and its forms."""

    def __init__(
        self,
        database: Database,
        regions: Regions,
        pages: Pages,
        clock: Clock,
        offline: OfflinePages,
    ) -> None:
        self._database = database
        self._regions = regions
        self._pages = pages
        self._clock = clock
        self._offline = offline

    @needs(Role.FINANCE)
    def batch_started(self, request: Request, visit: Visiting) -> Response:
        """Start a batch."""
        typed, now = visit.form, self._clock.now()
        if not has_form_key(typed):
            return RedirectResponse(OFFLINE_HOME, 303)
        try:
            new = check_batch(self._regions, typed, language=visit.language, now=now)
        except BadInputs as problem:
            return self._offline.show_list(visit, {}, typed, problem.problems)
        with self._database.writing() as session:
            batch, is_new = start_batch(
                session,
                new.name,
                new.day,
                new.expected,
                typed["form_key"],
                actor=visit.signed_in.actor,
                now=now,
            )
            if is_new:
                visit.record(session, "offline_batch_started", now=now, about=batch.name)
        return RedirectResponse(_path(batch.id), 303)

    @needs(Role.VIEWER)
    def batch(self, request: Request, visit: Visiting, number: str) -> Response:
        """Show a batch: its entries, how they differ from the expected totals, and its forms."""
        query = request.query_params
        with self._database.reading() as session:
            _find_batch(session, number)
        typed = blank_entry(self._regions, query)
        return self._show(visit, number, typed, done=query.get("done", ""), query=query)

    @needs(Role.FINANCE)
    def entered(self, request: Request, visit: Visiting, number: str) -> Response:
        """Add an entry to the batch.

        If the search button was pressed, search for a donor instead.
        """
        typed, now = visit.form, self._clock.now()
        if typed.get("step") == "find":
            return self._show(visit, number, typed)

        def add(session: Session, batch: OfflineBatch) -> str:
            if not has_form_key(typed):
                return _path(batch.id)
            entered = read_entry(
                session, self._regions, typed, language=visit.language, now=now, batch=batch
            )
            key = entered.form_key(typed["form_key"])
            if entry_by_form_key(session, key) is None:
                refuse_unconfirmed(session, entered, typed)
            saved = add_draft(
                session, batch.id or 0, entered, key, actor=visit.signed_in.actor, now=now
            )
            kept = {name: typed[name] for name in KEPT if typed.get(name)}
            if not kept.get("donor", "").isalpha():
                kept.pop("donor", None)
            done = "saved" if saved.is_new else "again"
            return f"{_path(batch.id)}?{urlencode({'done': done} | kept)}"

        return self._act(visit, number, add)

    @needs(Role.FINANCE)
    def removed(self, request: Request, visit: Visiting, number: str) -> Response:
        """Remove an entry from the batch, and show the form filled with what it said.

        A removed entry keeps none of these texts, so the page is shown without a redirect.
        """

        def remove(session: Session, batch: OfflineBatch) -> Mapping[str, str]:
            entry_number = as_number(visit.form.get("entry", ""))
            draft = None if entry_number is None else entry_by_number(session, entry_number)
            typed = typed_again(draft, visit.language) if draft else {}
            entry = draft and remove_draft(session, batch.id or 0, draft.id or 0)
            if entry is None:
                raise NotFound("no such entry")
            visit.record(
                session,
                "offline_entry_removed",
                now=self._clock.now(),
                about=batch.name,
                detail={"entry": entry.id},
            )
            return typed

        return self._act(visit, number, remove)

    @needs(Role.FINANCE)
    def expected(self, request: Request, visit: Visiting, number: str) -> Response:
        """Change the expected count and sum of the batch."""

        def change(session: Session, batch: OfflineBatch) -> str:
            numbers = check_expected(self._regions, visit.form, language=visit.language)
            expect(session, batch.id or 0, numbers, version=_version(visit))
            visit.record(
                session,
                "offline_batch_expected",
                now=self._clock.now(),
                about=batch.name,
                detail={currency: list(pair) for currency, pair in numbers.items()},
            )
            return f"{_path(batch.id)}?done=expected"

        return self._act(visit, number, change)

    @needs(Role.FINANCE)
    def closed(self, request: Request, visit: Visiting, number: str) -> Response:
        """Close the batch. Each of its entries becomes a gift."""
        now = self._clock.now()

        def close(session: Session, batch: OfflineBatch) -> str:
            actor = visit.signed_in.actor
            count = close_batch(
                session,
                self._regions,
                batch.id or 0,
                version=_version(visit),
                actor=actor,
                now=now,
            )
            visit.record(
                session,
                "offline_batch_closed",
                now=now,
                about=batch.name,
                detail={"gifts": count},
            )
            return f"{_path(batch.id)}?done=closed"

        return self._act(visit, number, close)

    def _act(
        self,
        visit: AllowedRequest,
        number: str,
        act: Callable[[Session, OfflineBatch], str | Mapping[str, str]],
    ) -> Response:
        """Lock the batch, run `act` and redirect to the address that it returns.

        If it returns values for the form, an entry was removed; show the page with them. If it
        fails, show the page with the problem.
        """
        try:
            with self._database.writing() as session:
                batch = lock_batch(session, _find_batch(session, number).id or 0)
                target = act(session, batch)
        except (BadInput, BadInputs) as problem:
            return self._show(visit, number, visit.form, problems=problem.problems)
        except Conflict as conflict:
            return self._show(visit, number, visit.form, conflict=str(conflict))
        if isinstance(target, str):
            return RedirectResponse(target, 303)
        return self._show(visit, number, target, done="removed")

    def _show(
        self,
        visit: AllowedRequest,
        number: str,
        typed: Mapping[str, str],
        *,
        done: str = "",
        problems: Sequence[BadInput] = (),
        conflict: str = "",
        query: Mapping[str, str] | None = None,
    ) -> Response:
        now, shows_all = self._clock.now(), (query or {}).get("all") == "yes"
        limit = MAX_IN_A_BATCH if shows_all else NEWEST_SHOWN
        with self._database.reading_snapshot() as session:
            batch = _find_batch(session, number)
            batch_id = batch.id or 0
            totals = totals_of_batches(session, [batch_id])[batch_id]
            states = _COUNTED if batch.is_closed else (EntryState.DRAFT,)
            rows = entries_of_batch(session, batch_id, states, limit=limit)
            actors = {batch.started_by, batch.closed_by, *(row.entry.entered_by for row in rows)}
            names = names_of(session, actors)
            form: dict[str, Any] = entry_form(
                session, self._regions, typed, language=visit.language, now=now, problems=problems
            )
        if has_form_key(typed):
            form["form_key"] = typed["form_key"]
        is_expecting = any(problem.field.startswith(("count_", "sum_")) for problem in problems)
        return self._pages.render(
            "finance/offline/batch.html",
            visit.language,
            status_code=409 if conflict else 422 if problems else 200,
            staff=visit.signed_in,
            may_write=visit.signed_in.may(Role.FINANCE) and not batch.is_closed,
            batch=batch,
            totals=totals,
            agrees=bool(rows) and all(total.agrees for total in totals),
            rows=rows,
            entered_in_all=sum(total.entered_count for total in totals),
            names=names,
            done=done,
            conflict=conflict,
            states=STATE_NAMES,
            undone=None,
            currencies=currencies_of(self._regions),
            is_expecting=is_expecting,
            numbers=TypedForm(typed) if is_expecting else typed_expected(totals, visit.language),
            **form,
        )


def _find_batch(session: Session, text: str) -> OfflineBatch:
    number = as_number(text)
    batch = None if number is None else batch_by_number(session, number)
    if batch is None:
        raise NotFound("no such batch")
    return batch


def _version(visit: AllowedRequest) -> int:
    """Return the batch version that the form was made for; 0 if the form does not state one."""
    return as_number(visit.form.get("version", "")) or 0


def _path(batch_id: int | None) -> str:
    return f"{OFFLINE_HOME}/batches/{batch_id}"
