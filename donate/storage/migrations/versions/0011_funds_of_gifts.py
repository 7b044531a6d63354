"""Move the fund from `gift_wish` to `gift`, so that each monthly payment of a pledge has a fund."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_FUND_OF_FIRST_GIFT = """
    UPDATE gift SET fund = gift_wish.fund FROM gift_wish
    WHERE gift_wish.gift_id = coalesce(gift.pledge_id, gift.id) AND gift_wish.fund <> ''
"""
_DELETE_EMPTY = """
    DELETE FROM gift_wish WHERE is_anonymous = :no AND note = '' AND tribute_kind = ''
    AND tribute_name = '' AND fee_cover_minor = 0
"""


def upgrade() -> None:
    fund = sa.Column("fund", sa.String(length=32), nullable=False, server_default="")
    op.add_column("gift", fund)
    op.execute(_FUND_OF_FIRST_GIFT)
    op.drop_column("gift_wish", "fund")
    op.get_bind().execute(sa.text(_DELETE_EMPTY), {"no": False})
