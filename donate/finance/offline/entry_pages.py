"""The staff page of one offline gift after it was recorded, with the form that undoes it."""

from collections.abc import Mapping, Sequence

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from donate.clock import Clock, local_date
from donate.errors import BadInput, BadInputs, Conflict
from donate.finance.access import AllowedRequest, Visiting, needs
from donate.finance.offline.pages import OFFLINE_HOME, entry_or_404
from donate.finance.offline.undoing import (
    UNDO_REASONS,
    check_undoing,
    undo_entry,
)
from donate.finance.offline.words import STATE_NAMES, TypedForm
from donate.finance.roles import Role
from donate.finance.staff.accounts import names_of
from donate.gifts.facts import FactKind
from donate.gifts.models import Gift
from donate.gifts.offline.batches import ENTRY_GONE
from donate.gifts.offline.queries import batch_by_number, corrected_by, entry_by_number
from donate.gifts.queries import facts_of
from donate.storage.database import Database
from donate.web.templating import Pages


class EntryPages:
    """The page of one offline gift, and the form that undoes it."""

    def __init__(self, database: Database, pages: Pages, clock: Clock) -> None:
        self._database = database
        self._pages = pages
        self._clock = clock

    @needs(Role.VIEWER)
    def entry(self, request: Request, visit: Visiting, number: str) -> Response:
        """Show the page of one offline gift."""
        return self._show(visit, number, {}, done=request.query_params.get("done", ""))

    @needs(Role.FINANCE)
    def undone(self, request: Request, visit: Visiting, number: str) -> Response:
        """Undo an offline gift. If requested, then open the form to enter the gift again."""
        now = self._clock.now()
        try:
            with self._database.writing() as session:
                entry = entry_or_404(session, number, lock=True)
                if entry.gift_id is None:
                    raise Conflict(ENTRY_GONE)
                gift = session.get_one(Gift, entry.gift_id)
                undoing = check_undoing(entry, gift, visit.form, now=now)
                undo_entry(session, entry, gift, undoing, actor=visit.signed_in.actor, now=now)
                visit.record(
                    session,
                    "offline_gift_undone",
                    now=now,
                    about=gift.reference,
                    detail={"reason": undoing.written},
                )
        except (BadInput, BadInputs) as problem:
            return self._show(visit, number, visit.form, problems=problem.problems)
        except Conflict as conflict:
            return self._show(visit, number, visit.form, conflict=str(conflict))
        if visit.form.get("then") == "again":
            return RedirectResponse(f"{OFFLINE_HOME}/new?corrects={entry.id}", 303)
        return RedirectResponse(f"{OFFLINE_HOME}/entries/{entry.id}?done=undone", 303)

    def _show(
        self,
        visit: AllowedRequest,
        number: str,
        typed: Mapping[str, str],
        *,
        done: str = "",
        problems: Sequence[BadInput] = (),
        conflict: str = "",
    ) -> Response:
        with self._database.reading() as session:
            entry = entry_or_404(session, number)
            gift = session.get(Gift, entry.gift_id) if entry.gift_id else None
            facts = facts_of(session, gift.id) if gift else []
            undone = next((f for f in facts if f.kind == FactKind.TRANSFER_UNDONE), None)
            batch = batch_by_number(session, entry.batch_id) if entry.batch_id else None
            before = entry_by_number(session, entry.corrects_id) if entry.corrects_id else None
            after = corrected_by(session, entry)
            names = names_of(session, {entry.entered_by, *([undone.actor] if undone else [])})
        today = local_date(self._clock.now(), gift.time_zone) if gift else None
        return self._pages.render(
            "finance/offline/entry.html",
            visit.language,
            status_code=409 if conflict else 422 if problems else 200,
            staff=visit.signed_in,
            may_write=visit.signed_in.may(Role.FINANCE),
            entry=entry,
            gift=gift,
            undone=undone,
            undone_why=undone.as_fact().reason.partition(": ") if undone else None,
            undone_on=local_date(undone.happened_at, gift.time_zone) if undone and gift else None,
            batch=batch,
            before=before,
            after=after,
            names=names,
            today=today.isoformat() if today else "",
            reasons=UNDO_REASONS,
            states=STATE_NAMES,
            typed=TypedForm(typed),
            problems={problem.field: problem for problem in problems},
            conflict=conflict,
            done=done,
        )
