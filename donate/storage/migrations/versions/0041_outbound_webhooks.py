"""Create the tables of outbound webhooks: receivers, the events they want, and deliveries."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"

_ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "webhook_receiver",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column("form_key", sa.String(length=128), nullable=False, unique=True),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("description", sa.String(length=100), nullable=False),
        sa.Column("with_donor", sa.Boolean(), nullable=False),
        sa.Column("secret", sa.String(length=300), nullable=False),
        sa.Column("old_secret", sa.String(length=300), nullable=False),
        sa.Column("old_secret_until", _INSTANT, nullable=True),
        sa.Column("added_at", _INSTANT, nullable=False),
        sa.Column("disabled_at", _INSTANT, nullable=True),
        sa.Column("disabled_why", sa.String(length=16), nullable=False),
        sa.Column("free_at", _INSTANT, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", _INSTANT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("url LIKE 'http%'", name="webhook_receiver_has_a_url"),
        sa.CheckConstraint(
            "(old_secret = '') = (old_secret_until IS NULL)",
            name="webhook_receiver_old_secret_ends",
        ),
        sa.CheckConstraint(
            "(disabled_at IS NULL) = (disabled_why = '')", name="webhook_receiver_disabled_why"
        ),
        sa.CheckConstraint(
            "failures >= 0 AND (failures = 0) = (failing_since IS NULL)",
            name="webhook_receiver_failing_since",
        ),
    )
    op.create_table(
        "webhook_subscription",
        sa.Column(
            "receiver_id",
            sa.BigInteger(),
            sa.ForeignKey("webhook_receiver.id"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("event", sa.String(length=32), primary_key=True),
        sa.Column("wanted_from", _INSTANT, nullable=False),
    )
    op.create_table(
        "webhook_delivery",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column(
            "receiver_id", sa.BigInteger(), sa.ForeignKey("webhook_receiver.id"), nullable=False
        ),
        sa.Column("event", sa.String(length=32), nullable=False),
        # Where the service itself removes a gift that was never paid, its deliveries go too.
        sa.Column(
            "fact_id",
            sa.BigInteger(),
            sa.ForeignKey("gift_fact.id", ondelete="CASCADE"),
            nullable=True,
        ),
        sa.Column("change", sa.String(length=16), nullable=False),
        sa.Column("message_id", sa.String(length=64), nullable=False, unique=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("found_at", _INSTANT, nullable=False),
        sa.Column("due_at", _INSTANT, nullable=False),
        sa.Column("delivered_at", _INSTANT, nullable=True),
        sa.Column("answer_code", sa.Integer(), nullable=True),
        sa.Column("answer", sa.String(length=500), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.UniqueConstraint("receiver_id", "fact_id", "change", name="webhook_delivery_once"),
        sa.CheckConstraint(
            "(event = 'webhook.test') = (fact_id IS NULL)", name="webhook_delivery_has_a_fact"
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'delivered', 'failed', 'dismissed')",
            name="webhook_delivery_state_is_known",
        ),
        sa.CheckConstraint(
            "(state = 'delivered') = (delivered_at IS NOT NULL)",
            name="webhook_delivery_has_a_time",
        ),
        sa.CheckConstraint(
            "answer_code IS NULL OR reason = ''", name="webhook_delivery_answer_or_reason"
        ),
    )
    op.create_index(
        "webhook_delivery_due", "webhook_delivery", ["state", "receiver_id", "due_at", "id"]
    )
    op.create_index("webhook_delivery_newest", "webhook_delivery", ["receiver_id", "id"])
    op.create_index("webhook_delivery_of_fact", "webhook_delivery", ["fact_id"])
