"""What the account of PostgreSQL may do with which the service runs: as little as it needs.

Another account owns the tables and migrates them. Whoever takes over the service then can neither
drop a table nor switch off the triggers that keep what was recorded.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from donate.errors import Misconfigured
from donate.storage.constraints import AMENDED, APPEND_ONLY

_VERSION_TABLE: Final = "alembic_version"
# Whoever changes or erases a chained row locks its links first, and a lock needs the right to
# update a column. The trigger of the table refuses every update all the same.
_LOCKED: Final = {"chain_link": "position"}
# Every statement runs in the schema of the tables, whatever else is in the database.
_OUR_TABLES: Final = """
    SELECT c.oid, c.relname, c.relowner FROM pg_class c
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
"""
_ACCOUNTS: Final = text(
    f"""SELECT DISTINCT grantee.rolname FROM ({_OUR_TABLES}) AS ours
    JOIN pg_class c ON c.oid = ours.oid, aclexplode(c.relacl) AS granted
    JOIN pg_roles grantee ON grantee.oid = granted.grantee
    WHERE c.relname = '{_VERSION_TABLE}' AND granted.privilege_type = 'SELECT'
    AND granted.grantee <> c.relowner"""  # noqa: S608 -- no input in it
)
_IS_OWNER: Final = text(
    f"""SELECT bool_or(pg_has_role(CAST(:account AS name), relowner, 'USAGE'))
    FROM ({_OUR_TABLES}) AS ours"""  # noqa: S608 -- no input in it
)
_EXCESS: Final = text(
    f"""SELECT
    (SELECT bool_or(pg_has_role(relowner, 'USAGE')) FROM ({_OUR_TABLES}) AS ours)
    OR has_schema_privilege(current_schema(), 'CREATE')
    OR (SELECT bool_or(has_table_privilege(oid, 'TRUNCATE, TRIGGER, REFERENCES'))
        FROM ({_OUR_TABLES}) AS ours)"""  # noqa: S608 -- no input in it
)
_NOT_THE_OWNER: Final = (
    "the account of PostgreSQL in DATABASE_URL may not do this: run `donate db upgrade` or "
    "`donate db grant` with the account that owns the tables"
)
_NO_RIGHT: Final = "42501"  # PostgreSQL's code for a statement that the account may not run


def rights_on(table: str) -> str:
    """Return the rights that the service needs on a table, as GRANT names them."""
    if table == _VERSION_TABLE:
        return "SELECT"
    if table in APPEND_ONLY and table not in AMENDED:
        locked = f", UPDATE ({_LOCKED[table]})" if table in _LOCKED else ""
        return f"SELECT, INSERT{locked}"
    return "SELECT, INSERT, UPDATE, DELETE"


def service_accounts(connection: Connection) -> list[str]:
    """Return the accounts that got rights with `grant_rights`."""
    return sorted(connection.execute(_ACCOUNTS).scalars())


def grant_rights(connection: Connection, account: str) -> None:
    """Give an account what the service needs on each table, and take away all else.

    Raises Misconfigured if there is no such account, if it owns the tables, or if the account of
    this connection does not.
    """
    # PostgreSQL only warns whoever grants what is not theirs.
    if not _owns(connection, connection.execute(text("SELECT current_user")).scalar_one()):
        raise Misconfigured(_NOT_THE_OWNER)
    exists = text("SELECT count(*) FROM pg_roles WHERE rolname = :account")
    if not connection.execute(exists, {"account": account}).scalar_one():
        raise Misconfigured(f"PostgreSQL has no account {account}: make it with CREATE ROLE")
    if _owns(connection, account):
        raise Misconfigured(
            f"the account {account} may do all with the tables, so rights mean nothing to it: "
            "make another account for the service"
        )
    quote = connection.dialect.identifier_preparer.quote_identifier
    role = quote(account)
    schema = quote(connection.execute(text("SELECT current_schema()")).scalar_one())
    for statement in (
        f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC",
        f"REVOKE ALL ON SCHEMA {schema} FROM {role}",
        f"GRANT USAGE ON SCHEMA {schema} TO {role}",
        f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {role}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
        *(
            f"GRANT {rights_on(table)} ON {schema}.{quote(table)} TO {role}"
            for table in sorted(inspect(connection).get_table_names())
        ),
    ):
        connection.exec_driver_sql(statement)


def may_alter_tables(connection: Connection) -> bool:
    """Whether the account of this connection may alter, drop or empty tables, or make new ones."""
    return bool(connection.execute(_EXCESS).scalar_one())


def _owns(connection: Connection, account: str) -> bool:
    return bool(connection.execute(_IS_OWNER, {"account": account}).scalar_one())


@contextmanager
def explained_rights() -> Iterator[None]:
    """Raise Misconfigured if the account may not do what is tried inside the `with` block."""
    try:
        yield
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == _NO_RIGHT:
            raise Misconfigured(_NOT_THE_OWNER) from error
        raise
