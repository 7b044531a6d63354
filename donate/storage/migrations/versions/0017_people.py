"""Add invitations, second factors, unfinished sign-ins, and details of sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

_LAST_SIGN_INS = """
    SELECT staff_id, max(happened_at) AS signed_in_at FROM staff_act
    WHERE act = 'signed_in' AND staff_id IS NOT NULL GROUP BY staff_id
"""


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    version = sa.Column("version", sa.Integer(), nullable=False, server_default=sa.text("1"))
    op.add_column("staff", sa.Column("signed_in_at", time, nullable=True))
    op.add_column("staff", version)
    op.add_column("staff_session", sa.Column("second_factor_at", time, nullable=True))
    for name in ("address", "browser"):
        text = sa.String(length=64)
        column = sa.Column(name, text, nullable=False, server_default=sa.text("''"))
        op.add_column("staff_session", column)
    _fill_last_sign_ins()
    _add_tables()


def _fill_last_sign_ins() -> None:
    """Store when each person last signed in, in one pass over the activity log."""
    connection = op.get_bind()
    update = sa.text("UPDATE staff SET signed_in_at = :signed_in_at WHERE id = :staff_id")
    for row in connection.execute(sa.text(_LAST_SIGN_INS)).mappings().all():
        connection.execute(update, dict(row))


def _add_tables() -> None:
    time, text = sa.DateTime(timezone=True), sa.String(length=64)
    op.create_table(
        "staff_invitation",
        sa.Column("token_hash", text, primary_key=True),
        sa.Column("staff_id", sa.BigInteger(), sa.ForeignKey("staff.id"), nullable=False),
        sa.Column("expires_at", time, nullable=False),
    )
    op.create_table(
        "second_factor",
        sa.Column(
            "staff_id",
            sa.BigInteger(),
            sa.ForeignKey("staff.id"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("secret", sa.String(length=300), nullable=False),
        sa.Column("confirmed_at", time, nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "recovery_code",
        sa.Column("code_hash", text, primary_key=True),
        sa.Column("staff_id", sa.BigInteger(), sa.ForeignKey("staff.id"), nullable=False),
        sa.Column("used_at", time, nullable=True),
    )
    op.create_table(
        "pending_sign_in",
        sa.Column("token_hash", text, primary_key=True),
        sa.Column("staff_id", sa.BigInteger(), sa.ForeignKey("staff.id"), nullable=False),
        sa.Column("target", sa.String(length=500), nullable=False),
        sa.Column("expires_at", time, nullable=False),
    )
    op.create_table(
        "provider_sign_in",
        sa.Column("state_hash", text, primary_key=True),
        sa.Column("browser_hash", text, nullable=False),
        sa.Column("nonce", text, nullable=False),
        sa.Column("code_verifier", text, nullable=False),
        sa.Column("target", sa.String(length=500), nullable=False),
        sa.Column("address", text, nullable=False),
        sa.Column("expires_at", time, nullable=False),
    )
    for table in ("staff_invitation", "recovery_code", "pending_sign_in"):
        op.create_index(f"ix_{table}_staff_id", table, ["staff_id"])
    op.create_index("provider_sign_in_by_address", "provider_sign_in", ["address", "expires_at"])
