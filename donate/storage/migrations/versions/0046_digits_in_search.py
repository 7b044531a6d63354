"""Add the last four digits of cards and bank accounts to the search keys of gifts."""

from alembic import op

revision = "0046"
down_revision = "0045"

_ADD = {
    "sqlite": (
        "INSERT INTO search_key (kind, key, gift_id) "
        "SELECT DISTINCT 'card', json_extract(evidence, '$.last4'), gift_id FROM gift_fact "
        "WHERE length(json_extract(evidence, '$.last4')) = 4 ON CONFLICT DO NOTHING"
    ),
    "postgresql": (
        "INSERT INTO search_key (kind, key, gift_id) "
        "SELECT DISTINCT 'card', evidence ->> 'last4', gift_id FROM gift_fact "
        "WHERE length(evidence ->> 'last4') = 4 ON CONFLICT DO NOTHING"
    ),
}


def upgrade() -> None:
    op.execute(_ADD[op.get_bind().dialect.name])
