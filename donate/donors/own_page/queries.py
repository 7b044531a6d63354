"""Queries about the gifts of one e-mail address. They only read.

A donor sees only the gifts that were entered with exactly this address. Two kinds of gifts are left
out, because only staff assigned them to the donor:

- The gifts of profiles that staff merged with this one, which have other addresses. If a merge was
  wrong, the donor would see a stranger's gifts and could change their monthly gifts. Also, an old
  address may belong to somebody else now. A donor with two addresses requests a link for each.
- Gifts without an address, such as cheques, that staff entered for this donor.
"""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import String, cast, func
from sqlmodel import Session, col, select

from donate.gifts.donor_profiles.models import DonorProfile
from donate.gifts.donor_profiles.rules import email_key
from donate.gifts.models import Donor, Gift
from donate.gifts.monthly.models import PledgeRow
from donate.gifts.monthly.pledge_copy import PledgeStage
from donate.money import Money

# The day that pages show for a gift.
_DAY: Final = func.coalesce(Gift.received_on, Gift.opened_on)


def profile_of_address(session: Session, email: str) -> DonorProfile | None:
    """Return the donor profile of this e-mail address, even if it was merged into another."""
    key = email_key(email)
    if not key:
        return None
    return session.exec(select(DonorProfile).where(DonorProfile.email_key == key)).one_or_none()


def newest_code(session: Session, profile: DonorProfile) -> str | None:
    """Return the giving code of the newest gift of a profile's address; None without a gift."""
    assert profile.id is not None
    statement = _of_address(select(Gift.code), profile.id)
    newest = statement.order_by(col(Gift.opened_at).desc(), col(Gift.id).desc())
    code: str | None = session.exec(newest.limit(1)).first()
    return code


def gifts_of_address(
    session: Session, profile_id: int, *, limit: int, offset: int = 0
) -> list[Gift]:
    """Return up to `limit` gifts of a profile's address, newest first; leave out the first few.

    `offset` is how many to leave out.
    """
    order = (_DAY.desc(), col(Gift.opened_at).desc(), col(Gift.id).desc())
    statement = _of_address(select(Gift), profile_id)
    return list(session.exec(statement.order_by(*order).limit(limit).offset(offset)))


def pledges_of_address(session: Session, profile_id: int) -> list[tuple[Gift, PledgeRow]]:
    """Return the monthly gifts of a profile's address that have begun, ended ones last.

    Each comes with the gift that began it.
    """
    has_ended = col(PledgeRow.stage) == PledgeStage.ENDED
    statement = (
        _of_address(select(Gift, PledgeRow), profile_id)
        .where(col(Gift.id) == col(PledgeRow.id), col(PledgeRow.stage) != PledgeStage.NOT_BEGUN)
        .order_by(has_ended, col(Gift.opened_at).desc(), col(Gift.id).desc())
    )
    return list(session.exec(statement))


@dataclass(frozen=True, slots=True)
class YearTotal:
    """What was received in a year in one currency, less refunds and disputes."""

    year: int
    net: Money


def year_totals(session: Session, profile_id: int) -> list[YearTotal]:
    """Return the totals of an address's gifts, newest year first. Each gift counts in one year."""
    year = func.substr(cast(_DAY, String), 1, 4)
    statement: Any = _of_address(select(year, Gift.currency, func.sum(Gift.net_minor)), profile_id)
    rows = session.exec(
        statement.group_by(year, col(Gift.currency)).order_by(year.desc(), col(Gift.currency))
    )
    # PostgreSQL sums a BIGINT column as NUMERIC, so convert the sums with int().
    return [YearTotal(int(year), Money(int(net), currency)) for year, currency, net in rows]


def _of_address(statement: Any, profile_id: int) -> Any:
    """Restrict a statement to the gifts that were entered with the address of a profile."""
    has_address = (
        select(Donor.id).where(col(Donor.id) == col(Gift.donor_id), Donor.email != "").exists()
    )
    return statement.where(col(Gift.profile_id) == profile_id, has_address)
