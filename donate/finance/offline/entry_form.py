"""The form for one cheque or cash gift: its values, and the warnings that staff must confirm."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from babel import Locale
from sqlmodel import Session

from donate.clock import local_date
from donate.errors import BadInput, BadInputs
from donate.finance.offline.words import SAME_CHEQUE, STALE_CHEQUE, TypedForm
from donate.gifts.donor_profiles.models import DonorProfile
from donate.gifts.offline.models import OfflineBatch, OfflineEntry
from donate.gifts.offline.queries import find_known_donors, known_donor, same_cheque
from donate.gifts.offline.rules import (
    ANONYMOUS,
    MAX_DAYS_AGO,
    MAX_FORM_KEY,
    NEW,
    EnteredGift,
    check_entry,
    is_stale,
)
from donate.money import format_amount
from donate.regions.modes import OFFLINE
from donate.regions.regions import Regions

MOST_DONORS: Final = 8
# The fields that keep their values for the next entry in the same batch.
KEPT: Final = ("code", "mode", "fund", "donor")
_MIN_FORM_KEY: Final = 16


def has_form_key(typed: Mapping[str, str]) -> bool:
    """Whether a form contains a form key that our pages could have made."""
    return _MIN_FORM_KEY <= len(typed.get("form_key", "")) <= MAX_FORM_KEY


def blank_entry(regions: Regions, query: Mapping[str, str]) -> dict[str, str]:
    """Return the values of an empty form. A link can fill in the fields in KEPT."""
    kept = {name: query.get(name, "")[:64] for name in KEPT}
    return kept | {"code": kept["code"] if kept["code"] in regions else next(iter(regions))}


def typed_again(entry: OfflineEntry, language: str) -> dict[str, str]:
    """Return the values of an entry for the form's fields, so that it can be entered again."""
    known = str(entry.profile_id) if entry.profile_id else NEW
    donor = ANONYMOUS if entry.is_anonymous else known
    return {
        "code": entry.code,
        "mode": entry.mode,
        "amount": format_amount(entry.amount, language),
        "received_on": entry.received_on.isoformat(),
        "fund": entry.fund,
        "donor": donor,
        "name": entry.donor_name,
        "email": entry.donor_email,
        "address": entry.donor_address,
        "language": entry.language,
        "thanks": "yes" if entry.sends_thanks else "",
        "cheque_number": entry.cheque_number,
        "cheque_day": entry.cheque_day.isoformat() if entry.cheque_day else "",
        "bank_name": entry.bank_name,
        "note": entry.note,
    }


def read_entry(
    session: Session,
    regions: Regions,
    typed: Mapping[str, str],
    *,
    language: str,
    now: datetime,
    batch: OfflineBatch | None = None,
) -> EnteredGift:
    """Check the form for one cheque or cash gift. Raises BadInputs."""
    return check_entry(
        regions,
        typed,
        donor=known_donor(session, typed.get("donor", "")),
        language=language,
        now=now,
        day=batch.day if batch else None,
    )


def refuse_unconfirmed(session: Session, entered: EnteredGift, typed: Mapping[str, str]) -> None:
    """Raise BadInputs for each warning that the person has not confirmed in the form."""
    warnings = []
    same = same_cheque(session, entered)
    if same and typed.get("another_cheque") != "yes":
        where = same.reference or f"#{same.entry.id}"
        values = {"day": same.entry.received_on.isoformat(), "where": where}
        warnings.append(BadInput("another_cheque", SAME_CHEQUE, values))
    if is_stale(entered) and typed.get("old_cheque") != "yes":
        warnings.append(BadInput("old_cheque", STALE_CHEQUE))
    if warnings:
        raise BadInputs(warnings)


def entry_form(
    session: Session,
    regions: Regions,
    typed: Mapping[str, str],
    *,
    language: str,
    now: datetime,
    problems: Sequence[BadInput] = (),
) -> dict[str, Any]:
    """Return the variables for the template of the form for one cheque or cash gift."""
    region = regions.get(typed.get("code", "")) or next(iter(regions.values()))
    today = local_date(now, region.time_zone)
    locale = Locale.parse(language, sep="-")
    return {
        "typed": TypedForm(typed),
        "problems": {problem.field: problem for problem in problems},
        "found": found_donors(session, typed),
        "codes": [(each.code, each.currency) for each in regions.values()],
        "currency": region.currency,
        "funds": [(key, text.in_language(language)) for key, text in region.funds.items()],
        "donor_languages": [
            (tag, Locale.parse(tag, sep="-").get_language_name(str(locale)))
            for tag in region.languages
        ],
        "offline_modes": [(str(mode), mode.facts.name) for mode in OFFLINE],
        "today": today.isoformat(),
        "first_day": (today - timedelta(days=MAX_DAYS_AGO)).isoformat(),
        "form_key": secrets.token_urlsafe(16),
    }


def found_donors(session: Session, typed: Mapping[str, str]) -> list[DonorProfile]:
    """Return the donors to choose from: the chosen one, then those that match the search text."""
    chosen = known_donor(session, typed.get("donor", ""))
    found = find_known_donors(session, typed.get("find", "")[:200], MOST_DONORS)
    return [chosen, *(d for d in found if d.id != chosen.id)] if chosen else found
