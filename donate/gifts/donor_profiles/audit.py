"""Checks that each gift has its address's profile, and that merges agree. It only reads."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import func
from sqlmodel import Session, col, or_, select

from donate.gifts.donor_profiles.models import DonorMerge, DonorProfile
from donate.gifts.donor_profiles.rules import email_key
from donate.gifts.models import Donor, Gift
from donate.gifts.movements.models import GiftMovement

_GIFTS_AT_A_TIME: Final = 1_000
_MOST_MERGES_DEEP: Final = 1_000


def profile_differences(session: Session) -> Iterator[str]:
    """Yield one line for each gift that has a wrong profile, or whose movements have one."""
    all_gifts = (
        select(Gift.reference, Donor.email, DonorProfile.email_key)
        .join(Donor, col(Donor.id) == col(Gift.donor_id))
        .join(DonorProfile, col(DonorProfile.id) == col(Gift.profile_id), isouter=True)
        .order_by(col(Gift.id))
    )
    options = {"yield_per": _GIFTS_AT_A_TIME}
    with session.execute(all_gifts, execution_options=options) as found:
        for reference, email, stored_key in found:
            key = email_key(email)
            if stored_key is None:
                yield f"{reference}: has no donor profile"
            elif key and key != stored_key:
                yield f"{reference}: its donor profile has another e-mail address"
    strays = (
        select(Gift.reference)
        .distinct()
        .join(GiftMovement, col(GiftMovement.gift_id) == col(Gift.id))
        .where(
            or_(
                col(GiftMovement.profile_id).is_distinct_from(col(Gift.profile_id)),
                col(GiftMovement.fund) != col(Gift.fund),
            )
        )
        .order_by(Gift.reference)
    )
    for reference in session.exec(strays):
        yield f"{reference}: a movement has another donor profile or fund than its gift"


def merge_differences(session: Session) -> Iterator[str]:
    """Yield one line for each profile whose stored main profile contradicts its merges."""
    in_force = select(DonorMerge.profile_id, DonorMerge.into_id).where(
        col(DonorMerge.undone_at).is_(None)
    )
    into = dict(session.execute(in_force).all())
    merged = select(DonorProfile.id, DonorProfile.merged_into_id).where(
        col(DonorProfile.merged_into_id).is_not(None)
    )
    stored = dict(session.execute(merged).all())
    for profile_id in sorted(into.keys() | stored.keys()):
        main, steps = profile_id, 0
        while main in into and steps < _MOST_MERGES_DEEP:
            main, steps = into[main], steps + 1
        expected = None if main == profile_id else main
        if stored.get(profile_id) != expected:
            yield (
                f"donor {profile_id}: is merged into {stored.get(profile_id)}, "
                f"but its merges lead to {expected}"
            )
    repeated = (
        select(DonorProfile.email_key)
        .where(DonorProfile.email_key != "")
        .group_by(DonorProfile.email_key)
        .having(func.count() > 1)
    )
    count = len(session.exec(repeated).all())
    if count:
        yield f"{count} e-mail addresses have more than one donor profile"
