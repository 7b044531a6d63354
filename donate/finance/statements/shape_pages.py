"""The staff page that lists the formats of CSV files whose columns staff have mapped."""

from collections.abc import Mapping

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from donate.bank.learned_shapes.queries import learned_shapes
from donate.bank.learned_shapes.recorder import forget_shape, rename_shape
from donate.clock import Clock
from donate.errors import BadInput, NotFound
from donate.finance.access import AllowedRequest, Visiting, needs
from donate.finance.roles import Role
from donate.finance.row_numbers import as_number
from donate.finance.staff.accounts import names_of
from donate.finance.statements.words import DONE, STATEMENTS
from donate.storage.database import Database
from donate.web.templating import Pages


class ShapePages:
    """The list of learned CSV formats ("shapes"), and the forms that rename and forget one."""

    def __init__(self, database: Database, pages: Pages, clock: Clock, time_zone: str) -> None:
        self._database = database
        self._pages = pages
        self._clock = clock
        self._time_zone = time_zone

    @needs(Role.VIEWER)
    def shapes(self, request: Request, visit: Visiting) -> Response:
        """Show the formats that staff have mapped: by whom, and when."""
        return self._show(visit, request.query_params)

    @needs(Role.FINANCE)
    def renamed(self, request: Request, visit: Visiting, number: str) -> Response:
        """Rename a learned format."""
        shape_id, now = _number(number), self._clock.now()
        try:
            with self._database.writing() as session:
                row = rename_shape(session, shape_id, visit.form.get("title", ""))
                visit.record(session, "shape_renamed", now=now, about=row.title)
        except BadInput as problem:
            return self._show(visit, {}, {number: problem})
        return RedirectResponse(f"{STATEMENTS}/shapes?done=renamed", 303)

    @needs(Role.FINANCE)
    def forgotten(self, request: Request, visit: Visiting, number: str) -> Response:
        """Forget a learned format. Lines that were imported with it are kept."""
        shape_id, now = _number(number), self._clock.now()
        with self._database.writing() as session:
            row = forget_shape(session, shape_id, actor=visit.signed_in.actor, now=now)
            visit.record(session, "shape_forgotten", now=now, about=row.title)
        return RedirectResponse(f"{STATEMENTS}/shapes?done=forgotten", 303)

    def _show(
        self,
        visit: AllowedRequest,
        query: Mapping[str, str],
        problems: Mapping[str, BadInput] | None = None,
    ) -> Response:
        with self._database.reading() as session:
            rows = learned_shapes(session)
            names = names_of(session, {row.learned_by for row in rows})
        return self._pages.render(
            "finance/statements/shapes.html",
            visit.language,
            status_code=422 if problems else 200,
            staff=visit.signed_in,
            may_write=visit.signed_in.may(Role.FINANCE),
            rows=rows,
            names=names,
            problems=problems or {},
            typed=dict(visit.form),
            done=DONE.get(query.get("done", ""), ""),
            time_zone=self._time_zone,
        )


def _number(number: str) -> int:
    found = as_number(number)
    if found is None:
        raise NotFound("no such learned shape")
    return found
