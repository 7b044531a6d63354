"""Reads amendments: which rows of a link the service itself removed or redacted. Pure functions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from donate.storage.chain.links import HASH_BYTES, Link, changed_rows, digest_of, hash_link
from donate.storage.chain.row_hashes import HashedRow


@dataclass(frozen=True, slots=True)
class Amendment:
    """An amendment of one link; see `ChainAmendment` for the fields."""

    position: int
    number: int
    removed: str
    redacted: Sequence[Sequence[Any]]
    rows_before: str
    rows_after: str


def as_ranges(ids: Iterable[int]) -> str:
    """Return ids as text, such as "5-8,11"."""
    ranges: list[list[int]] = []
    for each in sorted(ids):
        if ranges and ranges[-1][1] == each - 1:
            ranges[-1][1] = each
        else:
            ranges.append([each, each])
    return ",".join(f"{a}" if a == b else f"{a}-{b}" for a, b in ranges)


def ids_in(ranges: str) -> Iterator[int]:
    """Yield the ids in a text such as "5-8,11". Raises ValueError for other texts."""
    for part in filter(None, ranges.split(",")):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def link_problems(
    link: Link,
    amendments: Sequence[Amendment],
    rows: Sequence[HashedRow],
    previous: Iterable[bytes],
    expected: set[bytes],
) -> Iterator[str]:
    """Yield a line for each row, amendment or link that is not as it was recorded.

    `rows` are the rows that the link covers now. `previous` has each hash that is accepted for the
    link before this one. For each of these, the hash that this link should have is added to
    `expected`.
    """
    linked = digest_of(rows)
    fingerprints: Mapping[int, bytes] = link.fingerprint_of_each()
    now = linked
    if amendments:
        try:
            fingerprints, linked, now = _amended(fingerprints, amendments)
        except (KeyError, TypeError, ValueError):
            yield f"chain: the amendments of link {link.position} contradict each other"
            return
    expected |= {hash_link(link, before, linked) for before in previous}
    if link.hash in expected and digest_of(rows) == now:
        return
    changed = list(changed_rows(fingerprints, rows))
    yield from (f"{link.table_name}: row {row_id} {what}" for row_id, what in changed)
    if not changed:
        yield f"chain: link {link.position} was changed"


def _amended(
    fingerprints: Mapping[int, bytes], amendments: Sequence[Amendment]
) -> tuple[dict[int, bytes], bytes, bytes]:
    """Apply the amendments of one link.

    Return the fingerprints that its rows must have now, the digest of the rows when they were
    linked, and the digest that they must have now. Raises KeyError, TypeError or ValueError if an
    amendment does not follow from the one before it.
    """
    after = dict(fingerprints)
    digest = amendments[0].rows_before
    for number, amendment in enumerate(amendments, start=1):
        if (amendment.number, amendment.rows_before) != (number, digest):
            raise ValueError("an amendment is missing")
        for row_id in ids_in(amendment.removed):
            del after[row_id]
        for row_id, was, becomes in amendment.redacted:
            if after[row_id] != bytes.fromhex(was)[:HASH_BYTES]:
                raise ValueError("another row was redacted")
            after[row_id] = bytes.fromhex(becomes)[:HASH_BYTES]
        digest = amendment.rows_after
    return after, bytes.fromhex(amendments[0].rows_before), bytes.fromhex(digest)
