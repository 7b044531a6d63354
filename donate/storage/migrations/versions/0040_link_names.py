"""Store links of gifts as hashes, and remove their tokens from events. Old links still work."""

import base64
import hashlib
import hmac
import re
import uuid
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"

_BATCH = 500
_GIFT = sa.table("gift", sa.column("id", sa.Uuid()), sa.column("link_name", sa.String()))
_LETTER = sa.table("letter", sa.column("gift_id", sa.Uuid()), sa.column("kind", sa.String()))
_EVENT = sa.table(
    "stripe_event",
    *(sa.column("id", sa.BigInteger()), sa.column("type", sa.String())),
    sa.column("payload", sa.LargeBinary()),
)
# As in `stripe_gateway/webhooks/inbox.py`.
_LINK = re.compile(rb"(/gifts/)[A-Za-z0-9_-]{22,}")


def upgrade() -> None:
    bind = op.get_bind()
    if bind.dialect.name == "sqlite":
        # Overwrite what is deleted with zeros, so that no token stays in the file.
        bind.exec_driver_sql("PRAGMA secure_delete = ON")
    op.alter_column("gift", "token", new_column_name="link_name")
    if bind.dialect.name == "postgresql":
        op.execute("ALTER TABLE gift RENAME CONSTRAINT gift_token_key TO gift_link_name_key")
    stop_links = op.create_table(
        "old_stop_link",
        sa.Column("token_hash", sa.String(length=64), primary_key=True),
        sa.Column("gift_id", sa.Uuid(), sa.ForeignKey("gift.id"), nullable=False),
    )
    reminded = set(bind.scalars(sa.select(_LETTER.c.gift_id).where(_LETTER.c.kind == "unfinished")))
    for rows in _batches(sa.select(_GIFT.c.id, _GIFT.c.link_name), _GIFT.c.id):
        links = [_stop_link(gift_id, token) for gift_id, token in rows if gift_id in reminded]
        if links:
            bind.execute(stop_links.insert(), links)
        names = [{"gift": gift_id, "name": _name_of(token)} for gift_id, token in rows]
        renamed = sa.update(_GIFT).where(_GIFT.c.id == sa.bindparam("gift"))
        bind.execute(renamed.values(link_name=sa.bindparam("name")), names)
    # Stripe's page leads back to the gift's page. For a session that is open now, a donor who comes
    # back gets a new one.
    op.execute("UPDATE open_checkout SET url = ''")
    events = sa.select(_EVENT.c.id, _EVENT.c.payload).where(
        _EVENT.c.type.like("checkout.session.%") | (_EVENT.c.type == "unreadable")
    )
    for rows in _batches(events, _EVENT.c.id):
        without = [(number, old, _LINK.sub(rb"\1-", old)) for number, old in rows]
        changed = [{"event": number, "new": new} for number, old, new in without if new != old]
        if changed:
            scrubbed = sa.update(_EVENT).where(_EVENT.c.id == sa.bindparam("event"))
            bind.execute(scrubbed.values(payload=sa.bindparam("new")), changed)


def _batches(statement: sa.Select[Any], key: sa.ColumnClause[Any]) -> Iterator[list[Any]]:
    """Yield the rows of a statement whose first column is `key`, in batches."""
    last = None
    while True:
        page = statement.order_by(key).limit(_BATCH)
        rows = op.get_bind().execute(page if last is None else page.where(key > last)).all()
        if not rows:
            return
        yield [tuple(row) for row in rows]
        last = rows[-1][0]


def _name_of(token: str) -> str:
    """Return the new name of a link: a hash of its token, which nobody can compute back."""
    digest = hashlib.sha256(token.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode()[:22]


def _stop_link(gift_id: uuid.UUID, token: str) -> dict[str, Any]:
    """Return the row of the link to the page about reminders that this gift's e-mail had."""
    digest = hmac.digest(token.encode(), b"stop reminders", hashlib.sha256)
    stop_token = f"{gift_id.hex}{digest.hex()[:32]}"
    return {"token_hash": hashlib.sha256(stop_token.encode()).hexdigest(), "gift_id": gift_id}
