"""Limit the returned amount of a gift to the received amount."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute(
        "UPDATE gift SET returned_minor = received_minor WHERE returned_minor > received_minor"
    )
