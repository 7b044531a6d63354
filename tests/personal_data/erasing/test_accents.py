"""Names with accents are found in each spelling in which staff may have typed them."""

import pytest
import sqlalchemy as sa
from sqlmodel import select

from donate.finance.activity.trail import record_act
from donate.finance.models import Staff, StaffAct
from donate.finance.saved_views.models import SavedView
from donate.personal_data.erasing.erasing import MOST_IN_A_VIEWS_NAME
from donate.personal_data.erasing.traces import Traces
from donate.storage.database import Database
from tests.finance.finance_site import start_staff_session
from tests.gifts.samples import open_gift_of
from tests.personal_data.erasing.carrying_out import erase
from tests.retention.pruned import record_newest
from tests.stripe_gateway.gifts_and_events import NOW

NAME = "Étienne Côté"


def save_views(database: Database, *views: tuple[str, str]) -> None:
    with database.writing() as session:
        start_staff_session(session, now=NOW)
        staff = session.exec(select(Staff)).one()
        assert staff.id
        for name, query in views:
            view = SavedView(staff_id=staff.id, name=name, query=query, changed_at=NOW)
            session.add(view)


def test_what_staff_typed_goes_in_each_spelling(database: Database) -> None:
    """In an act, and in a view and its name, a name goes with small letters and in capitals."""
    gift = open_gift_of(database, "etienne", name=NAME, email="etienne@example.com")
    save_views(
        database,
        ("Gifts of étienne côté", "q=%C3%A9tienne+c%C3%B4t%C3%A9&mode=card"),
        ("Gifts of ÉTIENNE CÔTÉ", "q=%C3%89TIENNE+C%C3%94T%C3%89"),
        ("Étienne", "q=Estienne+Cote"),
    )
    with database.writing() as session:
        for typed in ("étienne côté", "ÉTIENNE CÔTÉ", NAME, "Étienne Côtés"):
            filters = {"filter": {"q": typed}}
            record_act(session, "exported_gifts", now=NOW, about=f"?q={typed}", detail=filters)
    record_newest(database)
    erase(database, gift)
    with database.reading() as session:
        exported = select(StaffAct).where(StaffAct.act == "exported_gifts")
        acts = [(act.about, act.detail) for act in session.exec(exported.order_by(sa.text("id")))]
        views = session.exec(select(SavedView).order_by(sa.text("id"))).all()
    erased = ("?q=[erased]", {"filter": {"q": "[erased]"}})
    assert acts[:3] == [erased] * 3
    assert acts[3] == ("?q=Étienne Côtés", {"filter": {"q": "Étienne Côtés"}})
    assert [view.query for view in views] == [
        "q=[erased]&mode=card",
        "q=[erased]",
        "q=Estienne+Cote",
    ]
    assert [view.name for view in views] == [
        f"Gifts of [erased] {views[0].id}",
        f"Gifts of [erased] {views[1].id}",
        "Étienne",
    ]
    assert SavedView.__table__.c.name.type.length == MOST_IN_A_VIEWS_NAME  # type: ignore[attr-defined]


@pytest.mark.parametrize("column", ["анна иванова", "q=%d0%b0%d0%bd%d0%bd%d0%b0+"])
def test_names_without_plain_letters_are_looked_for_whole(database: Database, column: str) -> None:
    """A name in another script is looked for as a whole, so that not every row is read."""
    traces = Traces([], ["Анна Иванова"])
    found = sa.select(sa.literal(column)).where(traces.found_in(sa.literal(column)))
    with database.reading() as session:
        rows = session.execute(found).all()
    assert bool(rows) == (column == "анна иванова")
