"""Add the language in which each member of staff reads pages."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    language = sa.Column("language", sa.String(16), nullable=False, server_default="en-CA")
    op.add_column("staff", language)
