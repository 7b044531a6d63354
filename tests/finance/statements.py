"""Records the SELECT statements that run, and asks the database how it runs them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event as hook
from sqlalchemy.engine import Connection

from donate.storage.database import Database


@contextmanager
def selects() -> Iterator[list[tuple[str, Any]]]:
    """Yield a list that gets each SELECT that runs, with its parameters."""
    found: list[tuple[str, Any]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if statement.startswith("SELECT"):
            found.append((statement, parameters))

    hook.listen(Connection, "before_cursor_execute", note)
    try:
        yield found
    finally:
        hook.remove(Connection, "before_cursor_execute", note)


def plans(database: Database, statements: Sequence[tuple[str, Any]]) -> list[str]:
    """Return the plan of each statement."""
    on_sqlite = database.engine.dialect.name == "sqlite"
    found = []
    with database.reading() as session:
        connection = session.connection()
        if not on_sqlite:
            # Without this, PostgreSQL reads a small table as a whole instead of using an index.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for statement, parameters in statements:
            explain = "EXPLAIN QUERY PLAN" if on_sqlite else "EXPLAIN"
            plan = connection.exec_driver_sql(f"{explain} {statement}", parameters)
            found.append("\n".join(str(row[-1]) for row in plan))
    return found
