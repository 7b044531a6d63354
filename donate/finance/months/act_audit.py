"""Checks that closed months agree with the trail entries about closing them.

The hash chain protects these trail entries.
"""

from collections.abc import Iterator

from sqlmodel import Session, select

from donate.books.months.book_month import BookMonth
from donate.books.months.queries import closed_months
from donate.finance.models import StaffAct


def month_act_differences(session: Session) -> Iterator[str]:
    """Yield a sentence for each difference between the closed months and their trail entries.

    The trail entry about closing a month contains the month's hashes. Whoever changes a closed
    month has to change this entry too, and that breaks the hash chain.
    """
    statement = select(StaffAct).where(StaffAct.act == "month_closed")
    acts = {act.about: act.detail for act in session.exec(statement)}
    started = select(StaffAct).where(StaffAct.act == "books_started")
    starts = {act.about: act.detail for act in session.exec(started)}
    for row in reversed(closed_months(session)):
        month = BookMonth(row.month)
        if row.closed_elsewhere:
            detail = starts.pop(str(month.next), {})
        else:
            detail = acts.pop(str(month), {})
        hashes = (row.entries_hash, row.pack_hash)
        if (detail.get("entries_hash"), detail.get("pack_hash", "")) != hashes:
            yield f"month {month}: no act of closing it has its hashes"
    for about in sorted(acts):
        yield f"month {about}: it was closed according to the activity, but it is not there"
    for about in sorted(starts):
        yield f"month {about}: the books started with it according to the activity, but do not"
