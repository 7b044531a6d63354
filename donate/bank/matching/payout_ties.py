"""Ties bank lines to Stripe's payouts and top-ups with the same amount and about the same day."""

from typing import Final

from donate.bank.business_days import business_days
from donate.bank.matching import reasons
from donate.bank.matching.candidates import CandidateIndex
from donate.bank.matching.certainty import with_reason
from donate.bank.matching.inputs import Band, BankLine, MoveKind, StripeMove
from donate.bank.matching.line_texts import LineClues
from donate.bank.matching.suggestions import (
    LineMatch,
    SuggestedPart,
    Suggestion,
    TiePayout,
    TieTopUp,
)

EARLIEST: Final = -3
"""A payout's line may be this many business days earlier than Stripe's estimate of its arrival."""
LATEST: Final = 7
"""A payout's line may be this many business days later than Stripe's estimate of its arrival."""
TOP_UP_EARLIEST: Final = -7
"""A top-up's line may be this many business days earlier than the top-up in Stripe's balance.

Money that the charity sends to Stripe leaves the bank days before Stripe has it.
"""
MOST_SUGGESTIONS: Final = 5
"""Maximum number of suggestions for a line."""

_EARLIEST: Final = {MoveKind.TOP_UP: TOP_UP_EARLIEST}


def match_payouts(
    lines: list[tuple[BankLine, LineClues]], index: CandidateIndex
) -> dict[int, LineMatch]:
    """Return suggestions for each line that has the amount of a move, or that mentions Stripe.

    A suggestion is certain if the line mentions Stripe, only one move fits it, and no other line
    that mentions Stripe fits this move. `arrival_date` is only Stripe's estimate:
    https://docs.stripe.com/api/payouts/object
    """
    fitting = {line.id: _fitting(line, index) for line, _ in lines}
    claimed: dict[StripeMove, int] = {}
    for line, clues in lines:
        if clues.names_stripe:
            for move in fitting[line.id]:
                claimed[move] = claimed.get(move, 0) + 1
    found: dict[int, LineMatch] = {}
    for line, clues in lines:
        moves = fitting[line.id]
        if moves or clues.names_stripe:
            is_alone = len(moves) == 1 and claimed.get(moves[0]) == 1
            is_certain = clues.names_stripe and is_alone
            found[line.id] = _match(line, clues, moves, is_certain=is_certain)
    return found


def _fitting(line: BankLine, index: CandidateIndex) -> list[StripeMove]:
    return [
        move
        for move in index.moves_of(line.open)
        if _EARLIEST.get(move.kind, EARLIEST) <= business_days(move.day, line.day) <= LATEST
    ]


def _match(
    line: BankLine, clues: LineClues, moves: list[StripeMove], *, is_certain: bool
) -> LineMatch:
    suggestions = [_suggestion(clues, move) for move in moves]
    if not suggestions:
        return LineMatch(clues.line_class, Band.NONE)
    if is_certain:
        return LineMatch(clues.line_class, Band.CERTAIN, tuple(suggestions))
    if clues.names_stripe:
        suggestions = [with_reason(each, reasons.ANOTHER_PAYOUT_FITS) for each in suggestions]
    ranked = sorted(
        zip(moves, suggestions, strict=True),
        key=lambda pair: (abs((pair[0].day - line.day).days), pair[0].kind, pair[0].id),
    )
    best = tuple(suggestion for _, suggestion in ranked[:MOST_SUGGESTIONS])
    return LineMatch(clues.line_class, Band.AMBIGUOUS, best)


def _suggestion(clues: LineClues, move: StripeMove) -> Suggestion:
    said = [reasons.say(_sentence(move), day=move.day)]
    if move.trace_id and move.trace_id.casefold() in clues.tokens:
        said.append(reasons.say(reasons.PAYOUT_TRACED, trace=move.trace_id))
    if not clues.names_stripe:
        said.append(reasons.PAYOUT_UNNAMED)
    return Suggestion((_part(move),), tuple(said))


def _sentence(move: StripeMove) -> str:
    match move.kind:
        case MoveKind.PAYOUT:
            return reasons.PAYOUT_FITS
        case MoveKind.RETURN:
            return reasons.RETURN_FITS
        case MoveKind.TOP_UP:
            is_out = move.amount.amount_minor < 0
            return reasons.TOP_UP_FITS if is_out else reasons.TOP_UP_RETURN_FITS


def _part(move: StripeMove) -> SuggestedPart:
    if move.kind is MoveKind.TOP_UP:
        return TieTopUp(move.id, move.amount)
    return TiePayout(move.id, move.amount, is_return=move.kind is MoveKind.RETURN)
