"""Writes the search index, in the transaction that adds the gift or fact. It never commits."""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from sqlmodel import Session

from donate.gifts.facts import Fact
from donate.gifts.search_index.contents import Key, note_words
from donate.gifts.search_index.models import SearchDocument, SearchKey
from donate.storage.bulk_writes import insert_new


def record_gift_words(session: Session, words: Mapping[uuid.UUID, Iterable[str]]) -> None:
    """Store the words of new gifts, so that searches find them. `words` has those of each gift."""
    rows = [document_row(gift_id, of_gift) for gift_id, of_gift in words.items()]
    insert_new(session, SearchDocument, rows)


def record_fact_keys(
    session: Session, new: Iterable[tuple[uuid.UUID, Iterable[Fact], Iterable[Key]]]
) -> None:
    """Store the search keys that new facts add to gifts, and the words of the facts' notes."""
    documents: list[dict[str, Any]] = []
    keys: list[dict[str, Any]] = []
    for gift_id, facts, gift_keys in new:
        keys += (key_row(gift_id, key) for key in gift_keys)
        documents += (
            document_row(gift_id, words) for fact in facts if (words := note_words(fact.note))
        )
    insert_new(session, SearchKey, keys)
    insert_new(session, SearchDocument, documents)


def document_row(gift_id: uuid.UUID, words: Iterable[str]) -> dict[str, Any]:
    """Return the columns of a SearchDocument row, which stores these words of the gift."""
    return {"gift_id": gift_id, "words": " ".join(sorted(words))}


def key_row(gift_id: uuid.UUID, key: Key) -> dict[str, Any]:
    """Return the columns of a SearchKey row, which stores this key of the gift."""
    kind, text = key
    return {"kind": kind, "key": text, "gift_id": gift_id}
