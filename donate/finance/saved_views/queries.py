"""Reads saved views."""

from collections.abc import Sequence

from sqlmodel import Session, col, select

from donate.finance.saved_views.models import SavedView

MOST_VIEWS = 30


def views_of(session: Session, staff_id: int) -> Sequence[SavedView]:
    """Return the views that a member of staff has saved, sorted by name."""
    own = select(SavedView).where(SavedView.staff_id == staff_id)
    return session.exec(own.order_by(col(SavedView.name)).limit(MOST_VIEWS)).all()


def view_named(session: Session, staff_id: int, name: str) -> SavedView | None:
    """Return the view that a member of staff has saved under this name, or None."""
    own = select(SavedView).where(SavedView.staff_id == staff_id, SavedView.name == name)
    return session.exec(own).one_or_none()


def own_view(session: Session, staff_id: int, number: int) -> SavedView | None:
    """Return the saved view with this id if it belongs to this member of staff, otherwise None."""
    own = select(SavedView).where(SavedView.staff_id == staff_id, SavedView.id == number)
    return session.exec(own).one_or_none()
