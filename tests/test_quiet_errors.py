"""Errors of the database do not quote what donors wrote, because errors end up in the log."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from donate.storage.database import Database
from tests.rows import donor


def test_a_refused_row_is_not_quoted(database: Database) -> None:
    """An error says which rule was broken, but neither the row nor the parameters."""
    with database.writing() as session:
        session.add(donor("qzx@example.com", id=1))
    with pytest.raises(IntegrityError) as refused, database.writing() as session:
        session.add(donor("qzx@example.com", id=1, name="qzx"))
    assert "donor" in str(refused.value)
    chain = (refused.value, refused.value.orig)
    assert [error for error in chain if "qzx" in f"{error!s}{error!r}"] == []


def test_a_broken_rule_is_named(database: Database) -> None:
    """PostgreSQL would quote the whole row of a broken rule; only its first line is kept."""
    if database.is_sqlite:
        return
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE donor ADD CONSTRAINT no_names CHECK (name = '')"))
    with pytest.raises(IntegrityError) as refused, database.writing() as session:
        session.add(donor(name="qzx"))
    assert "no_names" in str(refused.value)
    assert "qzx" not in f"{refused.value!s}{refused.value.orig!s}{refused.value.orig!r}"
