"""Let the service prune never-paid gifts and the bodies of settled events, and erase donors.

Totals still count pruned gifts, so the table `pruned_total` has their shares.
"""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"

_KEY = ("day", "subject", "kind", "currency", "code", "mode", "fund")
_HAS_BODY = sa.text("settled_at IS NOT NULL AND length(payload) > 0")
# FTS5 has to be told the words of a row that is deleted.
_SQLITE_WORDS_GONE = """
CREATE TRIGGER search_document_words_gone AFTER DELETE ON search_document BEGIN
    INSERT INTO search_words (search_words, rowid, words) VALUES ('delete', old.id, old.words);
END
"""
_SQLITE_KEPT = """
CREATE TRIGGER gift_with_money_is_kept BEFORE DELETE ON gift
WHEN OLD.received_minor <> 0 OR OLD.status NOT IN ('awaited', 'lapsed', 'failed')
BEGIN SELECT RAISE(ABORT, 'only gifts that were never paid are pruned'); END
"""
_POSTGRESQL_KEPT = (
    """CREATE FUNCTION refuse_to_prune() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'only gifts that were never paid are pruned'; END $$""",
    """CREATE TRIGGER gift_with_money_is_kept BEFORE DELETE ON gift FOR EACH ROW
    WHEN (OLD.received_minor <> 0 OR OLD.status NOT IN ('awaited', 'lapsed', 'failed'))
    EXECUTE FUNCTION refuse_to_prune()""",
)


def upgrade() -> None:
    op.create_table(
        "pruned_total",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("day", sa.Date(), nullable=False),
        *(
            sa.Column(name, sa.String(length=length), nullable=False)
            for name, length in zip(_KEY[1:], (16, 32, 3, 16, 32, 32), strict=True)
        ),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint(*_KEY, name="pruned_total_once"),
        sa.CheckConstraint("subject IN ('gift', 'pledge')", name="pruned_total_has_no_money"),
        sa.CheckConstraint("count > 0", name="pruned_total_counts"),
    )
    op.add_column("donor_profile", sa.Column("erased_at", sa.DateTime(timezone=True)))
    op.create_index(
        "stripe_event_with_body",
        "stripe_event",
        ["settled_at"],
        sqlite_where=_HAS_BODY,
        postgresql_where=_HAS_BODY,
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute(_SQLITE_WORDS_GONE)
        op.execute(_SQLITE_KEPT)
    else:
        for statement in _POSTGRESQL_KEPT:
            op.execute(statement)
