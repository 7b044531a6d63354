"""Merges two donor profiles of the same person, and undoes merges. The caller commits.

A merge is a row of `donor_merge` that points from one profile to another. Each profile's
`merged_into_id` is computed from these rows: it is the main profile at the end of the pointers. A
merge moves no gift and changes none of a profile's own values. So undoing merges, in any order,
restores the earlier state.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, or_, select

from donate.errors import N_, Conflict, NotFound
from donate.gifts.donor_profiles.models import DonorMerge, DonorProfile

CHANGED_SINCE = N_("Someone has just changed one of these donors. Please compare them again.")
ALREADY_MERGED = N_("One of these donors has just been merged with another. Please look again.")


def merge_profiles(
    session: Session,
    profile_id: int,
    into_id: int,
    *,
    versions: tuple[int, int],
    why: str,
    actor: str,
    now: datetime,
) -> DonorMerge | None:
    """Merge a main profile into another; return None if they are merged already.

    `versions` are the versions of both profiles on the page that the user saw. Raises NotFound, or
    Conflict if one of them has changed meanwhile.
    """
    if profile_id == into_id:
        raise NotFound("a donor cannot be merged into itself")
    locked = lock_groups(session, {profile_id, into_id})
    profile, into = locked.get(profile_id), locked.get(into_id)
    if profile is None or into is None:
        raise NotFound("no such donor")
    if profile.merged_into_id == into_id:
        return None
    if profile.merged_into_id or into.merged_into_id:
        raise Conflict(ALREADY_MERGED)
    if (profile.version, into.version) != versions:
        raise Conflict(CHANGED_SINCE)
    merge = DonorMerge(
        profile_id=profile_id, into_id=into_id, why=why, merged_by=actor, merged_at=now
    )
    session.add(merge)
    session.flush()
    members = [number for number, each in locked.items() if each.merged_into_id == profile_id]
    _set_main(session, [profile_id, *members], into_id)
    _new_version(session, (profile_id, into_id))
    return merge


def undo_merge(
    session: Session, merge_id: int, main_id: int, *, actor: str, now: datetime
) -> DonorMerge | None:
    """Undo a merge that is shown on this main profile's page; return None if it is already undone.

    Raises NotFound, or Conflict if the main profile has been merged into another one meanwhile.
    """
    merge = session.get(DonorMerge, merge_id, with_for_update=True)
    if merge is None:
        raise NotFound("no such merge")
    locked = lock_groups(session, {main_id})
    if merge.undone_at:
        if main_id not in (merge.profile_id, merge.into_id):
            raise NotFound("no such merge")
        return None
    if main_id in locked and locked[main_id].merged_into_id:
        raise Conflict(ALREADY_MERGED)
    if merge.profile_id not in locked or merge.profile_id == main_id:
        raise NotFound("no such merge")
    merge.undone_by, merge.undone_at = actor, now
    session.add(merge)
    session.flush()
    below = _profiles_below(session, merge.profile_id)
    if below:
        _set_main(session, below, merge.profile_id)
    _set_main(session, [merge.profile_id], None)
    _new_version(session, {main_id, merge.profile_id})
    return merge


def lock_groups(
    session: Session, ids: Collection[int], *, against_gifts: bool = False
) -> dict[int, DonorProfile]:
    """Lock these profiles and those merged into them, in order of id to avoid deadlocks.

    While they are locked, other transactions can open gifts for them, unless `against_gifts`: then
    such gifts wait for the commit.
    """
    about = or_(col(DonorProfile.id).in_(ids), col(DonorProfile.merged_into_id).in_(ids))
    statement = (
        select(DonorProfile)
        .where(about)
        .order_by(col(DonorProfile.id))
        .with_for_update(key_share=not against_gifts)
        .execution_options(populate_existing=True)
    )
    return {profile.id: profile for profile in session.exec(statement) if profile.id is not None}


def _profiles_below(session: Session, profile_id: int) -> list[int]:
    """Return the profiles that are now merged into this one, directly or through others."""
    found: list[int] = []
    level = [profile_id]
    while level:
        into_these = select(DonorMerge.profile_id).where(
            col(DonorMerge.into_id).in_(level), col(DonorMerge.undone_at).is_(None)
        )
        level = list(session.exec(into_these))
        found += level
    return found


def _set_main(session: Session, ids: Collection[int], main_id: int | None) -> None:
    statement = update(DonorProfile).where(col(DonorProfile.id).in_(ids))
    session.execute(statement.values(merged_into_id=main_id))


def _new_version(session: Session, ids: Collection[int]) -> None:
    statement = update(DonorProfile).where(col(DonorProfile.id).in_(ids))
    session.execute(statement.values(version=DonorProfile.version + 1))
