"""Ties bank lines to Stripe's payouts with the same amount and about the same day."""

from datetime import date, timedelta
from typing import Final

from donate.bank.matching import reasons
from donate.bank.matching.candidate_index import CandidateIndex
from donate.bank.matching.candidates import Band, BankLine, ExpectedPayout, LineClass
from donate.bank.matching.certainty import with_reason
from donate.bank.matching.line_texts import LineClues
from donate.bank.matching.suggestions import LineMatch, Suggestion, TiePayout

EARLIEST: Final = -3
"""A payout's line may be this many business days earlier than Stripe's estimate of its arrival."""
LATEST: Final = 7
"""A payout's line may be this many business days later than Stripe's estimate of its arrival."""
MOST_SUGGESTIONS: Final = 5
"""Maximum number of suggestions for a line."""

_STRIPES: Final = frozenset({LineClass.STRIPE_PAYOUT, LineClass.STRIPE_DEBIT})


def match_payouts(
    lines: list[tuple[BankLine, LineClues]], index: CandidateIndex
) -> dict[int, LineMatch]:
    """Return suggestions for each line that has the amount of a payout, or that mentions Stripe.

    A suggestion is certain if the line mentions Stripe, only one payout fits it, and no other line
    that mentions Stripe fits this payout. `arrival_date` is only Stripe's estimate:
    https://docs.stripe.com/api/payouts/object
    """
    fitting = {line.id: _fitting(line, index) for line, _ in lines}
    claimed: dict[int, int] = {}
    for line, clues in lines:
        if clues.line_class in _STRIPES:
            for payout in fitting[line.id]:
                claimed[payout.id] = claimed.get(payout.id, 0) + 1
    found: dict[int, LineMatch] = {}
    for line, clues in lines:
        payouts = fitting[line.id]
        is_stripes = clues.line_class in _STRIPES
        if payouts or is_stripes:
            is_alone = len(payouts) == 1 and claimed.get(payouts[0].id) == 1
            found[line.id] = _match(line, clues, payouts, is_certain=is_stripes and is_alone)
    return found


def business_days(first: date, last: date) -> int:
    """Return the number of business days from `first` to `last`, without counting `last`.

    All days from Monday to Friday count, even holidays. The number is negative if `last` is
    earlier.
    """
    if last < first:
        return -business_days(last, first)
    weeks, rest = divmod((last - first).days, 7)
    return 5 * weeks + sum((first + timedelta(days)).weekday() < 5 for days in range(rest))


def _fitting(line: BankLine, index: CandidateIndex) -> list[ExpectedPayout]:
    return [
        payout
        for payout in index.payouts_of(line.open)
        if EARLIEST <= business_days(payout.arrives_on, line.day) <= LATEST
    ]


def _match(
    line: BankLine, clues: LineClues, payouts: list[ExpectedPayout], *, is_certain: bool
) -> LineMatch:
    suggestions = [_suggestion(line, clues, payout) for payout in payouts]
    if not suggestions:
        return LineMatch(clues.line_class, Band.NONE)
    if is_certain:
        return LineMatch(clues.line_class, Band.CERTAIN, tuple(suggestions))
    if clues.line_class in _STRIPES:
        suggestions = [with_reason(each, reasons.ANOTHER_PAYOUT_FITS) for each in suggestions]
    ranked = sorted(
        zip(payouts, suggestions, strict=True),
        key=lambda pair: (abs((pair[0].arrives_on - line.day).days), pair[0].id),
    )
    best = tuple(suggestion for _, suggestion in ranked[:MOST_SUGGESTIONS])
    return LineMatch(clues.line_class, Band.AMBIGUOUS, best)


def _suggestion(line: BankLine, clues: LineClues, payout: ExpectedPayout) -> Suggestion:
    said = [reasons.say(reasons.PAYOUT_FITS, day=payout.arrives_on)]
    if payout.trace_id and payout.trace_id.casefold() in clues.tokens:
        said.append(reasons.say(reasons.PAYOUT_TRACED, trace=payout.trace_id))
    if clues.line_class not in _STRIPES:
        said.append(reasons.PAYOUT_UNNAMED)
    return Suggestion((TiePayout(payout.id, line.open),), tuple(said))
