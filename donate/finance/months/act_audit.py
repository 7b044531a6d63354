"""Checks that closed months agree with the trail entries about closing them.

The hash chain protects these trail entries.
"""

from collections.abc import Iterator

from sqlmodel import Session, select

from donate.books.months.book_month import BookMonth
from donate.books.months.queries import closed_months
from donate.finance.models import StaffAct


def month_act_differences(session: Session) -> Iterator[str]:
    """Yield a sentence for each closed month whose hashes are in no trail entry about closing it.

    Whoever changes a closed month and its hashes has to change this trail entry too, and that
    breaks the hash chain.
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
