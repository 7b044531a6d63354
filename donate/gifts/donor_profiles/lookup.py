"""Finds the donor whom an operator names by a gift's reference or by an e-mail address."""

from typing import Final

from sqlmodel import Session, select

from donate.errors import N_, BadInput
from donate.gifts.donor_profiles.models import DonorProfile
from donate.gifts.donor_profiles.queries import profile_of_gift
from donate.gifts.donor_profiles.rules import email_key
from donate.gifts.queries import gift_by_reference
from donate.references import is_reference, tidy_reference

NO_SUCH_ADDRESS: Final = N_("No donor has this e-mail address. Is it typed as the donor wrote it?")
NO_SUCH_REFERENCE: Final = N_("No gift has this reference.")
NOT_A_DONOR: Final = N_("Please name the donor by an e-mail address or a gift’s reference.")


def find_named_donor(session: Session, typed: str) -> DonorProfile:
    """Return the main profile of the donor with this e-mail address, or of this gift.

    The whole address is compared, so no other donor is found by mistake. Raises BadInput.
    """
    typed = typed.strip()
    if "@" in typed:
        named = select(DonorProfile).where(DonorProfile.email_key == email_key(typed))
        profile = session.exec(named).one_or_none()
        if profile is None:
            raise BadInput("donor", NO_SUCH_ADDRESS)
        return session.get_one(DonorProfile, profile.merged_into_id or profile.id)
    reference = tidy_reference(typed)
    if not is_reference(reference):
        raise BadInput("donor", NOT_A_DONOR)
    gift = gift_by_reference(session, reference)
    if gift is None:
        raise BadInput("donor", NO_SUCH_REFERENCE)
    return profile_of_gift(session, gift)
