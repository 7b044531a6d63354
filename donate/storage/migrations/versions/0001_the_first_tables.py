"""Create the first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

INSTANT = sa.DateTime(timezone=True)
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# Triggers refuse updates and deletes of facts and of the staff's activity log.
SQLITE_APPEND_ONLY = """
CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, 'rows here are only ever added'); END
"""
POSTGRESQL_REFUSE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'rows here are only ever added'; END $$
"""
POSTGRESQL_APPEND_ONLY = """
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
"""


def upgrade() -> None:
    op.create_table(
        "donor",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_donor_email", "donor", ["email"])
    op.create_table(
        "sign_in_failure",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("failed_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("sign_in_failure_by_address", "sign_in_failure", ["address", "failed_at"])
    op.create_index(
        "sign_in_failure_by_email", "sign_in_failure", ["email", "address", "failed_at"]
    )
    op.create_table(
        "staff",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("password_hash", sa.String(length=500), nullable=False),
        sa.Column("added_at", INSTANT, nullable=False),
        sa.Column("disabled_at", INSTANT, nullable=True),
        sa.CheckConstraint("email = lower(email)", name="staff_email_is_lower_case"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email"),
    )
    op.create_table(
        "gift",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(length=32), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("form_key", sa.String(length=128), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("mode", sa.String(length=32), nullable=False),
        sa.Column("frequency", sa.String(length=16), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("donor_id", sa.BigInteger(), nullable=False),
        sa.Column("pledge_id", sa.Uuid(), nullable=True),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("received_minor", sa.BigInteger(), nullable=False),
        sa.Column("returned_minor", sa.BigInteger(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=True),
        sa.Column("flags", sa.String(length=200), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name="gift_amount_is_positive"),
        sa.CheckConstraint("length(currency) = 3", name="gift_currency_is_a_code"),
        sa.CheckConstraint(
            "received_minor >= 0 AND returned_minor >= 0 "
            "AND net_minor >= 0 AND net_minor <= received_minor",
            name="gift_net_is_within_received",
        ),
        sa.ForeignKeyConstraint(
            ["donor_id"],
            ["donor.id"],
        ),
        sa.ForeignKeyConstraint(["pledge_id"], ["gift.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("form_key"),
        sa.UniqueConstraint("id", "currency", name="gift_id_and_currency"),
        sa.UniqueConstraint("reference"),
        sa.UniqueConstraint("token"),
    )
    op.create_index("ix_gift_pledge_id", "gift", ["pledge_id"])
    op.create_index("gift_by_day_received", "gift", ["received_on"])
    op.create_index("gift_by_status", "gift", ["status", "opened_at"])
    op.create_index("gift_newest", "gift", ["opened_at", "id"])
    op.create_table(
        "staff_act",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("act", sa.String(length=64), nullable=False),
        sa.Column("about", sa.String(length=255), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("happened_at", INSTANT, nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"],
            ["staff.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("staff_act_newest", "staff_act", ["happened_at"])
    op.create_table(
        "staff_session",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("csrf_token", sa.String(length=64), nullable=False),
        sa.Column("signed_in_at", INSTANT, nullable=False),
        sa.Column("last_seen_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"],
            ["staff.id"],
        ),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index("ix_staff_session_staff_id", "staff_session", ["staff_id"])
    op.create_table(
        "staff_token",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("added_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"]),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index("ix_staff_token_staff_id", "staff_token", ["staff_id"])
    op.create_table(
        "gift_fact",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("gift_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("source_id", sa.String(length=255), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("happened_at", INSTANT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "(amount_minor IS NULL) = (currency IS NULL)", name="gift_fact_amount_has_currency"
        ),
        sa.CheckConstraint("amount_minor > 0", name="gift_fact_amount_is_positive"),
        sa.ForeignKeyConstraint(
            ["gift_id", "currency"], ["gift.id", "gift.currency"], name="gift_fact_in_currency"
        ),
        sa.ForeignKeyConstraint(
            ["gift_id"],
            ["gift.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "source_id", name="gift_fact_once"),
    )
    op.create_index("ix_gift_fact_gift_id", "gift_fact", ["gift_id"])
    op.create_table(
        "open_checkout",
        sa.Column("session_id", sa.String(length=255), nullable=False),
        sa.Column("gift_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("ask_at", INSTANT, nullable=True),
        sa.Column("asked_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["gift_id"],
            ["gift.id"],
        ),
        sa.PrimaryKeyConstraint("session_id"),
    )
    op.create_index("ix_open_checkout_gift_id", "open_checkout", ["gift_id"])
    op.create_index("open_checkout_to_ask", "open_checkout", ["ask_at"])
    op.create_table(
        "open_refund",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("gift_id", sa.Uuid(), nullable=False),
        sa.Column("form_key", sa.String(length=128), nullable=False),
        sa.Column("payment", sa.String(length=255), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("requested_at", INSTANT, nullable=False),
        sa.Column("ask_at", INSTANT, nullable=True),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("keys_spent", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["gift_id"], ["gift.id"]),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("form_key"),
    )
    op.create_index("ix_open_refund_gift_id", "open_refund", ["gift_id"])
    op.create_index("open_refund_to_ask", "open_refund", ["ask_at"])
    op.create_table(
        "catchup_run",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("stretch", sa.Integer(), nullable=False),
        sa.Column("cursor", sa.String(length=255), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("objects", sa.Integer(), nullable=False),
        sa.Column("inbox_before", ROW_NUMBER, nullable=False),
        sa.Column("missed_at", INSTANT, nullable=True),
        sa.Column("totals", sa.JSON(), nullable=False),
        sa.Column("differing", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "webhook_heard",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("heard_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "stripe_event",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("event_id", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=255), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("waits_for", sa.String(length=255), nullable=True),
        sa.Column("gift_id", sa.Uuid(), nullable=True),
        sa.Column("settled_at", INSTANT, nullable=True),
        sa.Column("tied_to", sa.Uuid(), nullable=True),
        sa.Column("tied_by", sa.String(length=64), nullable=False),
        sa.Column("history", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["gift_id"],
            ["gift.id"],
        ),
        sa.ForeignKeyConstraint(["tied_to"], ["gift.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("event_id"),
    )
    op.create_index("ix_stripe_event_gift_id", "stripe_event", ["gift_id"])
    op.create_index("stripe_event_due", "stripe_event", ["state", "due_at", "id"])
    op.create_index("stripe_event_waits_for", "stripe_event", ["waits_for"])
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    if not on_sqlite:
        op.execute(POSTGRESQL_REFUSE)
    for table in ("gift_fact", "staff_act"):
        if on_sqlite:
            for verb in ("UPDATE", "DELETE"):
                op.execute(SQLITE_APPEND_ONLY.format(table=table, verb=verb))
        else:
            op.execute(POSTGRESQL_APPEND_ONLY.format(table=table))
