"""Create donor profiles, and give each existing gift the profile of its e-mail address."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from donate.gifts.donor_profiles.assignment import new_profile
from donate.gifts.donor_profiles.rules import email_key, name_words

revision = "0014"
down_revision = "0013"

_BATCH_SIZE = 1_000
_INSTANT = sa.DateTime(timezone=True)
_ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_gift = sa.table(
    "gift",
    sa.column("id", sa.Uuid()),
    sa.column("donor_id", sa.BigInteger()),
    sa.column("opened_at", _INSTANT),
    sa.column("profile_id", sa.BigInteger()),
)
_donor = sa.table(
    "donor",
    sa.column("id", sa.BigInteger()),
    *(sa.column(name, sa.String()) for name in ("name", "email", "country", "language")),
)
_MOVEMENTS_OF_BATCH = sa.text(
    "UPDATE gift_movement SET profile_id = gift.profile_id, fund = gift.fund FROM gift "
    "WHERE gift.id = gift_movement.gift_id AND gift.id BETWEEN :first AND :last"
).bindparams(sa.bindparam("first", type_=sa.Uuid()), sa.bindparam("last", type_=sa.Uuid()))


def upgrade() -> None:
    profile, word = _create_tables()
    # SQLite can add a column with a foreign key only with this SQL, and the column cannot be NOT
    # NULL.
    for table in ("gift", "gift_movement"):
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN profile_id BIGINT REFERENCES donor_profile (id)"
        )
    fund = sa.Column("fund", sa.String(length=32), nullable=False, server_default="")
    op.add_column("gift_movement", fund)
    _fill(op.get_bind(), profile, word)
    _create_indexes()


def _create_tables() -> tuple[sa.Table, sa.Table]:
    profile = op.create_table(
        "donor_profile",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("email_key", _sorted_by_bytes(254), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("first_name", sa.String(length=100), nullable=False),
        sa.Column("initial", sa.String(length=10), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("street", sa.String(length=200), nullable=False),
        sa.Column("city", sa.String(length=100), nullable=False),
        sa.Column("province", sa.String(length=100), nullable=False),
        sa.Column("postal_code", sa.String(length=20), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("merged_into_id", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["merged_into_id"], ["donor_profile.id"]),
        sa.CheckConstraint("merged_into_id <> id", name="donor_profile_is_not_in_itself"),
        sa.CheckConstraint("version > 0", name="donor_profile_version_is_positive"),
    )
    has_email = sa.text("email_key <> ''")
    op.create_index(
        "donor_profile_email",
        "donor_profile",
        ["email_key"],
        unique=True,
        sqlite_where=has_email,
        postgresql_where=has_email,
    )
    word = op.create_table(
        "donor_name_word",
        sa.Column("word", _sorted_by_bytes(64), nullable=False),
        sa.Column("profile_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("word", "profile_id"),
        sa.ForeignKeyConstraint(["profile_id"], ["donor_profile.id"]),
    )
    op.create_table(
        "donor_edit",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column("profile_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("field", sa.String(length=32), nullable=False),
        sa.Column("old", sa.String(length=254), nullable=False),
        sa.Column("new", sa.String(length=254), nullable=False),
        sa.Column("edited_by", sa.String(length=64), nullable=False),
        sa.Column("edited_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["profile_id"], ["donor_profile.id"]),
    )
    op.create_table(
        "donor_note",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column("profile_id", sa.BigInteger(), nullable=False),
        sa.Column("form_key", sa.String(length=64), nullable=False),
        sa.Column("text", sa.String(length=2_000), nullable=False),
        sa.Column("corrects_id", sa.BigInteger(), nullable=True),
        sa.Column("written_by", sa.String(length=64), nullable=False),
        sa.Column("written_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["profile_id"], ["donor_profile.id"]),
        sa.ForeignKeyConstraint(["corrects_id"], ["donor_note.id"]),
        sa.CheckConstraint("length(text) <= 2000", name="donor_note_is_short"),
        sa.UniqueConstraint("form_key"),
        sa.UniqueConstraint("corrects_id"),
    )
    op.create_table(
        "donor_merge",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column("profile_id", sa.BigInteger(), nullable=False),
        sa.Column("into_id", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.String(length=500), nullable=False),
        sa.Column("merged_by", sa.String(length=64), nullable=False),
        sa.Column("merged_at", _INSTANT, nullable=False),
        sa.Column("undone_by", sa.String(length=64), nullable=False),
        sa.Column("undone_at", _INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["profile_id"], ["donor_profile.id"]),
        sa.ForeignKeyConstraint(["into_id"], ["donor_profile.id"]),
        sa.CheckConstraint("profile_id <> into_id", name="donor_merge_joins_two"),
        sa.CheckConstraint(
            "(undone_at IS NULL) = (undone_by = '')", name="donor_merge_undone_has_a_person"
        ),
    )
    return profile, word


def _sorted_by_bytes(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def _fill(connection: sa.Connection, profile: sa.Table, word: sa.Table) -> None:
    """Go through the gifts in the order of their ids. Each id begins with the time."""
    after = None
    page = (
        sa.select(_gift.c.id, _gift.c.opened_at, *(c for c in _donor.c if c.name != "id"))
        .join_from(_gift, _donor, _donor.c.id == _gift.c.donor_id)
        .order_by(_gift.c.id)
        .limit(_BATCH_SIZE)
    )
    set_profile = (
        sa.update(_gift)
        .where(_gift.c.id == sa.bindparam("gift"))
        .values(profile_id=sa.bindparam("profile"))
    )
    while True:
        gifts = connection.execute(page if after is None else page.where(_gift.c.id > after)).all()
        if not gifts:
            return
        profiles = _profiles_of(connection, gifts, profile, word)
        rows = [{"gift": gift.id, "profile": profiles[email_key(gift.email)]} for gift in gifts]
        connection.execute(set_profile, rows)
        first, after = gifts[0].id, gifts[-1].id
        connection.execute(_MOVEMENTS_OF_BATCH, {"first": first, "last": after})


def _profiles_of(
    connection: sa.Connection, gifts: Any, profile: sa.Table, word: sa.Table
) -> dict[str, int]:
    """Return the profile of each e-mail address in these gifts, and create the missing profiles."""
    keys = {email_key(gift.email) for gift in gifts}
    of_keys = sa.select(profile.c.email_key, profile.c.id, profile.c.name).where(
        profile.c.email_key.in_(keys)
    )
    known = {row.email_key for row in connection.execute(of_keys)}
    new: dict[str, dict[str, Any]] = {}
    for gift in gifts:  # the first gift of an address gives the profile its values
        key = email_key(gift.email)
        if key not in known and key not in new:
            new[key] = new_profile(gift, gift.opened_at) | {"kind": "unknown"}
    if new:
        connection.execute(profile.insert(), list(new.values()))
    found = {row.email_key: row.id for row in connection.execute(of_keys)}
    words = {
        (each, found[email_key(gift.email)]) for gift in gifts for each in name_words(gift.name)
    }
    numbers = list(found.values())
    stored = connection.execute(
        sa.select(word.c.word, word.c.profile_id).where(word.c.profile_id.in_(numbers))
    )
    missing = words - {(row.word, row.profile_id) for row in stored}
    if missing:
        rows = [{"word": each, "profile_id": number} for each, number in sorted(missing)]
        connection.execute(word.insert(), rows)
    return found


def _create_indexes() -> None:
    begins_pledge, is_received = sa.text("pledge_id = id"), sa.text("received_on IS NOT NULL")
    is_main, in_force = sa.text("merged_into_id IS NULL"), sa.text("undone_at IS NULL")
    for name, table, columns, where in (
        ("donor_profile_merged", "donor_profile", ["merged_into_id"], None),
        ("donor_profile_newest", "donor_profile", ["id"], is_main),
        ("donor_name_word_of_profile", "donor_name_word", ["profile_id", "word"], None),
        ("donor_edit_of_profile", "donor_edit", ["profile_id", "id"], None),
        ("donor_note_of_profile", "donor_note", ["profile_id", "id"], None),
        ("donor_merge_of_profile", "donor_merge", ["profile_id"], None),
        ("donor_merge_into", "donor_merge", ["into_id"], None),
        ("gift_by_profile", "gift", ["profile_id", "opened_at", "id"], None),
        ("gift_received_by_profile", "gift", ["profile_id", "received_on"], is_received),
        ("gift_pledges_by_profile", "gift", ["profile_id", "opened_at", "id"], begins_pledge),
        (
            "gift_movement_by_profile",
            "gift_movement",
            ["profile_id", "currency", "fund", "day", "amount_minor"],
            None,
        ),
    ):
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
    op.create_index(
        "donor_merge_in_force",
        "donor_merge",
        ["profile_id"],
        unique=True,
        sqlite_where=in_force,
        postgresql_where=in_force,
    )
