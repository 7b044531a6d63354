"""Checks that closed months agree with the acts of closing them, which the hash chain covers."""

from collections.abc import Iterator

from sqlmodel import Session, select

from donate.books.months.book_month import BookMonth
from donate.books.months.queries import closed_months
from donate.finance.models import StaffAct


def month_act_differences(session: Session) -> Iterator[str]:
    """Yield one line for each closed month whose hashes no act of closing it has.

    Whoever changes a closed month and its hashes has to change this act too, and that breaks the
    chain.
    """
    statement = select(StaffAct).where(StaffAct.act == "month_closed")
    acts = {act.about: act.detail for act in session.exec(statement)}
    for row in reversed(closed_months(session)):
        month = BookMonth(row.month)
        detail = acts.pop(str(month), {})
        hashes = (row.entries_hash, row.pack_hash)
        if (detail.get("entries_hash"), detail.get("pack_hash")) != hashes:
            yield f"month {month}: no act of closing it has its hashes"
    for about in sorted(acts):
        yield f"month {about}: it was closed according to the activity, but it is not there"
