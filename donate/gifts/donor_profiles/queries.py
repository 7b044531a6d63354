"""Queries about donor profiles. They only read.

A donor is a group: a main profile and the profiles that staff merged into it. Sums of money are
added up from the movements whenever they are needed, through an index that holds all columns for
this. So no stored sum can be wrong, gifts of one donor never wait for each other, and a merge moves
no row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    sql,
    tuple_,
    union_all,
)
from sqlmodel import Session, col, select

from donate.gifts.donor_profiles.models import (
    DonorEdit,
    DonorMerge,
    DonorNameWord,
    DonorNote,
    DonorProfile,
)
from donate.gifts.donor_profiles.rules import email_key
from donate.gifts.listing.orders import Position
from donate.gifts.models import Donor, Gift
from donate.gifts.movements.models import GiftMovement
from donate.gifts.search_index.folding import typed_words
from donate.money import Money
from donate.storage.bulk_writes import table_of

_GIFT = table_of(Gift).c
_MOVEMENT = table_of(GiftMovement).c
_PROFILE = table_of(DonorProfile).c
_MERGE = table_of(DonorMerge).c
# Added to a text, this gives the upper bound of all texts with that beginning, in code point order.
_LAST_CHARACTER: Final = "\U0010ffff"
_MAX_TYPED: Final = 200


def profile_by_id(session: Session, profile_id: int) -> DonorProfile | None:
    """Return the profile with this id, or None."""
    return session.get(DonorProfile, profile_id)


def profile_of_gift(session: Session, gift: Gift) -> DonorProfile:
    """Return the donor of a gift: the main profile of the group to which the gift belongs."""
    profile = session.get_one(DonorProfile, gift.profile_id)
    return session.get_one(DonorProfile, profile.merged_into_id or profile.id)


def members_of(session: Session, main: DonorProfile) -> list[DonorProfile]:
    """Return the profiles that staff merged into a main profile."""
    merged = select(DonorProfile).where(DonorProfile.merged_into_id == main.id)
    return list(session.exec(merged.order_by(col(DonorProfile.id))))


def newest_profiles(
    session: Session, *, limit: int, before: int | None = None
) -> list[DonorProfile]:
    """Return up to `limit` main profiles, newest first, with ids below `before`."""
    statement = select(DonorProfile).where(col(DonorProfile.merged_into_id).is_(None))
    if before is not None:
        statement = statement.where(col(DonorProfile.id) < before)
    return list(session.exec(statement.order_by(col(DonorProfile.id).desc()).limit(limit)))


@dataclass(frozen=True, slots=True)
class FoundDonor:
    """A main profile that a search found, and the profile of its group that matched."""

    main: DonorProfile
    matched: DonorProfile


def find_donor_profiles(session: Session, typed: str, limit: int) -> list[FoundDonor]:
    """Return up to `limit` donors whose e-mail address begins with `typed`, or whose name matches.

    A name matches if each typed word is the beginning of a word in the name. Case and accents are
    ignored.
    """
    typed = typed.strip()[:_MAX_TYPED]
    matches: dict[int, DonorProfile] = {}
    key, words = email_key(typed), typed_words(typed)
    if key and not any(map(str.isspace, key)):
        for profile in session.exec(_by_email(key, limit)):
            matches.setdefault(profile.merged_into_id or _id(profile), profile)
    if words and "@" not in typed:
        for profile in session.exec(_by_words(words, limit)):
            matches.setdefault(profile.merged_into_id or _id(profile), profile)
    ids = list(matches)[:limit]
    mains = {
        _id(main): main
        for main in session.exec(select(DonorProfile).where(col(DonorProfile.id).in_(ids)))
    }
    return [FoundDonor(mains[each], matches[each]) for each in ids]


def _by_email(key: str, limit: int) -> Any:
    column = col(DonorProfile.email_key)
    begins = and_(column != "", column >= key, column < key + _LAST_CHARACTER)
    return select(DonorProfile).where(begins).order_by(column).limit(limit)


def _by_words(words: Sequence[str], limit: int) -> Any:
    """Return a statement that finds profiles by the longest word, and checks the other words.

    The longest word is usually the rarest, so that few profiles are checked.
    """
    longest, *others = sorted(words, key=len, reverse=True)
    driving = table_of(DonorNameWord).alias("driving").c
    conditions = [*_begins(driving.word, longest)]
    for number, word in enumerate(others[:4]):
        other = table_of(DonorNameWord).alias(f"other_{number}").c
        same = other.profile_id == driving.profile_id
        conditions.append(sql.select(literal(1)).where(same, *_begins(other.word, word)).exists())
    # A donor whose name matches in two words is found twice, so read twice as many rows.
    found = (
        sql.select(driving.profile_id, driving.word)
        .where(*conditions)
        .order_by(driving.word, driving.profile_id)
        .limit(2 * limit)
        .subquery()
    )
    return (
        select(DonorProfile)
        .join(found, found.c.profile_id == col(DonorProfile.id))
        .order_by(found.c.word, found.c.profile_id)
    )


def _begins(column: ColumnElement[str], word: str) -> tuple[ColumnElement[bool], ...]:
    return column >= word, column < word + _LAST_CHARACTER


def _id(profile: DonorProfile) -> int:
    assert profile.id is not None
    return profile.id


def group_ids(main: DonorProfile, members: Iterable[DonorProfile]) -> list[int]:
    """Return the ids of a main profile and of the profiles merged into it."""
    return [_id(main), *map(_id, members)]


@dataclass(frozen=True, slots=True)
class DonorGift:
    """A gift of a donor, with the donor's details as typed with that gift."""

    gift: Gift
    typed: Donor


