"""Opens gifts that donors choose, later monthly gifts, and gifts for unannounced money.

The caller commits.
"""

import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random, SystemRandom
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from donate.clock import local_date
from donate.errors import DonateError
from donate.gifts.choosing.choice import Choice
from donate.gifts.donor_profiles.assignment import assign_profile
from donate.gifts.evidence import Evidence
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Donor, Gift, GiftWish
from donate.gifts.monthly.pledge_state import month_key
from donate.gifts.origins import record_origin
from donate.gifts.queries import gift_by_form_key
from donate.gifts.search_index.contents import gift_words
from donate.gifts.search_index.recorder import record_gift_words
from donate.gifts.status import StatusName
from donate.money import Money
from donate.references import new_reference
from donate.regions.modes import Mode
from donate.regions.regions import Frequency, Region

_REFERENCE_ATTEMPTS = 5


def open_gift(
    session: Session,
    choice: Choice,
    form_key: str,
    *,
    now: datetime,
    address: str | None = None,
    random: Random | None = None,
) -> Gift:
    """Open the gift that a donor chose. If `form_key` already opened a gift, return that gift.

    `address` is the donor's network address, for limits; None outside of requests.
    """

    def insert(random: Random) -> Gift:
        donor = Donor(
            name=choice.name, email=choice.email, country=choice.country, language=choice.language
        )
        session.add(donor)
        session.flush()
        assert donor.id is not None
        profile_id = assign_profile(session, donor, now=now)
        values = new_gift_values(
            choice.region.code, choice.amount, choice.region.time_zone, now, random
        )
        gift = Gift(
            **values,
            form_key=form_key,
            mode=choice.mode,
            frequency=choice.frequency,
            fund=choice.wishes.fund,
            language=choice.language,
            donor_id=donor.id,
            profile_id=profile_id,
            pledge_id=values["id"] if choice.frequency is Frequency.MONTHLY else None,
        )
        evidence: Evidence = {"code": gift.code, "mode": gift.mode, "country": choice.country}
        wish = choice.wish_row()
        if wish:
            session.add(GiftWish(gift_id=gift.id, **wish))
        _insert_gift(session, gift, donor, wish, actor="donor", evidence=evidence, now=now)
        if address is not None:
            record_origin(session, gift.id, address, now=now)
        return gift

    return _open_once(session, form_key, insert, random)


@dataclass(frozen=True, slots=True)
class UnannouncedGift:
    """A gift whose money arrived, but that no donor opened. `donor` is a new row.

    `profile_id` is the profile of an earlier donor whom staff chose; None if the donor is new.
    """

    region: Region
    mode: Mode
    amount: Money
    donor: Donor
    profile_id: int | None = None
    fund: str = ""


def open_unannounced(
    session: Session, found: UnannouncedGift, form_key: str, *, actor: str, now: datetime
) -> Gift:
    """Open a gift for money that arrived. If `form_key` already opened a gift, return that gift."""
    region, donor = found.region, found.donor

    def insert(random: Random) -> Gift:
        session.add(donor)
        session.flush()
        assert donor.id is not None
        gift = Gift(
            **new_gift_values(region.code, found.amount, region.time_zone, now, random),
            form_key=form_key,
            mode=found.mode,
            frequency=Frequency.ONCE,
            fund=found.fund,
            language=donor.language,
            donor_id=donor.id,
            profile_id=assign_profile(session, donor, now=now, chosen=found.profile_id),
            pledge_id=None,
        )
        evidence: Evidence = {"code": gift.code, "mode": gift.mode}
        return _insert_gift(session, gift, donor, {}, actor=actor, evidence=evidence, now=now)

    return _open_once(session, form_key, insert)


def open_month(
    session: Session,
    pledge_id: uuid.UUID,
    invoice_id: str,
    amount: Money,
    *,
    invoiced_at: datetime,
    now: datetime,
) -> Gift:
    """Open the gift for a later monthly payment, or return the gift that its invoice already has.

    `pledge_id` is the id of the pledge's first gift. The caller must have locked the first gift.
    """
    first = session.get_one(Gift, pledge_id)
    form_key = month_key(invoice_id)

    def insert(random: Random) -> Gift:
        gift = Gift(
            **new_gift_values(first.code, amount, first.time_zone, invoiced_at, random),
            form_key=form_key,
            mode=first.mode,
            frequency=first.frequency,
            fund=first.fund,
            language=first.language,
            donor_id=first.donor_id,
            profile_id=first.profile_id,
            pledge_id=first.id,
        )
        evidence: Evidence = {"invoice": invoice_id, "pledge": first.reference}
        donor = session.get_one(Donor, first.donor_id)
        return _insert_gift(session, gift, donor, {}, actor="stripe", evidence=evidence, now=now)

    return _open_once(session, form_key, insert)


def _open_once(
    session: Session, form_key: str, insert: Callable[[Random], Gift], random: Random | None = None
) -> Gift:
    random = random or SystemRandom()
    for _ in range(_REFERENCE_ATTEMPTS):
        existing = gift_by_form_key(session, form_key)
        if existing:
            return existing
        try:
            with session.begin_nested():
                return insert(random)
        except IntegrityError:
            continue  # another process used the same form key or reference first
    raise DonateError("found no unused reference")


def new_gift_values(
    code: str, amount: Money, time_zone: str, opened_at: datetime, random: Random
) -> dict[str, Any]:
    """Return the column values that every new gift has, whoever opens it."""
    return {
        "id": _new_gift_id(opened_at),
        "reference": new_reference(code, random),
        "link_name": secrets.token_urlsafe(16),
        "code": code,
        "amount_minor": amount.amount_minor,
        "currency": amount.currency,
        "time_zone": time_zone,
        "opened_at": opened_at,
        "opened_on": local_date(opened_at, time_zone),
        "status": StatusName.AWAITED,
    }


def _insert_gift(
    session: Session,
    gift: Gift,
    donor: Donor,
    wish: Mapping[str, Any],
    *,
    actor: str,
    evidence: Evidence,
    now: datetime,
) -> Gift:
    session.add(gift)
    session.flush()
    words = gift_words(
        name=donor.name,
        email=donor.email,
        reference=gift.reference,
        tribute=wish.get("tribute_name", ""),
        note=wish.get("note", ""),
    )
    record_gift_words(session, {gift.id: words})
    opened = Fact(
        kind=FactKind.GIFT_OPENED,
        source_id=str(gift.id),
        happened_at=gift.opened_at,
        actor=actor,
        amount_minor=gift.amount_minor,
        currency=gift.currency,
        evidence=evidence,
    )
    record_facts(session, [(gift.id, opened)], now=now)
    return gift


def _new_gift_id(now: datetime) -> uuid.UUID:
    """Return a UUID of version 7 (RFC 9562). It begins with the time, so new rows are adjacent."""
    millis = int(now.timestamp() * 1000)
    value = millis << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    return uuid.UUID(int=value & ~(0x3 << 62) | 0x2 << 62)
