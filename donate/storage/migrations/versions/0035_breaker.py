"""Create the tables of the breaker, and of the checkout sessions that it ends at Stripe."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"

_ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "attempt_count",
        sa.Column("name", sa.String(length=100), primary_key=True),
        sa.Column("minute", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.CheckConstraint("count > 0", name="attempt_count_counts"),
    )
    op.create_index("attempt_count_old", "attempt_count", ["minute"])
    op.create_table(
        "breaker_switch",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column("position", sa.String(length=16), nullable=False),
        sa.Column("set_by", sa.String(length=64), nullable=False),
        sa.Column("set_at", _INSTANT, nullable=False),
        sa.CheckConstraint("position IN ('automatic', 'pause', 'calm')", name="switch_is_known"),
    )
    op.create_table(
        "attack",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column("lane", sa.String(length=16), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("began_at", _INSTANT, nullable=False),
        sa.Column("ended_at", _INSTANT, nullable=True),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("opened", "asked", "refused")),
        sa.CheckConstraint("level BETWEEN 0 AND 2", name="attack_level_is_known"),
        sa.CheckConstraint("ended_at >= began_at", name="attack_ends_after_it_began"),
    )
    op.create_index("attack_open", "attack", ["ended_at", "id"])
    # A lane has at most one attack that has not ended, whichever process notices it first.
    op.create_index(
        "attack_one_at_a_time",
        "attack",
        ["lane"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    attack = sa.ForeignKey("attack.id")
    op.create_table(
        "attack_step",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column("attack_id", _ROW_NUMBER, attack, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("level", "unpaid", "declined", "asked", "refused")
        ),
    )
    op.create_index("ix_attack_step_attack_id", "attack_step", ["attack_id"])
    op.create_table(
        "attack_network",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column("attack_id", _ROW_NUMBER, sa.ForeignKey("attack.id"), nullable=False),
        sa.Column("network", sa.String(length=64), nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("minute", "opened", "asked", "refused")
        ),
        sa.UniqueConstraint("attack_id", "network", name="attack_network_once"),
    )
    op.create_table(
        "open_expiry",
        sa.Column("session_id", sa.String(length=255), primary_key=True),
        sa.Column("requested_at", _INSTANT, nullable=False),
        sa.Column("ask_at", _INSTANT, nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
    )
    op.create_index("open_expiry_to_ask", "open_expiry", ["ask_at"])
