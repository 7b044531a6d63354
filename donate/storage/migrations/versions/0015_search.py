"""Create the search index, and fill it for existing gifts."""

import uuid
from collections import defaultdict
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

from donate.gifts.facts import Fact, FactKind
from donate.gifts.search_index.contents import Key, fact_keys, gift_words, note_words
from donate.gifts.search_index.models import KeyKind
from donate.gifts.search_index.recorder import document_row, key_row
from donate.storage.column_types import EnumText, UtcDateTime

revision = "0015"
down_revision = "0014"

_BATCH_SIZE = 500
# FTS5 reads the words from the table search_document, so they are stored only once. The tokenizer
# ascii splits words only at spaces and other ASCII signs. Each word begins with a letter for its
# kind, and the prefix index counts that letter too. So prefix 2 of a name is the letter and the
# first character of the name.
_SQLITE = (
    """CREATE VIRTUAL TABLE search_words USING fts5(
        words, content='search_document', content_rowid='id', tokenize='ascii',
        detail='none', columnsize=0, prefix='2 3 4'
    )""",
    """CREATE TRIGGER search_document_words AFTER INSERT ON search_document BEGIN
        INSERT INTO search_words (rowid, words) VALUES (new.id, new.words);
    END""",
)
_gift = sa.table(
    "gift",
    sa.column("id", sa.Uuid()),
    sa.column("donor_id", sa.BigInteger()),
    sa.column("reference", sa.String()),
    sa.column("opened_at", UtcDateTime()),
)
_donor = sa.table(
    "donor",
    sa.column("id", sa.BigInteger()),
    *(sa.column(name, sa.String()) for name in ("name", "email")),
)
_wish = sa.table(
    "gift_wish",
    sa.column("gift_id", sa.Uuid()),
    *(sa.column(name, sa.String()) for name in ("tribute_name", "note")),
)
_fact = sa.table(
    "gift_fact",
    sa.column("id", sa.BigInteger()),
    sa.column("gift_id", sa.Uuid()),
    *(sa.column(name, sa.String()) for name in ("kind", "source_id")),
    sa.column("happened_at", UtcDateTime()),
    sa.column("actor", sa.String()),
    sa.column("amount_minor", sa.BigInteger()),
    sa.column("currency", sa.String()),
    sa.column("evidence", sa.JSON()),
)


def upgrade() -> None:
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    document = op.create_table(
        "search_document",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("gift_id", sa.Uuid(), nullable=False),
        sa.Column("words", sa.Text().with_variant(TSVECTOR(), "postgresql"), nullable=False),
    )
    key = op.create_table(
        "search_key",
        sa.Column("kind", EnumText(KeyKind, 16, "search_key.kind"), primary_key=True),
        sa.Column(
            "key",
            sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql"),
            primary_key=True,
        ),
        sa.Column("gift_id", sa.Uuid(), primary_key=True),
        sqlite_with_rowid=False,
    )
    for statement in _SQLITE if on_sqlite else ():
        op.execute(statement)
    _fill(document, key)
    op.create_index(
        "search_document_words",
        "search_document",
        ["words"],
        postgresql_using="gin",
        sqlite_where=sa.text("false"),
    )
    op.create_index("search_document_by_gift", "search_document", ["gift_id"])


def _fill(document: sa.Table, key: sa.Table) -> None:
    """Fill both tables, the oldest gift first, a batch at a time."""
    connection = op.get_bind()
    columns = (*_gift.c, _donor.c.name, _donor.c.email, _wish.c.tribute_name, _wish.c.note)
    page = (
        sa.select(*columns)
        .join_from(_gift, _donor, _donor.c.id == _gift.c.donor_id)
        .outerjoin(_wish, _wish.c.gift_id == _gift.c.id)
        .order_by(_gift.c.opened_at, _gift.c.id)
        .limit(_BATCH_SIZE)
    )
    place = sa.tuple_(_gift.c.opened_at, _gift.c.id)
    gifts = connection.execute(page).all()
    while gifts:
        documents: list[dict[str, Any]] = [
            document_row(
                gift.id,
                gift_words(
                    name=gift.name,
                    email=gift.email,
                    reference=gift.reference,
                    tribute=gift.tribute_name or "",
                    note=gift.note or "",
                ),
            )
            for gift in gifts
        ]
        of_these = _fact.c.gift_id.in_([gift.id for gift in gifts])
        keys: defaultdict[uuid.UUID, set[Key]] = defaultdict(set)
        for _, gift_id, kind, *rest in connection.execute(
            sa.select(*_fact.c).where(of_these).order_by(_fact.c.id)
        ):
            fact = Fact(FactKind(kind), *rest)
            keys[gift_id].update(fact_keys(fact))
            words = note_words(fact.note)
            documents += [document_row(gift_id, words)] if words else []
        connection.execute(document.insert(), documents)
        rows = [key_row(gift_id, each) for gift_id, some in keys.items() for each in some]
        if rows:
            connection.execute(key.insert(), rows)
        after = (gifts[-1].opened_at, gifts[-1].id)
        gifts = connection.execute(page.where(place > after)).all()
