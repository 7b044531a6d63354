"""The staff page for saved views, and the forms that save, rename and delete a view."""

from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from donate.clock import Clock
from donate.errors import BadInput, Conflict, NotFound
from donate.finance.access import AllowedRequest, Visiting, needs
from donate.finance.gifts.filters import GIFTS
from donate.finance.roles import Role
from donate.finance.row_numbers import as_number
from donate.finance.saved_views.changes import (
    CHANGED_MEANWHILE,
    NameTaken,
    delete_view,
    read_view_name,
    read_view_query,
    rename_view,
    save_view,
)
from donate.finance.saved_views.queries import views_of
from donate.regions.regions import Regions
from donate.storage.database import Database
from donate.web.templating import Pages

VIEWS = "/finance/views"
_GONE = "gone"

ViewChange = Callable[[Session, datetime], str]
"""A function that changes a saved view, and returns the view's name for the trail."""


class SavedViewPages:
    """The views of the gift list that a member of staff has saved."""

    def __init__(self, database: Database, pages: Pages, clock: Clock, regions: Regions) -> None:
        self._database = database
        self._pages = pages
        self._clock = clock
        self._regions = regions

    def add_routes(self, router: APIRouter) -> None:
        """Add the route of each page."""
        for method, path, answer in (
            ("GET", "/views", self.views),
            ("POST", "/views/saved", self.saved),
            ("POST", "/views/renamed", self.renamed),
            ("POST", "/views/deleted", self.deleted),
        ):
            router.add_api_route(path, answer, methods=[method])

    @needs(Role.VIEWER)
    def views(self, request: Request, visit: Visiting) -> Response:
        """Show the saved views, each with a form to rename it and a form to delete it."""
        return self._show(visit, done=request.query_params.get("done", ""))

    @needs(Role.VIEWER)
    def saved(self, visit: Visiting) -> Response:
        """Save a view. If the person chose to, replace their view with the same name."""
        form, staff_id = visit.form, visit.signed_in.staff_id
        try:
            query = read_view_query(form.get("query", ""), self._regions)
            name = read_view_name(form)
        except BadInput as problem:
            return self._show(visit, problem=problem)

        def save(session: Session, now: datetime) -> str:
            replaces = as_number(form.get("replaces", ""))
            save_view(session, staff_id, name, query, replaces=replaces, now=now)
            return name

        return self._do(visit, "saved_view", save, then=f"{GIFTS}?{query}")

    @needs(Role.VIEWER)
    def renamed(self, visit: Visiting) -> Response:
        """Rename a saved view."""
        number, version = as_number(visit.form.get("view", "")), _version(visit)
        if number is None:
            return _to_views(_GONE)
        try:
            name = read_view_name(visit.form)
        except BadInput as problem:
            return self._show(visit, problem=problem, of_view=number)

        def rename(session: Session, now: datetime) -> str:
            staff_id = visit.signed_in.staff_id
            rename_view(session, staff_id, number, name, version=version, now=now)
            return name

        return self._do(visit, "renamed_view", rename, then=VIEWS, of_view=number)

    @needs(Role.VIEWER)
    def deleted(self, visit: Visiting) -> Response:
        """Delete a saved view."""
        number, version = as_number(visit.form.get("view", "")), _version(visit)
        if number is None:
            return _to_views(_GONE)

        def remove(session: Session, _now: datetime) -> str:
            return delete_view(session, visit.signed_in.staff_id, number, version=version)

        return self._do(visit, "deleted_view", remove, then=f"{VIEWS}?done=deleted")

    def _do(
        self,
        visit: AllowedRequest,
        act: str,
        change: ViewChange,
        *,
        then: str,
        of_view: int = 0,
    ) -> Response:
        """Make a change, add a trail entry with the key `act`, and redirect to the URL `then`.

        If there is a problem, show the saved views with the problem. `of_view` is the id of the
        view that it is about; 0 if the change is not about an existing view.
        """
        now = self._clock.now()
        try:
            with self._database.writing() as session:
                name = change(session, now)
                visit.record(session, act, now=now, about=name)
        except NotFound:
            return _to_views(_GONE)
        except BadInput as problem:
            return self._show(visit, problem=problem, of_view=of_view)
        except Conflict as conflict:
            return self._show(visit, conflict=conflict, of_view=of_view)
        return RedirectResponse(then, 303)

    def _show(
        self,
        visit: AllowedRequest,
        *,
        done: str = "",
        problem: BadInput | None = None,
        conflict: Conflict | None = None,
        of_view: int = 0,
    ) -> Response:
        with self._database.reading() as session:
            views = views_of(session, visit.signed_in.staff_id)
        taken = conflict if isinstance(conflict, NameTaken) else None
        return self._pages.render(
            "finance/saved_views.html",
            visit.language,
            status_code=409 if conflict else 422 if problem else 200,
            staff=visit.signed_in,
            views=views,
            done=done,
            typed=visit.form if problem or conflict else {},
            problems={problem.field: problem} if problem else {},
            conflict=CHANGED_MEANWHILE if conflict and not taken else "",
            taken=taken,
            of_view=of_view,
        )


def _to_views(done: str) -> Response:
    return RedirectResponse(f"{VIEWS}?done={done}", 303)


def _version(visit: AllowedRequest) -> int:
    return as_number(visit.form.get("version", "")) or 0
