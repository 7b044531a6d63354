"""Builds links and computes their hashes. Pure functions for the linker and the audit."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Final

from donate.storage.chain.row_hashes import HashedRow, canonical_time

LINK_ROWS: Final = 1_000
"""Maximum number of rows that one link covers."""
NO_LINK: Final = b""
"""The hash that stands in for the link before the first one."""
_ID_BYTES: Final = 8
HASH_BYTES: Final = 4
"""How many bytes of a row's hash a link keeps."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link of the chain, as stored."""

    position: int
    table_name: str
    first_id: int
    last_id: int
    row_count: int
    as_of: datetime
    fingerprints: bytes
    hash: bytes

    @property
    def is_full(self) -> bool:
        """Whether the link has the maximum number of rows.

        If it has, it may have no room for all rows that were there at `as_of`. The next link of the
        table then covers the others.
        """
        return self.row_count >= LINK_ROWS

    def fingerprint_of_each(self) -> dict[int, bytes]:
        """Return the first bytes of each row's hash, by the row's id."""
        size = _ID_BYTES + HASH_BYTES
        parts = (self.fingerprints[i : i + size] for i in range(0, len(self.fingerprints), size))
        return {
            int.from_bytes(part[:_ID_BYTES], "big", signed=True): part[_ID_BYTES:] for part in parts
        }


def make_link(
    position: int,
    previous: bytes,
    table_name: str,
    rows: Sequence[HashedRow],
    *,
    first_id: int,
    last_id: int,
    as_of: datetime,
) -> Link:
    """Return the link that covers these rows and follows the link with the hash `previous`."""
    fingerprints = b"".join(
        row.id.to_bytes(_ID_BYTES, "big", signed=True) + row.hash[:HASH_BYTES] for row in rows
    )
    link = Link(
        position=position,
        table_name=table_name,
        first_id=first_id,
        last_id=last_id,
        row_count=len(rows),
        as_of=as_of,
        fingerprints=fingerprints,
        hash=b"",
    )
    return replace(link, hash=hash_link(link, previous, digest_of(rows)))


def digest_of(rows: Sequence[HashedRow]) -> bytes:
    """Return one hash over the hashes of all these rows."""
    return sha256(b"".join(row.hash for row in rows)).digest()


def hash_link(link: Link, previous: bytes, rows: bytes) -> bytes:
    """Return a link's hash. `rows` is the digest of the rows that it covered when it was made."""
    covered = {
        "position": link.position,
        "previous": previous.hex(),
        "table": link.table_name,
        "first_id": link.first_id,
        "last_id": link.last_id,
        "row_count": link.row_count,
        "as_of": canonical_time(link.as_of),
        "fingerprints": sha256(link.fingerprints).hexdigest(),
        "rows": rows.hex(),
    }
    text = json.dumps(covered, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).digest()


def changed_rows(
    before: Mapping[int, bytes], rows: Sequence[HashedRow]
) -> Iterator[tuple[int, str]]:
    """Yield the id of each row that has another fingerprint than in `before`, and what happened."""
    now = {row.id: row.hash[:HASH_BYTES] for row in rows}
    for row_id in sorted(before.keys() | now.keys()):
        if row_id not in now:
            yield row_id, "was deleted"
        elif row_id not in before:
            yield row_id, "was inserted"
        elif before[row_id] != now[row_id]:
            yield row_id, "was changed"
