"""Saves, renames, replaces and deletes saved views of the gift list. The caller commits."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl

from sqlalchemy import delete, update
from sqlmodel import Session, col

from donate.errors import N_, BadInput, Conflict, NotFound
from donate.finance.gifts.filters import GiftListQuery, read_gift_query
from donate.finance.saved_views.models import SavedView
from donate.finance.saved_views.queries import MOST_VIEWS, own_view, view_named, views_of
from donate.regions.regions import Regions
from donate.storage.bulk_writes import count_changed, insert_new

MOST_IN_A_NAME: Final = 60
MOST_IN_A_QUERY: Final = 4_000
CHANGED_MEANWHILE: Final = N_("This view was changed meanwhile. Here it is as it is now.")


class NameTaken(Conflict):
    """This member of staff already has another view with the same name."""

    def __init__(self, view: SavedView) -> None:
        self.name = view.name
        self.version = view.version
        super().__init__("the name is taken")


def read_view_name(typed: Mapping[str, str]) -> str:
    """Return the typed name for a saved view. Raises BadInput."""
    name = " ".join(typed.get("name", "").split())
    if not name:
        raise BadInput("name", N_("Please enter a name."))
    if len(name) > MOST_IN_A_NAME:
        raise BadInput("name", N_("Please enter at most 60 characters."))
    if not name.isprintable():
        raise BadInput("name", N_("Please enter letters, digits and signs only."))
    return name


def read_view_query(text: str, regions: Regions) -> str:
    """Return the part of a list's query string that a saved view stores.

    Raises BadInput if it has a problem or is empty.
    """
    query: GiftListQuery = read_gift_query(parse_qsl(text[:MOST_IN_A_QUERY]), regions)
    kept = query.link().partition("?")[2]
    if query.problems or not kept or len(kept) > MOST_IN_A_QUERY:
        raise BadInput(
            "query", N_("There is nothing to save. Please filter or sort the list first.")
        )
    return kept


def save_view(
    session: Session, staff_id: int, name: str, query: str, *, replaces: int | None, now: datetime
) -> None:
    """Save a view, or replace the view with this name if its version is `replaces`.

    Nothing changes if the same view is saved again. Raises NameTaken, or BadInput if there are too
    many views.
    """
    row = {"staff_id": staff_id, "name": name, "query": query, "version": 1, "changed_at": now}
    if view_named(session, staff_id, name) is None:
        if len(views_of(session, staff_id)) >= MOST_VIEWS:
            message = N_("You have %(count)s views. Please delete one first.")
            raise BadInput("name", message, {"count": str(MOST_VIEWS)})
        if insert_new(session, SavedView, [row]):
            return
    view = view_named(session, staff_id, name)
    if view and view.query == query:
        return
    if view and view.version == replaces:
        _change(session, view, now, query=query)
        return
    if view is None:
        raise NotFound("the view was deleted meanwhile")
    raise NameTaken(view)


def rename_view(
    session: Session, staff_id: int, number: int, name: str, *, version: int, now: datetime
) -> None:
    """Rename a saved view. Raises NotFound, NameTaken, or Conflict if the view has been changed."""
    view = _unchanged(session, staff_id, number, version, name=name)
    if view is None:
        return
    other = view_named(session, staff_id, name)
    if other and other.id != number:
        raise NameTaken(other)
    _change(session, view, now, name=name)


def delete_view(session: Session, staff_id: int, number: int, *, version: int) -> str:
    """Delete a saved view and return its name.

    Raises NotFound, or Conflict if the view has been changed.
    """
    view = _unchanged(session, staff_id, number, version)
    assert view
    name = view.name
    session.execute(delete(SavedView).where(col(SavedView.id) == view.id))
    return name


def _unchanged(
    session: Session, staff_id: int, number: int, version: int, *, name: str | None = None
) -> SavedView | None:
    """Return the saved view if it still has this version. Raises NotFound, or Conflict.

    Returns None if the view already has the new name.
    """
    view = own_view(session, staff_id, number)
    if view is None:
        raise NotFound("no such view")
    if view.name == name:
        return None
    if view.version != version:
        raise Conflict(CHANGED_MEANWHILE)
    return view


def _change(session: Session, view: SavedView, now: datetime, **values: str) -> None:
    statement = (
        update(SavedView)
        .where(col(SavedView.id) == view.id, col(SavedView.version) == view.version)
        .values(version=view.version + 1, changed_at=now, **values)
    )
    if not count_changed(session, statement):
        raise Conflict(CHANGED_MEANWHILE)
