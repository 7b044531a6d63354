"""Turns entries into gifts, many at once: inserts donors, gifts and facts. The caller commits."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from random import Random, SystemRandom
from typing import Any, Final

from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from donate.clock import start_of_day
from donate.errors import Conflict, DonateError
from donate.gifts.donor_profiles.assignment import ProfileWanted, assign_profiles
from donate.gifts.donor_profiles.models import DonorKind
from donate.gifts.evidence import Evidence
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Donor, Gift
from donate.gifts.offline.models import EntryState, OfflineEntry
from donate.gifts.opening import new_gift_values
from donate.gifts.search_index.contents import gift_words
from donate.gifts.search_index.recorder import record_gift_words
from donate.references import new_reference
from donate.regions.regions import Frequency, Region, Regions
from donate.storage.bulk_writes import table_of

ANONYMOUS_NAME: Final = "Anonymous"
"""The name that lists show for a donor whom nobody knows."""
_ATTEMPTS: Final = 5


def record_entries(
    session: Session,
    regions: Regions,
    entries: Sequence[OfflineEntry],
    *,
    actor: str,
    now: datetime,
    random: Random | None = None,
) -> None:
    """Make a gift from each entry, and record its money on the day received.

    Raises Conflict if a giving code no longer exists.
    """
    gone = sorted({entry.code for entry in entries} - set(regions))
    if gone:
        raise Conflict(f"The giving code {gone[0]} no longer exists.")
    random = random or SystemRandom()
    donors = [_donor(entry, regions[entry.code]) for entry in entries]
    session.add_all(donors)
    session.flush()
    wanted = [_profile_wanted(entry, donor) for entry, donor in zip(entries, donors, strict=True)]
    profile_ids = assign_profiles(session, wanted, now=now)
    gifts = [
        _gift_row(entry, donor, regions[entry.code], now, random) | {"profile_id": profile_id}
        for entry, donor, profile_id in zip(entries, donors, profile_ids, strict=True)
    ]
    _insert_gifts(session, gifts, random)
    facts, words = [], {}
    for entry, donor, gift in zip(entries, donors, gifts, strict=True):
        entry.gift_id, entry.profile_id = gift["id"], gift["profile_id"]
        entry.state = EntryState.RECORDED
        words[gift["id"]] = gift_words(
            reference=gift["reference"], name=donor.name, email=donor.email
        )
        facts += [(gift["id"], fact) for fact in _facts(entry, gift, actor)]
    record_gift_words(session, words)
    record_facts(session, facts, now=now)


def _donor(entry: OfflineEntry, region: Region) -> Donor:
    return Donor(
        name=entry.donor_name or ANONYMOUS_NAME,
        email=entry.donor_email,
        country=region.country,
        language=entry.language,
    )


def _profile_wanted(entry: OfflineEntry, donor: Donor) -> ProfileWanted:
    kind = DonorKind.ANONYMOUS if entry.is_anonymous else DonorKind.UNKNOWN
    return ProfileWanted(donor, entry.profile_id, kind)


def _gift_row(
    entry: OfflineEntry, donor: Donor, region: Region, now: datetime, random: Random
) -> dict[str, Any]:
    return new_gift_values(region.code, entry.amount, region.time_zone, now, random) | {
        "form_key": f"offline:{entry.form_key}",
        "mode": entry.mode,
        "frequency": Frequency.ONCE,
        "fund": entry.fund,
        "language": entry.language,
        "donor_id": donor.id,
        "pledge_id": None,
        **dict.fromkeys(("received_minor", "returned_minor", "net_minor"), 0),
        "received_on": None,
        "flags": "",
    }


def _insert_gifts(session: Session, gifts: list[dict[str, Any]], random: Random) -> None:
    """Insert gifts. Raises IntegrityError if a form key was used before."""
    for attempt in range(_ATTEMPTS):
        _use_free_references(session, gifts, random)
        try:
            with session.begin_nested():
                session.execute(insert(table_of(Gift)), gifts)
        except IntegrityError:
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            return


def _use_free_references(session: Session, gifts: list[dict[str, Any]], random: Random) -> None:
    """Replace new references that other gifts already have. In a large batch this may happen."""
    for _ in range(_ATTEMPTS):
        references = [gift["reference"] for gift in gifts]
        statement = select(col(Gift.reference)).where(col(Gift.reference).in_(references))
        taken = set(session.exec(statement))
        seen: set[str] = set()
        for gift in gifts:
            if gift["reference"] in taken | seen:
                taken.add(gift["reference"])
                gift["reference"] = new_reference(gift["code"], random)
            seen.add(gift["reference"])
        if not taken:
            return
    raise DonateError("found no unused reference")


def _facts(entry: OfflineEntry, gift: dict[str, Any], actor: str) -> list[Fact]:
    opened_with: Evidence = {"code": entry.code, "mode": entry.mode}
    came_with: Evidence = {"date": entry.received_on.isoformat()}
    if entry.cheque_number:
        came_with["cheque_number"] = entry.cheque_number
    if entry.cheque_day:
        came_with["cheque_date"] = entry.cheque_day.isoformat()
    if entry.bank_name:
        came_with["bank"] = entry.bank_name
    if entry.note:
        came_with["note"] = entry.note
    opened = Fact(
        kind=FactKind.GIFT_OPENED,
        source_id=str(gift["id"]),
        happened_at=gift["opened_at"],
        actor=actor,
        amount_minor=entry.amount_minor,
        currency=entry.currency,
        evidence=opened_with,
    )
    received = replace(
        opened,
        kind=FactKind.TRANSFER_RECEIVED,
        source_id=entry.source_id,
        happened_at=start_of_day(entry.received_on, gift["time_zone"]),
        evidence=came_with,
    )
    return [opened, received]
