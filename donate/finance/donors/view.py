"""Reads everything that a donor's page shows."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Final

from babel import Locale
from sqlmodel import Session

from donate.errors import NotFound
from donate.finance.donors.queries import letters_by_gift
from donate.finance.donors.words import DONOR_FIELDS, DONOR_KINDS
from donate.finance.gifts.pledges import pledge_details
from donate.finance.staff.accounts import names_of
from donate.finance.words import LETTERS, actor_name, letter_status, letter_time
from donate.gifts.donor_profiles.models import DonorEdit, DonorMerge, DonorNote, DonorProfile
from donate.gifts.donor_profiles.queries import (
    edits_of,
    gifts_of_donor,
    group_ids,
    members_of,
    merges_of,
    notes_of,
    pledges_of_donor,
    profile_by_id,
    received_gifts,
    totals_of_donor,
)
from donate.gifts.donor_profiles.rules import DETAIL_FIELDS, LANGUAGES_OF_DONORS
from donate.gifts.listing.orders import Position, write_position
from donate.gifts.models import Donor, Gift
from donate.gifts.queries import accounts_to_confirm
from donate.letters.models import Letter
from donate.regions.regions import Regions, countries
from donate.web.templating import translate

GIFTS_OF_A_DONOR: Final = 25
EDITS_SHOWN: Final = 50
NOTES_SHOWN: Final = 100
MERGES_SHOWN: Final = 20
PLEDGES_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class DonorGiftRow:
    """A gift in a donor's history, the donor details typed for it, and its e-mails."""

    gift: Gift
    typed: Donor
    letters: list[tuple[str, Letter]]


@dataclass(frozen=True, slots=True)
class NoteRow:
    """A note about a donor, and the later note that corrects it, if there is one."""

    note: DonorNote
    by: str
    corrected_by: DonorNote | None


@dataclass(frozen=True, slots=True)
class MergeRow:
    """A merge that involves this donor, with both profiles."""

    merge: DonorMerge
    profile: DonorProfile
    into: DonorProfile
    by: str
    undone_by: str
    may_be_undone: bool


@dataclass(frozen=True, slots=True)
class EditRow:
    """A change of one field of a donor's profile, as text for the page."""

    edit: DonorEdit
    field: str
    old: str
    new: str
    by: str


def profile_number(text: str) -> int | None:
    """Return the profile id that a URL or a form contains; None if the text is not an id."""
    return int(text) if re.fullmatch("[1-9][0-9]{0,16}", text) else None


def find_profile(session: Session, number: str) -> DonorProfile:
    """Return the profile whose id is in a URL. Raises NotFound."""
    profile_id = profile_number(number)
    profile = profile_by_id(session, profile_id) if profile_id else None
    if profile is None:
        raise NotFound("no such donor")
    return profile


def donor_view(
    session: Session,
    donor: DonorProfile,
    *,
    language: str,
    regions: Regions,
    after: Position | None,
) -> dict[str, Any]:
    """Return everything that the page of a main profile shows, apart from its forms.

    `after` is the position of the last gift on the page before; None for the first page.
    """
    members = members_of(session, donor)
    ids = group_ids(donor, members)
    # Fetch one more gift than fits on a page, to find out whether there is another page.
    gifts = gifts_of_donor(session, ids, limit=GIFTS_OF_A_DONOR + 1, after=after)
    rows, latest = gifts[:GIFTS_OF_A_DONOR], gifts[0] if gifts and not after else None
    last = rows[-1].gift if rows else None
    letters = letters_by_gift(session, [row.gift.id for row in rows])
    pledges = pledges_of_donor(session, ids, limit=PLEDGES_SHOWN)
    edits = edits_of(session, ids[0], limit=EDITS_SHOWN)
    notes = notes_of(session, ids, limit=NOTES_SHOWN)
    merges = merges_of(session, ids, limit=MERGES_SHOWN)
    names = _staff_names(session, edits, notes, merges)
    return {
        "donor": donor,
        "members": members,
        "totals": totals_of_donor(session, ids),
        "received": received_gifts(session, ids),
        "rows": [
            DonorGiftRow(
                row.gift,
                row.typed,
                [(LETTERS[one.kind], one) for one in letters.get(row.gift.id, [])],
            )
            for row in rows
        ],
        "to_confirm": accounts_to_confirm(session, [*(row.gift for row in rows), *pledges]),
        "latest": latest,
        "older": write_position((last.opened_at, last.id))
        if last and len(gifts) > GIFTS_OF_A_DONOR
        else "",
        "is_first_page": after is None,
        "pledges": [(gift, pledge_details(session, gift, language)) for gift in pledges],
        "edits": _edit_rows(edits, names, language),
        "notes": _note_rows(notes, names, language),
        "merges": _merge_rows(session, merges, names, donor, members, language=language),
        "funds": fund_names(regions, language),
        "letter_status": partial(letter_status, language=language),
        "letter_time": letter_time,
    }


