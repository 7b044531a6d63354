"""Store the newest fact that each letter took into account, so that errors can be corrected."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

# Letters sent before this migration included the facts recorded by then.
_KNEW = """
UPDATE letter SET knew = (
    SELECT max(fact.id) FROM gift_fact AS fact
    WHERE fact.gift_id = letter.gift_id AND fact.recorded_at <= letter.sent_at
)
WHERE kind = 'thank_you' AND state = 'sent'
"""
# The occasion of a thank-you letter for a transfer is now the last transfer that it took into
# account.
_OCCASION = """
UPDATE letter SET occasion = (
    SELECT fact.source_id FROM gift_fact AS fact
    WHERE fact.gift_id = letter.gift_id AND fact.kind = 'transfer_received'
        AND fact.recorded_at <= coalesce(letter.sent_at, letter.due_at)
    ORDER BY fact.id DESC LIMIT 1
)
WHERE kind = 'thank_you' AND occasion = '' AND EXISTS (
    SELECT 1 FROM gift_fact AS fact
    WHERE fact.gift_id = letter.gift_id AND fact.kind = 'transfer_received'
        AND fact.recorded_at <= coalesce(letter.sent_at, letter.due_at)
)
"""
STATEMENTS = (_KNEW, _OCCASION)


def upgrade() -> None:
    op.add_column("letter", sa.Column("knew", sa.BigInteger(), nullable=True))
    for statement in STATEMENTS:
        op.execute(statement)
