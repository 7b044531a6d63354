"""Says which profiles, gifts and addresses an export is about."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session, col, select

from donate.gifts.donor_profiles.models import DonorProfile
from donate.gifts.donor_profiles.queries import group_ids, members_of
from donate.gifts.models import Donor, Gift


@dataclass(frozen=True, slots=True)
class DonorScope:
    """The profiles and gifts of a donor, and the e-mail addresses in lower case.

    `is_for_donor` is true if the donor downloads the export, without staff looking at it first.
    """

    profile_ids: Sequence[int]
    gift_ids: Sequence[UUID]
    addresses: Sequence[str]
    is_for_donor: bool


def scope_for_staff(session: Session, main: DonorProfile) -> DonorScope:
    """Return everything about a donor: of this main profile and of those merged into it."""
    members = members_of(session, main)
    ids = group_ids(main, members)
    gifts = session.exec(select(Gift.id).where(col(Gift.profile_id).in_(ids)))
    addresses = [each.email_key for each in (main, *members) if each.email_key]
    return DonorScope(ids, list(gifts), addresses, is_for_donor=False)


def scope_for_donor(session: Session, profile: DonorProfile) -> DonorScope:
    """Return what belongs to the e-mail address of a profile, as the donor's own page shows it.

    Profiles that staff merged, and gifts that staff entered without an address, are left out: if
    staff made a mistake, they are somebody else's.
    """
    assert profile.id is not None
    gifts = session.exec(
        select(Gift.id)
        .join(Donor, col(Donor.id) == col(Gift.donor_id))
        .where(Gift.profile_id == profile.id, Donor.email != "")
    )
    return DonorScope([profile.id], list(gifts), [profile.email_key], is_for_donor=True)
