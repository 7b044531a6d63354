"""The service may remove or redact chained rows, and the audit accepts exactly those."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from donate.storage.chain.amending import ChainBroken, NotChainedYet
from donate.storage.chain.amendments import as_ranges, ids_in
from donate.storage.chain.models import ChainAmendment
from donate.storage.chain.verification import ChainCheck, check_chain
from donate.storage.database import Database
from tests.chain.chained import amend, amend_some, counts, fill, link_all, problems, unguarded
from tests.chain.tampering import ChainInMemory, seal_in_memory
from tests.gifts.samples import NOW

DELETE = "DELETE FROM {} WHERE id IN ({})"


def ids_of(database: Database, table: str = "gift_fact") -> list[int]:
    with database.reading() as session:
        return list(session.execute(text(f"SELECT id FROM {table} ORDER BY id")).scalars())


def execute(database: Database, statements: list[str]) -> None:
    with database.writing() as session:
        for statement in statements:
            session.execute(text(statement))


def opened(database: Database) -> list[int]:
    statement = "SELECT id FROM gift_fact WHERE kind = 'gift_opened' ORDER BY id"
    with database.reading() as session:
        return list(session.execute(text(statement)).scalars())


def test_removed_and_redacted_rows_are_accepted(database: Database) -> None:
    """The chain, and a seal from before, fit again and again."""
    fill(database)
    link_all(database)
    with database.reading() as session:
        seal = seal_in_memory(ChainInMemory.read(session))
    chained, _ = counts(database)
    for number in range(8):
        amend_some(database, number, NOW)
        assert problems(database, seal) == []
        link_all(database)
        assert problems(database, seal) == []
    amendments = len(ids_of(database, "chain_amendment"))
    assert amendments == 8
    assert counts(database) == (chained - 8 + amendments, 0)


def test_an_amendment_says_which_rows_why_and_who(database: Database) -> None:
    """The record names rows, reason, subject, actor and time."""
    fill(database)
    link_all(database)
    first, second, *_ = opened(database)
    with database.writing() as session:
        statement = text(DELETE.format("gift_fact", f"{first}, {second}"))
        amend(session, "gift_fact", [first, second], lambda: session.execute(statement))
    with database.reading() as session:
        amendment = session.exec(select(ChainAmendment)).one()
    assert set(ids_in(amendment.removed)) == {first, second}
    assert (amendment.why, amendment.about, amendment.actor) == ("erased", "donor 1", "service")
    assert amendment.recorded_at == NOW


def test_a_row_that_is_not_named_may_not_change(database: Database) -> None:
    """Neither more nor fewer rows than named are changed; the database refuses, or the code."""
    fill(database)
    link_all(database)
    first, second, *_ = opened(database)
    for changed, named in (([first, second], [first]), ([first], [first, second])):
        statement = text(DELETE.format("gift_fact", ", ".join(map(str, changed))))
        with pytest.raises((DBAPIError, ValueError)), database.writing() as session:
            amend(session, "gift_fact", named, lambda s=statement: session.execute(s))  # type: ignore[misc]
    assert opened(database)[:2] == [first, second]
    assert problems(database) == []


def test_the_newest_row_is_never_removed(database: Database) -> None:
    """SQLite would give its id to another row, which an old link would seem to cover."""
    fill(database)
    link_all(database)
    newest = ids_of(database, "staff_act")[-1]
    statement = text(DELETE.format("staff_act", newest))
    with pytest.raises(ValueError, match="newest"), database.writing() as session:
        amend(session, "staff_act", [newest], lambda: session.execute(statement))


def test_rows_that_are_not_chained_yet_wait(database: Database) -> None:
    """Nothing is changed until the chain covers every row."""
    fill(database)
    with pytest.raises(NotChainedYet):
        amend_some(database, 0, NOW)
    link_all(database)
    fill(database, name="later")
    newest = opened(database)[-1]
    statement = text(DELETE.format("gift_fact", newest))
    with pytest.raises(NotChainedYet), database.writing() as session:
        amend(session, "gift_fact", [newest], lambda: session.execute(statement))
    assert newest in opened(database)


def test_an_amendment_never_covers_up_a_change(database: Database) -> None:
    """If a row of the link is not as it was chained, nothing is amended, and the audit says so."""
    fill(database)
    link_all(database)
    last = opened(database)[-1]
    with unguarded(database, keeps=True) as session:
        session.execute(text(f"UPDATE gift_fact SET actor = 'staff:9' WHERE id = {last}"))
    with pytest.raises(ChainBroken, match=f"row {last} was changed"):
        amend_some(database, 0, NOW)
    assert problems(database) == [f"gift_fact: row {last} was changed"]


@pytest.mark.parametrize("table", ["gift_fact", "staff_act"])
def test_without_an_amendment_the_database_refuses(database: Database, table: str) -> None:
    """No row changes without a permit, and no permit is committed or dropped unrecorded."""
    fill(database, 2)
    link_all(database)
    row_id = ids_of(database, table)[-1]
    column = "evidence" if table == "gift_fact" else "detail"
    permit = f"INSERT INTO chain_permit VALUES ('{table}', {row_id}, 1, 1)"
    for statements in (
        [DELETE.format(table, row_id)],
        [f"UPDATE {table} SET {column} = '[]' WHERE id = {row_id}"],
        [permit],
        [permit, "DELETE FROM chain_permit"],
        [permit, f"UPDATE {table} SET {column} = '[]' WHERE id = {row_id}"],
    ):
        with pytest.raises(DBAPIError):
            execute(database, statements)
    assert problems(database) == []


def test_what_happened_is_never_changed(database: Database) -> None:
    """Even with an amendment, neither an amount nor a time nor the person changes."""
    fill(database)
    link_all(database)
    first = opened(database)[0]
    for change in ("amount_minor = 1", "actor = 'staff:9'", "happened_at = recorded_at"):
        statement = text(f"UPDATE gift_fact SET {change} WHERE id = {first}")
        with pytest.raises(DBAPIError, match="what happened"), database.writing() as session:
            amend(session, "gift_fact", [first], lambda s=statement: session.execute(s))  # type: ignore[misc]


def test_a_later_amendment_follows_the_earlier_one(database: Database) -> None:
    """If the first of two amendments of a link is taken away, the audit finds that."""
    fill(database)
    link_all(database)
    for number in (0, 4):
        amend_some(database, number, NOW + timedelta(days=number))
    assert problems(database) == []
    with unguarded(database) as session:
        session.execute(text("DELETE FROM chain_amendment WHERE number = 1"))
        found = list(check_chain(session, ChainCheck()))
    assert found == ["chain: the amendments of link 1 contradict each other"]


def test_ranges_of_ids_are_short() -> None:
    """Adjacent ids are written as one range, and read back."""
    ids = {5, 6, 7, 8, 11, 20, 21}
    assert as_ranges(ids) == "5-8,11,20-21"
    assert set(ids_in("5-8,11,20-21")) == ids
    assert list(ids_in("")) == []
