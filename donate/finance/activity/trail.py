"""The trail: what staff did, and which requests were refused. Entries are only added."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlmodel import Session, col, func, select

from donate.finance.models import StaffAct
from donate.money import Money

REFUSED: Final = "refused"
# Maximum number of entries an hour about strangers: at 200 bytes each, this is less than 100 MB a
# year. Further refusals are only in the sums (`refusal_sums.py`).
MAX_STRANGERS_AN_HOUR: Final = 50


def record_act(
    session: Session,
    act: str,
    *,
    now: datetime,
    staff_id: int | None = None,
    about: str = "",
    address: str = "",
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add a trail entry.

    `act` is one of the keys of ACTS (`words.py`). `about` names the subject, such as a gift's
    reference, and `address` is the network address. `staff_id` is None for strangers and for the
    command line.
    """
    session.add(
        StaffAct(
            staff_id=staff_id,
            act=act,
            about=about[:255],
            address=address[:64],
            happened_at=now,
            detail=dict(detail or {}),
        )
    )
    session.flush()


def record_refusal(
    session: Session,
    why: str,
    *,
    now: datetime,
    staff_id: int | None,
    about: str,
    address: str,
    account: str = "",
) -> None:
    """Add a trail entry about a refused request.

    `why` is the reason, `about` the method and the path. `account` is the e-mail address with which
    a stranger tried to sign in, if there is such an account. After MAX_STRANGERS_AN_HOUR entries
    about strangers, no more are added in that hour.
    """
    if staff_id is None:
        count = session.exec(
            select(func.count())
            .select_from(StaffAct)
            .where(
                StaffAct.act == REFUSED,
                col(StaffAct.staff_id).is_(None),
                StaffAct.happened_at > now - timedelta(hours=1),
            )
        ).one()
        if count >= MAX_STRANGERS_AN_HOUR:
            return
    record_act(
        session,
        REFUSED,
        now=now,
        staff_id=staff_id,
        about=about,
        address=address,
        detail={"why": why, **({"account": account} if account else {})},
    )


def amount_detail(amount: Money) -> dict[str, Any]:
    """Return the part of a trail entry's `detail` that states the amount of money."""
    return {"amount_minor": amount.amount_minor, "currency": amount.currency}
