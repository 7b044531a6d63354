"""Builds links and computes their hashes. Pure functions for the linker and the audit."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from donate.storage.chain.row_hashes import HashedRow, canonical_time

LINK_ROWS: Final = 1_000
"""Maximum number of rows that one link covers."""
NO_LINK: Final = b""
"""The hash that stands in for the link before the first one."""
_ID_BYTES: Final = 8
_HASH_BYTES: Final = 4


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

        If it has, the next link may cover rows that were committed just as early.
        """
        return self.row_count >= LINK_ROWS


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
        row.id.to_bytes(_ID_BYTES, "big", signed=True) + row.hash[:_HASH_BYTES] for row in rows
    )
    covered = {
        "position": position,
        "previous": previous.hex(),
        "table": table_name,
        "first_id": first_id,
        "last_id": last_id,
        "row_count": len(rows),
        "as_of": canonical_time(as_of),
        "fingerprints": sha256(fingerprints).hexdigest(),
        "rows": sha256(b"".join(row.hash for row in rows)).hexdigest(),
    }
    text = json.dumps(covered, sort_keys=True, separators=(",", ":"))
    return Link(
        position=position,
        table_name=table_name,
        first_id=first_id,
        last_id=last_id,
        row_count=len(rows),
        as_of=as_of,
        fingerprints=fingerprints,
        hash=sha256(text.encode()).digest(),
    )


def changed_rows(link: Link, rows: Sequence[HashedRow]) -> Iterator[tuple[int, str]]:
    """Yield the id of each row that no longer has the link's fingerprint, and what happened."""
    size = _ID_BYTES + _HASH_BYTES
    parts = (link.fingerprints[i : i + size] for i in range(0, len(link.fingerprints), size))
    before = {
        int.from_bytes(part[:_ID_BYTES], "big", signed=True): part[_ID_BYTES:] for part in parts
    }
    now = {row.id: row.hash[:_HASH_BYTES] for row in rows}
    for row_id in sorted(before.keys() | now.keys()):
        if row_id not in now:
            yield row_id, "was deleted"
        elif row_id not in before:
            yield row_id, "was inserted"
        elif before[row_id] != now[row_id]:
            yield row_id, "was changed"
