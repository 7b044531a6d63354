"""Create the tables of one-time links to the gifts of an e-mail address."""

import sqlalchemy as sa
from alembic import op

from donate.storage.column_types import UtcDateTime

revision = "0033"
down_revision = "0032"

_ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "donor_link_request",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.CheckConstraint("tries >= 0", name="donor_link_request_tries_are_counted"),
    )
    op.create_index("donor_link_request_due", "donor_link_request", ["due_at", "id"])
    op.create_table(
        "donor_link",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column("token_hash", sa.String(length=64), nullable=False, unique=True),
        sa.Column("profile_id", sa.BigInteger(), sa.ForeignKey("donor_profile.id"), nullable=False),
        sa.Column("mailbox", sa.String(length=254), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.Column("session_hash", sa.String(length=64), nullable=True, unique=True),
        sa.Column("session_ends_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("expires_at > made_at", name="donor_link_expires_later"),
        sa.CheckConstraint(
            "(used_at IS NULL) = (session_hash IS NULL) "
            "AND (used_at IS NULL) = (session_ends_at IS NULL)",
            name="donor_link_used_has_a_session",
        ),
        sa.CheckConstraint("used_at < expires_at", name="donor_link_used_in_time"),
    )
    op.create_index("donor_link_of_mailbox", "donor_link", ["mailbox", "made_at"])
    op.create_index("donor_link_made", "donor_link", ["made_at"])
