"""Checks that the search index has exactly the words and keys of each gift. It only reads."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

from sqlmodel import Session, col, func, select

from donate.gifts.models import Donor, Gift, GiftFact, GiftWish
from donate.gifts.search_index.contents import (
    Key,
    fact_keys,
    gift_words,
    note_words,
    reference_word,
)
from donate.gifts.search_index.models import KeyKind, SearchDocument, SearchKey, WordKind
from donate.gifts.search_index.queries import gifts_with_words
from donate.references import LENGTH

_GIFTS_AT_A_TIME: Final = 1_000
_KEYS_AT_A_TIME: Final = 500

Words = frozenset[str]
GiftKey = tuple[uuid.UUID, Key]


def search_differences(session: Session) -> Iterator[str]:
    """Yield a line for each gift whose words or keys differ from the stored ones."""
    last: uuid.UUID | None = None
    rows = keys = 0
    page = (
        select(Gift, Donor, GiftWish)
        .join(Donor, col(Donor.id) == col(Gift.donor_id))
        .join(GiftWish, col(GiftWish.gift_id) == col(Gift.id), isouter=True)
        .order_by(col(Gift.id))
        .limit(_GIFTS_AT_A_TIME)
    )
    while gifts := session.exec(page.where(col(Gift.id) > last) if last else page).all():
        first, last = gifts[0][0].id, gifts[-1][0].id
        notes, expected_keys = _of_facts(session, first, last)
        stored = _documents(session, first, last)
        for gift, donor, wish in gifts:  # `wish` is None for most gifts
            words = gift_words(
                name=donor.name,
                email=donor.email,
                reference=gift.reference,
                tribute=getattr(wish, "tribute_name", ""),
                note=getattr(wish, "note", ""),
            )
            expected = Counter([frozenset(words), *notes[gift.id]])
            rows += expected.total()
            if stored[gift.id] != expected:
                yield f"{gift.reference}: its words in the search index are not those of the gift"
            elif not _is_found(session, gift):
                yield f"{gift.reference}: a search for its reference does not find it"
        missing = expected_keys - _stored_keys(session, first, last, expected_keys)
        keys += len(expected_keys)
        for gift_id, (kind, key) in sorted(missing):
            yield f"gift {gift_id}: the {kind} key {key} is missing in the search index"
        session.expunge_all()
    yield from _surplus(session, rows, keys)


def _of_facts(
    session: Session, first: uuid.UUID, last: uuid.UUID
) -> tuple[Mapping[uuid.UUID, list[Words]], set[GiftKey]]:
    """Return what facts add to the index: the words of their notes by gift, and their keys.

    `first` and `last` are ids of gifts, and the range includes both.
    """
    notes: defaultdict[uuid.UUID, list[Words]] = defaultdict(list)
    keys: set[GiftKey] = set()
    for row in session.exec(select(GiftFact).where(col(GiftFact.gift_id).between(first, last))):
        fact = row.as_fact()
        keys.update((row.gift_id, key) for key in fact_keys(fact))
        words = note_words(fact.note)
        if words:
            notes[row.gift_id].append(frozenset(words))
    return notes, keys


def _documents(
    session: Session, first: uuid.UUID, last: uuid.UUID
) -> Mapping[uuid.UUID, Counter[Words]]:
    stored: defaultdict[uuid.UUID, Counter[Words]] = defaultdict(Counter)
    statement = select(SearchDocument.gift_id, SearchDocument.words).where(
        col(SearchDocument.gift_id).between(first, last)
    )
    for gift_id, words in session.exec(statement):
        # PostgreSQL returns each word in quotation marks.
        stored[gift_id][frozenset(word.strip("'") for word in words.split())] += 1
    return stored


def _stored_keys(
    session: Session, first: uuid.UUID, last: uuid.UUID, expected: set[GiftKey]
) -> set[GiftKey]:
    by_kind: defaultdict[KeyKind, set[str]] = defaultdict(set)
    for _, (kind, key) in expected:
        by_kind[kind].add(key)
    stored: set[GiftKey] = set()
    for kind, keys in by_kind.items():
        in_order = sorted(keys)
        for at in range(0, len(in_order), _KEYS_AT_A_TIME):
            # The database looks up each key in this range of gifts. It does not read the gifts
            # outside of the range that have the same key.
            rows = select(SearchKey).where(
                col(SearchKey.kind) == kind,
                col(SearchKey.key).in_(in_order[at : at + _KEYS_AT_A_TIME]),
                col(SearchKey.gift_id).between(first, last),
            )
            stored.update((row.gift_id, (row.kind, row.key)) for row in session.exec(rows))
    return stored


def _is_found(session: Session, gift: Gift) -> bool:
    """Whether SQLite's full-text index has the gift. PostgreSQL keeps its index correct itself."""
    if session.get_bind().dialect.name != "sqlite":
        return True
    word = reference_word(gift.reference)[-LENGTH:]
    found = gifts_with_words(session, WordKind.REFERENCE, [word], limit=10, whole=True)
    return gift.id in found


def _surplus(session: Session, rows: int, keys: int) -> Iterator[str]:
    """Yield a sentence for each table of the search index that has more rows than it should."""
    for model, expected in ((SearchDocument, rows), (SearchKey, keys)):
        count = session.exec(select(func.count()).select_from(model)).one()
        if count > expected:
            yield f"{model.__tablename__}: {count} rows, but the gifts give {expected}"