def gifts_of_donor(
    session: Session, ids: Sequence[int], *, limit: int, after: Position | None = None
) -> list[DonorGift]:
    """Return up to `limit` gifts of these profiles, newest first, after the position `after`."""
    position = tuple_(_GIFT.opened_at, _GIFT.id)
    parts = []
    # Read at most a page of gifts for each profile, along the index that begins with the profile.
    # With one statement for all profiles, a database would sort all gifts of the group.
    for number, profile_id in enumerate(ids):
        part = sql.select(_GIFT.id, _GIFT.opened_at).where(_GIFT.profile_id == profile_id)
        if after:
            part = part.where(position < after)
        part = part.order_by(_GIFT.opened_at.desc(), _GIFT.id.desc()).limit(limit)
        parts.append(sql.select(part.subquery(f"part_{number}")))
    page = union_all(*parts).subquery("page")
    statement = (
        select(Gift, Donor)
        .join(Donor, col(Donor.id) == col(Gift.donor_id))
        .join(page, page.c.id == col(Gift.id))
        .order_by(col(Gift.opened_at).desc(), col(Gift.id).desc())
        .limit(limit)
    )
    return [DonorGift(gift, typed) for gift, typed in session.exec(statement)]


def pledges_of_donor(session: Session, ids: Sequence[int], *, limit: int) -> list[Gift]:
    """Return the first gifts of up to `limit` monthly gifts of these profiles, newest first."""
    statement = (
        select(Gift)
        .where(col(Gift.profile_id).in_(ids), col(Gift.pledge_id) == col(Gift.id))
        .order_by(col(Gift.opened_at).desc(), col(Gift.id).desc())
        .limit(limit)
    )
    return list(session.exec(statement))


@dataclass(frozen=True, slots=True)
class DonorTotal:
    """The money that came in from a donor and went back, in one year, fund and currency."""

    year: str
    fund: str
    money_in: Money
    money_out: Money

    @property
    def net(self) -> Money:
        """The money that came in, less the money that went back."""
        return self.money_in.part(self.money_in.amount_minor - self.money_out.amount_minor)


def totals_of_donor(session: Session, ids: Sequence[int]) -> list[DonorTotal]:
    """Return the totals of these profiles, newest year first. A movement counts in its own year."""
    year = func.substr(cast(_MOVEMENT.day, String), 1, 4)
    statement = (
        sql.select(year, _MOVEMENT.fund, _MOVEMENT.currency, *_in_and_out())
        .where(_MOVEMENT.profile_id.in_(ids))
        .group_by(year, _MOVEMENT.fund, _MOVEMENT.currency)
        .order_by(year.desc(), _MOVEMENT.currency, _MOVEMENT.fund)
    )
    # PostgreSQL sums a BIGINT column as NUMERIC, so convert the sums with int().
    return [
        DonorTotal(year, fund, Money(int(came), currency), Money(int(went), currency))
        for year, fund, currency, came, went in session.execute(statement)
    ]


def _in_and_out() -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    amount = _MOVEMENT.amount_minor
    return (
        func.sum(case((amount > 0, amount), else_=0)),
        func.sum(case((amount < 0, -amount), else_=0)),
    )


@dataclass(frozen=True, slots=True)
class ReceivedGifts:
    """The number of a donor's gifts for which money came in, with the first and the last day."""

    count: int
    first: date | None
    last: date | None


def received_gifts(session: Session, ids: Sequence[int]) -> ReceivedGifts:
    """Return how many gifts of these profiles received money, and the first and last such day."""
    day = col(Gift.received_on)
    statement = select(func.count(), func.min(day), func.max(day)).where(
        col(Gift.profile_id).in_(ids), day.is_not(None)
    )
    return ReceivedGifts(*session.exec(statement).one())


def last_gift_days(session: Session, ids: Sequence[int]) -> dict[int, date]:
    """Map main profiles to the day of the last gift with money in their groups."""
    own = sql.select(_PROFILE.id, _PROFILE.id.label("main_id")).where(_PROFILE.id.in_(ids))
    merged = sql.select(_PROFILE.id, _PROFILE.merged_into_id).where(
        _PROFILE.merged_into_id.in_(ids)
    )
    group = union_all(own, merged).subquery("members")
    # For each profile, look up the last entry in the index of received gifts.
    last = (
        sql.select(func.max(_GIFT.received_on))
        .where(_GIFT.profile_id == group.c.id, _GIFT.received_on.is_not(None))
        .scalar_subquery()
    )
    days: dict[int, date] = {}
    for main_id, day in session.execute(sql.select(group.c.main_id, last)):
        if day and day > days.get(main_id, date.min):
            days[main_id] = day
    return days


def edits_of(session: Session, profile_id: int, *, limit: int) -> list[DonorEdit]:
    """Return the newest changes that staff made to a profile, newest first."""
    statement = select(DonorEdit).where(DonorEdit.profile_id == profile_id)
    return list(session.exec(statement.order_by(col(DonorEdit.id).desc()).limit(limit)))


def notes_of(session: Session, ids: Sequence[int], *, limit: int) -> list[DonorNote]:
    """Return the newest notes about these profiles, newest first."""
    statement = select(DonorNote).where(col(DonorNote.profile_id).in_(ids))
    return list(session.exec(statement.order_by(col(DonorNote.id).desc()).limit(limit)))


def merges_of(session: Session, ids: Sequence[int], *, limit: int) -> list[DonorMerge]:
    """Return the merges of these profiles into others or of others into these, newest first."""
    about = union_all(
        sql.select(_MERGE.id).where(_MERGE.into_id.in_(ids)),
        sql.select(_MERGE.id).where(_MERGE.profile_id.in_(ids)),
    )
    statement = select(DonorMerge).where(col(DonorMerge.id).in_(about))
    return list(session.exec(statement.order_by(col(DonorMerge.id).desc()).limit(limit)))
