"""Searching for a word that very many gifts have returns the newest ones, and reads few rows."""

import uuid

import pytest
import sqlalchemy as sa

from donate.gifts.search_index.models import WordKind
from donate.gifts.search_index.queries import SORTED_AT_MOST, WALKED_AT_MOST, gifts_with_words
from donate.storage.database import Database

_ADD = """
    INSERT INTO search_document (gift_id, words)
    WITH RECURSIVE numbers (n) AS (
        SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n < {last}
    )
    SELECT {gift_id}, {words} FROM numbers
"""
OLD, RECENT = SORTED_AT_MOST + 10, WALKED_AT_MOST + 10


@pytest.fixture
def crowded(database: Database) -> Database:
    """Add documents: the older ones have the word `old`, the newer ones `recent`."""
    on_sqlite = database.is_sqlite
    gift_id = "printf('%032x', n)" if on_sqlite else "lpad(to_hex(n), 32, '0')::uuid"
    with database.writing() as session:
        for word, first, last in (("nold", 1, OLD), ("nrecent", OLD + 1, OLD + RECENT)):
            words = f"'{word}'" if on_sqlite else f"'{word}'::tsvector"
            statement = _ADD.format(first=first, last=last, gift_id=gift_id, words=words)
            session.connection().exec_driver_sql(statement)
    return database


@pytest.mark.parametrize(("word", "newest"), [("recent", OLD + RECENT), ("old", OLD)])
def test_the_newest_gifts_with_a_frequent_word_are_found(
    crowded: Database, word: str, newest: int
) -> None:
    """The newest come first, also if a word was frequent once and no recent gift has it."""
    with crowded.reading() as session:
        found = gifts_with_words(session, WordKind.NAME, [word], limit=3)
    assert found == [uuid.UUID(int=newest - number) for number in range(3)]


def test_a_frequent_word_is_read_from_the_newest_row_backwards(crowded: Database) -> None:
    """Neither database collects all matches and sorts them, whatever its planner estimates."""
    plans = []
    explain_as = "EXPLAIN QUERY PLAN" if crowded.is_sqlite else "EXPLAIN ANALYZE"

    def explain(
        connection: sa.Connection, _cursor: object, statement: str, parameters: object, *_: object
    ) -> None:
        if statement.startswith("SELECT"):
            plan = connection.exec_driver_sql(f"{explain_as} {statement}", parameters)  # type: ignore[arg-type]
            plans.append("\n".join(str(row[-1]) for row in plan))

    sa.event.listen(crowded.engine, "before_cursor_execute", explain)
    try:
        with crowded.reading() as session:
            gifts_with_words(session, WordKind.NAME, ["recent"], limit=3)
    finally:
        sa.event.remove(crowded.engine, "before_cursor_execute", explain)
    walk = plans[-1]
    if not crowded.is_sqlite:
        assert "Index Scan Backward using search_document_pkey" in walk
        assert "search_document_words" not in walk
    assert "Sort" not in walk
    assert "TEMP B-TREE" not in walk
