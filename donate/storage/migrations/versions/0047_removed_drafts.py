"""Empty what removed drafts say about donors, and index the events that staff tied to a gift."""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"

_IS_TIED = sa.text("tied_to IS NOT NULL")


def upgrade() -> None:
    op.execute(
        "UPDATE offline_entry SET donor_name = '', donor_email = '', donor_address = '', note = '' "
        "WHERE state = 'removed'"
    )
    op.create_index(
        "stripe_event_tied",
        "stripe_event",
        ["tied_to"],
        sqlite_where=_IS_TIED,
        postgresql_where=_IS_TIED,
    )
