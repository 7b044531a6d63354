"""Random changes of chained rows and links, made in memory and in a database."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from functools import cache
from operator import attrgetter
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.types import NullType
from sqlmodel import Session, SQLModel, type_coerce

from donate.storage.chain.amendments import Amendment
from donate.storage.chain.links import Link
from donate.storage.chain.models import ChainLink
from donate.storage.chain.row_hashes import (
    CHAINED,
    ChainedTable,
    HashedRow,
    canonical_json,
    hash_row,
)
from donate.storage.chain.seals import Seal
from donate.storage.chain.verification import ChainCheck

Values = tuple[Any, ...]
LINK_FIELDS = [field.name for field in fields(Link)]
TABLES = {table.name: table for table in CHAINED}


def another(value: Any, dice: random.Random) -> Any:
    """Return a value of the same type that is a little different."""
    match value:
        case None:
            return dice.randrange(1, 10_000)
        case bool() | int():
            return value + dice.choice([-1, 1, dice.randrange(2, 1_000)])
        case bytes():
            place = dice.randrange(len(value)) if value else 0
            changed = (value[place] + dice.randrange(1, 256)) % 256 if value else 1
            return value[:place] + bytes([changed]) + value[place + 1 :]
        case datetime():
            return value + timedelta(microseconds=dice.choice([-1, 1, 86_400_000_000]))
        case str() if value.startswith("{"):
            return f'{{"note": "another {dice.random()}"}}'
        case str():
            place = dice.randrange(len(value) + 1)
            return value[:place] + dice.choice("abcxyz079") + value[place:]
    raise TypeError(type(value))


@dataclass
class ChainInMemory:
    """The rows of each table, sorted by id, and the links, as the database has them."""

    rows: dict[str, list[Values]]
    links: list[Link]

    @classmethod
    def read(cls, session: Session) -> "ChainInMemory":
        rows = {}
        for table in CHAINED:
            columns = SQLModel.metadata.tables[table.name].c
            raw = (type_coerce(columns[name], NullType()) for name in table.columns)
            rows[table.name] = [tuple(row) for row in session.execute(select(*raw).order_by("id"))]
        links = [
            Link(*(getattr(row, name) for name in LINK_FIELDS))
            for row in session.scalars(select(ChainLink).order_by("position"))
        ]
        return cls(rows, links)

    def copy(self) -> "ChainInMemory":
        return ChainInMemory({name: list(rows) for name, rows in self.rows.items()}, [*self.links])

    def problems(self, *seals: Seal) -> list[str]:
        return list(ChainCheck().problems(self.links, self._read, self._amendments, seals))

    def _amendments(self, position: int) -> list[Amendment]:
        columns = TABLES["chain_amendment"].columns
        named = (dict(zip(columns, row, strict=True)) for row in self.rows["chain_amendment"])
        of_link = [
            Amendment(*(row[name] for name in Amendment.__dataclass_fields__))
            for row in named
            if row["position"] == position
        ]
        of_link.sort(key=attrgetter("number"))
        return [replace(one, redacted=cast(Any, canonical_json(one.redacted))) for one in of_link]

    def _read(self, table: ChainedTable, first: int, last: int, limit: int) -> Sequence[HashedRow]:
        found = sorted(row for row in self.rows[table.name] if first <= row[0] <= last)
        return [_hash_once(table, row) for row in found[:limit]]


@cache
def _hash_once(table: ChainedTable, row: Values) -> HashedRow:
    return hash_row(table, row)


class Tamperer:
    """Changes a chain in memory in a random way, and says what it did."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    def change(self, chain: ChainInMemory) -> str:
        do = self._dice.choice(
            [
                *(self.edit, self.edit, self.insert, self.delete, self.swap, self.cut_rows),
                *(self.edit_link, self.edit_link, self.delete_link, self.swap_links),
                *(self.cut_end, self.copy_row),
            ]
        )
        return f"{do.__name__}: {do(chain)}"

    def _table(self, chain: ChainInMemory) -> tuple[ChainedTable, list[Values]]:
        table = self._dice.choice(CHAINED)
        return table, chain.rows[table.name]

    def edit(self, chain: ChainInMemory) -> str:
        """Change one column of one row."""
        table, rows = self._table(chain)
        number, place = self._dice.randrange(len(rows)), self._dice.randrange(len(table.columns))
        row = rows[number]
        after = another(row[place], self._dice)
        rows[number] = (*row[:place], after, *row[place + 1 :])
        return f"{table.name}.{table.columns[place]} from {row[place]!r} to {after!r}"

    def copy_row(self, chain: ChainInMemory) -> str:
        """Give a row the contents of another one."""
        table, rows = self._table(chain)
        one, other = self._dice.sample(range(len(rows)), 2)
        rows[one] = (rows[one][0], *rows[other][1:])
        return f"{table.name} {rows[other][0]} to {rows[one][0]}"

    def insert(self, chain: ChainInMemory) -> str:
        """Insert a copy of an old row under a free id: in a gap, or before or after all rows."""
        table, rows = self._table(chain)
        row = self._dice.choice(rows[: len(rows) // 2])
        taken = {each[0] for each in rows}
        free = [number for number in range(-3, max(taken) + 3) if number not in taken]
        number = self._dice.choice(free)
        rows.append((number, *row[1:]))
        return f"{table.name} {number}"

    def delete(self, chain: ChainInMemory) -> str:
        table, rows = self._table(chain)
        return f"{table.name} {rows.pop(self._dice.randrange(len(rows)))[0]}"

    def swap(self, chain: ChainInMemory) -> str:
        """Swap the ids of two rows."""
        table, rows = self._table(chain)
        places = one, other = self._dice.sample(range(len(rows)), 2)
        first, second = (rows[place] for place in places)
        rows[one], rows[other] = (first[0], *second[1:]), (second[0], *first[1:])
        return f"{table.name} {first[0]} and {second[0]}"

    def cut_rows(self, chain: ChainInMemory) -> str:
        """Delete the newest rows, and leave the links."""
        table, rows = self._table(chain)
        count = self._dice.randrange(1, len(rows) + 1)
        rows.sort()
        del rows[-count:]
        return f"{table.name}, {count} rows"

    def edit_link(self, chain: ChainInMemory) -> str:
        place = self._dice.randrange(len(chain.links))
        name = self._dice.choice(LINK_FIELDS)
        before = getattr(chain.links[place], name)
        chain.links[place] = replace(chain.links[place], **{name: another(before, self._dice)})
        return f"{name} of link {place + 1}"

    def delete_link(self, chain: ChainInMemory) -> str:
        place = self._dice.randrange(len(chain.links))
        del chain.links[place]
        return f"link {place + 1}"

    def swap_links(self, chain: ChainInMemory) -> str:
        """Swap all fields of two links except their positions."""
        one, other = self._dice.sample(range(len(chain.links)), 2)
        links = chain.links
        links[one], links[other] = (
            replace(links[other], position=links[one].position),
            replace(links[one], position=links[other].position),
        )
        return f"links {one + 1} and {other + 1}"

    def cut_end(self, chain: ChainInMemory) -> str:
        """Delete the newest links, and all rows that they cover."""
        count = self._dice.randrange(1, len(chain.links) + 1)
        for link in chain.links[-count:]:
            rows = chain.rows[link.table_name]
            rows[:] = [row for row in rows if not link.first_id <= row[0] <= link.last_id]
        del chain.links[-count:]
        return f"{count} links"


def seal_in_memory(chain: ChainInMemory) -> Seal:
    """Return the seal of the last link."""
    last = chain.links[-1]
    rows = sum(link.row_count for link in chain.links)
    return Seal(last.as_of.date(), last.position, rows, last.hash)


def tamperings(
    chain: ChainInMemory, how_many: int, seed: int
) -> Iterator[tuple[str, ChainInMemory]]:
    """Yield changed copies of a chain, each with what was changed."""
    tamperer = Tamperer(random.Random(seed))
    for _ in range(how_many):
        changed = chain.copy()
        yield tamperer.change(changed), changed