def _staff_names(
    session: Session,
    edits: Sequence[DonorEdit],
    notes: Sequence[DonorNote],
    merges: Sequence[DonorMerge],
) -> dict[str, str]:
    actors = {edit.edited_by for edit in edits} | {note.written_by for note in notes}
    actors |= {actor for merge in merges for actor in (merge.merged_by, merge.undone_by)}
    return names_of(session, actors)


def _edit_rows(
    edits: Sequence[DonorEdit], names: Mapping[str, str], language: str
) -> list[EditRow]:
    return [
        EditRow(
            edit,
            DONOR_FIELDS[edit.field],
            in_words(edit.field, edit.old, language),
            in_words(edit.field, edit.new, language),
            actor_name(edit.edited_by, names, language),
        )
        for edit in edits
    ]


def _note_rows(
    notes: Sequence[DonorNote], names: Mapping[str, str], language: str
) -> list[NoteRow]:
    corrections = {note.corrects_id: note for note in notes if note.corrects_id}
    return [
        NoteRow(note, actor_name(note.written_by, names, language), corrections.get(note.id or 0))
        for note in notes
    ]


def _merge_rows(
    session: Session,
    merges: Sequence[DonorMerge],
    names: Mapping[str, str],
    donor: DonorProfile,
    members: Sequence[DonorProfile],
    *,
    language: str,
) -> list[MergeRow]:
    here = {member.id for member in members}
    profiles = {profile.id: profile for profile in (donor, *members)}

    def profile(profile_id: int) -> DonorProfile:
        found = profiles.get(profile_id) or profile_by_id(session, profile_id)
        assert found is not None
        return found

    return [
        MergeRow(
            merge,
            profile(merge.profile_id),
            profile(merge.into_id),
            actor_name(merge.merged_by, names, language),
            actor_name(merge.undone_by, names, language),
            may_be_undone=merge.undone_at is None and merge.profile_id in here,
        )
        for merge in merges
    ]


def in_words(field: str, value: str, language: str) -> str:
    """Return the stored value of a profile's field as a text for people."""
    if field == "kind":
        return translate(language, {str(kind): name for kind, name in DONOR_KINDS.items()}[value])
    if field == "country":
        return str(Locale.parse(language, sep="-").territories.get(value, value))
    return language_name(value, language) if field == "language" and value else value


def language_name(tag: str, language: str) -> str:
    """Return the name of the language `tag` in `language`."""
    name = Locale.parse(tag, sep="-").get_display_name(language.replace("-", "_"))
    return name or tag


def fund_names(regions: Regions, language: str) -> dict[str, str]:
    """Return the names of all funds of all regions."""
    return {
        key: text.in_language(language)
        for region in regions.values()
        for key, text in region.funds.items()
    }


@cache
def all_countries(language: str) -> list[tuple[str, str]]:
    """Return each country's code and name.

    Canada comes first, then the others, sorted by name without accents.
    """
    names = Locale.parse(language, sep="-").territories

    def sort_key(code: str) -> tuple[bool, str]:
        plain = unicodedata.normalize("NFD", names.get(code, code))
        return code != "CA", "".join(c for c in plain if not unicodedata.combining(c)).casefold()

    return [(code, names.get(code, code)) for code in sorted(countries(), key=sort_key)]


def edit_choices(donor: DonorProfile, language: str) -> dict[str, list[tuple[str, str]]]:
    """Return the values and names of the options for each field with a drop-down list."""
    tags = list(dict.fromkeys((*LANGUAGES_OF_DONORS, donor.language)))
    return {
        "kind": [(str(kind), translate(language, name)) for kind, name in DONOR_KINDS.items()],
        "language": [(tag, language_name(tag, language)) for tag in tags],
        "country": all_countries(language),
    }


def stored_details(donor: DonorProfile) -> dict[str, str]:
    """Return the current values of a profile, as text for the fields of a form."""
    return {field: str(getattr(donor, field)) for field in DETAIL_FIELDS}
