"""Makes the journal from bookings. The order of the bookings does not change the entries."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date

from donate.bank.shapes.statement import Sentence
from donate.books.journal.bookings import Booking, MovementBooking
from donate.books.journal.entry import JournalEntry, JournalLine
from donate.books.journal.postings import EntryKey, Posting, postings_of
from donate.books.journal.roles import AccountKey, AccountRole

_ORDER = {role: place for place, role in enumerate(AccountRole)}
# What identifies a pair of lines: the two accounts, the memo, the fund, and whether the amount is
# positive. Postings with the same key are added up.
_LineKey = tuple[AccountKey, AccountKey, str, tuple[tuple[str, str], ...], str, bool]


def journal_of(
    bookings: Iterable[Booking], *, first_day: date | None = None, last_day: date | None = None
) -> list[JournalEntry]:
    """Return the entries for these days, both included, sorted by day and number.

    Raises ValueError if a Stripe transaction or a part of a bank line occurs twice.
    """
    postings: dict[EntryKey, list[Posting]] = defaultdict(list)
    for booking in _each_once(bookings):
        for posting in postings_of(booking):
            day = posting.entry.day
            if (not first_day or first_day <= day) and (not last_day or day <= last_day):
                postings[posting.entry].append(posting)
    entries = (_entry(key, postings[key]) for key in sorted(postings))
    return [entry for entry in entries if entry]


def _each_once(bookings: Iterable[Booking]) -> list[Booking]:
    """Return the bookings, with all totals of movements that have the same values added up."""
    totals: Counter[MovementBooking] = Counter()
    counts: Counter[MovementBooking] = Counter()
    others: list[Booking] = []
    seen: set[tuple[type, str]] = set()
    for booking in bookings:
        if isinstance(booking, MovementBooking):
            key = MovementBooking(
                booking.day, booking.currency, booking.mode, booking.fund, booking.kind, 0, 0
            )
            totals[key] += booking.amount_minor
            counts[key] += booking.count
            continue
        if (type(booking), booking.id) in seen:
            raise ValueError(f"{booking.id} is there twice")
        seen.add((type(booking), booking.id))
        others.append(booking)
    return others + [
        MovementBooking(key.day, key.currency, key.mode, key.fund, key.kind, amount, counts[key])
        for key, amount in totals.items()
    ]


def _entry(key: EntryKey, postings: Iterable[Posting]) -> JournalEntry | None:
    """Return an entry with one pair of lines for all postings that have the same line key."""
    amounts: Counter[_LineKey] = Counter()
    counts: Counter[_LineKey] = Counter()
    for posting in postings:
        if posting.amount_minor:
            line = _line_key(posting)
            amounts[line] += posting.amount_minor
            counts[line] += posting.times
    lines: list[JournalLine] = []
    for line in sorted(amounts, key=_line_order):
        debit, credit, message, values, fund, _came_in = line
        memo = Sentence(message, dict(values))
        lines.append(JournalLine(debit, amounts[line], memo, times=counts[line]))
        lines.append(JournalLine(credit, -amounts[line], memo, fund, counts[line]))
    return JournalEntry(key.number, key.day, key.description, tuple(lines)) if lines else None


def _line_key(posting: Posting) -> _LineKey:
    return (
        posting.debit,
        posting.credit,
        posting.memo.message,
        tuple(sorted(posting.memo.values.items())),
        posting.fund,
        posting.amount_minor > 0,
    )


def _line_order(line: _LineKey) -> tuple[object, ...]:
    debit, credit, message, values, fund, came_in = line
    return (
        not came_in,
        _ORDER[debit.role],
        debit,
        _ORDER[credit.role],
        credit,
        message,
        values,
        fund,
    )
