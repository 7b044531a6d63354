"""Searches the index. Each function returns the newest gifts first, and never more than `limit`.

SQLite searches words with FTS5, and PostgreSQL with a tsvector. Both find whole words and their
beginnings, in any order.
"""

import uuid
from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, bindparam, func, text
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlmodel import Session, col, select

from donate.gifts.models import Donor, Gift
from donate.gifts.search_index.contents import email_word
from donate.gifts.search_index.folding import fold, typed_words
from donate.gifts.search_index.models import KeyKind, SearchDocument, SearchKey, WordKind
from donate.storage.bulk_writes import table_of

# Further words of a search are ignored.
MAX_WORDS: Final = 8
# If at most this many rows match, PostgreSQL sorts them all. If more match, it reads the table from
# the newest row backwards until it has found enough, or has read so many.
SORTED_AT_MOST: Final = 2_000
WALKED_AT_MOST: Final = 30_000
# At most this many of the keys that begin with a typed text are read.
KEYS_READ_AT_MOST: Final = 1_000
# No key has this character. Added to a text, it gives the upper bound of all keys that begin with
# the text.
_LAST_CHARACTER: Final = "\U0010ffff"
_MATCHING: Final = text(
    "SELECT document.gift_id FROM search_words "
    "JOIN search_document AS document ON document.id = search_words.rowid "
    "WHERE search_words MATCH :query ORDER BY search_words.rowid DESC LIMIT :limit"
)


def gifts_with_words(
    session: Session, kind: WordKind, words: Sequence[str], *, limit: int, whole: bool = False
) -> list[uuid.UUID]:
    """Return gifts with a text of this kind in which each of `words` begins some word.

    `words` must be folded. With `whole`, the text must contain the whole words.
    """
    if not words:
        return []
    stored = [kind + word for word in words[:MAX_WORDS]]
    if session.get_bind().dialect.name == "sqlite":
        # In FTS5, a star after a word matches all words that begin with it.
        star = "" if whole else "*"
        query = " ".join(f'"{word}"{star}' for word in stored)
        found = session.execute(_MATCHING, {"query": query, "limit": limit})
        gift_ids = [uuid.UUID(gift_id) for (gift_id,) in found]
    else:
        star = "" if whole else ":*"
        query = " & ".join(f"'{word}'{star}" for word in stored)
        gift_ids = _search_tsvector(session, query, limit)
    return list(dict.fromkeys(gift_ids))  # a gift with two notes may be found twice


def _search_tsvector(session: Session, query: str, limit: int) -> list[uuid.UUID]:
    """Return the gifts whose search documents match a query, newest first. For PostgreSQL only.

    PostgreSQL's planner does not know how many documents match. If it guessed wrong, it would read
    them all. So fetch up to SORTED_AT_MOST of them through the index first. If there are more, walk
    back from the newest document. Only if a frequent word has become rare, all matches are sorted.
    """
    connection, values = session.connection(), {"query": query, "limit": limit}
    some = connection.execute(_NEWEST_OF_SOME, values).all()
    if not some or some[0][1] <= SORTED_AT_MOST:
        return [gift_id for gift_id, _ in some]
    recent = connection.execute(_NEWEST_OF_RECENT, values).scalars().all()
    if len(recent) == limit:
        return list(recent)
    return list(connection.execute(_NEWEST_OF_ALL, values).scalars())


def _matching(words: ColumnElement[str]) -> ColumnElement[bool]:
    return words.op("@@", is_comparison=True)(bindparam("query", type_=TSQUERY))


_DOCUMENT = table_of(SearchDocument).c
_SOME = (
    select(_DOCUMENT.id, _DOCUMENT.gift_id)
    .where(_matching(_DOCUMENT.words))
    .limit(SORTED_AT_MOST + 1)
    .subquery()
)
_NEWEST_OF_SOME: Final = (
    select(_SOME.c.gift_id, func.count().over())
    .order_by(_SOME.c.id.desc())
    .limit(bindparam("limit"))
)
# The limit of the subquery keeps the planner from using the index of words here.
_RECENT = (
    select(_DOCUMENT.id, _DOCUMENT.gift_id, _DOCUMENT.words)
    .order_by(_DOCUMENT.id.desc())
    .limit(WALKED_AT_MOST)
    .subquery()
)
_NEWEST_OF_RECENT: Final = (
    select(_RECENT.c.gift_id)
    .where(_matching(_RECENT.c.words))
    .order_by(_RECENT.c.id.desc())
    .limit(bindparam("limit"))
)
_NEWEST_OF_ALL: Final = (
    select(_DOCUMENT.gift_id)
    .where(_matching(_DOCUMENT.words))
    .order_by(_DOCUMENT.id.desc())
    .limit(bindparam("limit"))
)


def gifts_with_key(session: Session, kind: KeyKind, key: str, *, limit: int) -> list[uuid.UUID]:
    """Return the gifts that have exactly this key."""
    gift_id = col(SearchKey.gift_id)
    statement = select(gift_id).where(SearchKey.kind == kind, SearchKey.key == key)
    return list(session.exec(statement.order_by(gift_id.desc()).limit(limit)))


def gifts_with_key_beginning(
    session: Session, kind: KeyKind, beginning: str, *, limit: int
) -> list[tuple[uuid.UUID, str]]:
    """Return gifts with a key that begins with this text, each with that key.

    If very many keys begin with it, only the alphabetically first ones are considered.
    """
    key, gift_id = col(SearchKey.key), col(SearchKey.gift_id)
    some = (
        select(key, gift_id)
        .where(SearchKey.kind == kind, key >= beginning, key < beginning + _LAST_CHARACTER)
        .order_by(key, gift_id)
        .limit(KEYS_READ_AT_MOST)
        .subquery()
    )
    newest = select(some.c.gift_id, some.c.key).order_by(some.c.gift_id.desc()).limit(limit)
    return [(found, name) for found, name in session.execute(newest)]


def search_donors(session: Session, typed: str, limit: int) -> list[Donor]:
    """Return donors found by beginnings of words in their name, or of their e-mail address.

    Each pair of name and address is returned once, in the spelling of the newest gift.
    """
    # A donor with many gifts has a row for each, so read more rows than are to be returned.
    most = limit * 10
    gift_ids = gifts_with_words(session, WordKind.NAME, typed_words(typed), limit=most)
    gift_ids += gifts_with_email(session, typed, limit=most)
    statement = (
        select(Donor)
        .where(col(Donor.id).in_(select(Gift.donor_id).where(col(Gift.id).in_(gift_ids))))
        .order_by(col(Donor.id).desc())
    )
    donors: dict[tuple[str, str], Donor] = {}
    for donor in session.exec(statement):
        donors.setdefault((fold(donor.name), donor.email.casefold()), donor)
    return list(donors.values())[:limit]


def gifts_with_email(session: Session, typed: str, *, limit: int) -> list[uuid.UUID]:
    """Return gifts found by the donor's e-mail address, its beginning, or its whole domain."""
    address = typed.strip()
    if not address.isprintable() or len(address.split()) != 1:
        return []
    found: list[uuid.UUID] = []
    if "." in address:
        domain = email_word("@" + address.removeprefix("@"))
        found = gifts_with_words(session, WordKind.EMAIL, [domain], limit=limit, whole=True)
    # Search by beginnings only if the domain gave too few gifts: for a domain that very many donors
    # share, this search would collect all of their addresses.
    if len(found) < limit:
        found += gifts_with_words(session, WordKind.EMAIL, [email_word(address)], limit=limit)
    return sorted(set(found), reverse=True)[:limit]
