"""Edits donor profiles and adds notes. Earlier values and notes are kept. The caller commits."""

from dataclasses import asdict
from datetime import datetime
from typing import Final

from sqlmodel import Session, col, select

from donate.errors import N_, Conflict, NotFound
from donate.gifts.donor_profiles.assignment import add_name_words
from donate.gifts.donor_profiles.models import DonorEdit, DonorNote, DonorProfile
from donate.gifts.donor_profiles.rules import DonorDetails
from donate.storage.bulk_writes import insert_new

EDITED_SINCE: Final = N_(
    "Someone has just changed this donor, so your changes weren’t saved. Below are the current "
    "values and what you typed."
)
MERGED_SINCE: Final = N_("This donor has just been merged into another one. Nothing was saved.")
CORRECTED_SINCE: Final = N_(
    "Someone has just corrected this note. Yours wasn’t saved; it is in the field “New note” below."
)


def edit_profile(
    session: Session,
    profile_id: int,
    details: DonorDetails,
    *,
    version: int,
    actor: str,
    now: datetime,
) -> list[str]:
    """Change a main profile, and return the names of the fields that changed.

    `version` is the profile's version on the page that the user saw. Raises NotFound, or Conflict
    if somebody else has changed the profile meanwhile. If the profile already has the new values,
    nothing is changed or raised.
    """
    profile = lock_profile(session, profile_id)
    if profile.merged_into_id:
        raise Conflict(MERGED_SINCE)
    changes = {
        field: (str(getattr(profile, field)), value)
        for field, value in asdict(details).items()
        if getattr(profile, field) != value
    }
    if not changes:
        return []
    if profile.version != version:
        raise Conflict(EDITED_SINCE)
    profile.version += 1
    for field, (old, new) in changes.items():
        setattr(profile, field, new)
        session.add(
            DonorEdit(
                profile_id=profile_id,
                version=profile.version,
                field=field,
                old=old,
                new=str(new),
                edited_by=actor,
                edited_at=now,
            )
        )
    session.flush()
    if "name" in changes:
        add_name_words(session, [(profile_id, details.name)])
    return list(changes)


def add_note(
    session: Session,
    profile_id: int,
    text: str,
    *,
    form_key: str,
    corrects: int | None,
    actor: str,
    now: datetime,
) -> bool:
    """Add a note about a donor; return False if the same form has already added it.

    `corrects` is the note that this one corrects. Raises NotFound if that note is about another
    donor, or Conflict if it has been corrected meanwhile.
    """
    lock_profile(session, profile_id)
    if session.exec(select(DonorNote.id).where(DonorNote.form_key == form_key)).first():
        return False
    if corrects is not None:
        _check_correction(session, profile_id, corrects)
    row = {
        "profile_id": profile_id,
        "form_key": form_key,
        "text": text,
        "corrects_id": corrects,
        "written_by": actor,
        "written_at": now,
    }
    return bool(insert_new(session, DonorNote, [row]))


def _check_correction(session: Session, main_id: int, corrects: int) -> None:
    about = select(DonorProfile).join(DonorNote, col(DonorNote.profile_id) == col(DonorProfile.id))
    profile = session.exec(about.where(DonorNote.id == corrects)).first()
    if profile is None or main_id not in (profile.id, profile.merged_into_id):
        raise NotFound("no such note")
    if session.exec(select(DonorNote.id).where(DonorNote.corrects_id == corrects)).first():
        raise Conflict(CORRECTED_SINCE)


def lock_profile(session: Session, profile_id: int) -> DonorProfile:
    """Lock a profile until the commit, and return it. New gifts can still be added to it."""
    statement = (
        select(DonorProfile)
        .where(DonorProfile.id == profile_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    profile = session.exec(statement).first()
    if profile is None:
        raise NotFound("no such donor")
    return profile
