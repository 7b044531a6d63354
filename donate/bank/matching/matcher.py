"""The matcher: decides what each bank line is, how sure that is, and why. A pure function."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set as AbstractSet
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations
from typing import Final
from uuid import UUID

from donate.bank.matching import reasons
from donate.bank.matching.candidates import CandidateIndex, MatchingWorld
from donate.bank.matching.certainty import (
    Claim,
    LineView,
    certain_suggestion,
    claims_of,
    uncontested,
    view_line,
    with_reason,
)
from donate.bank.matching.inputs import Band, BankLine, LineClass, OpenGift
from donate.bank.matching.line_texts import read_line
from donate.bank.matching.mails.mail_ties import all_read_until, tie_mails
from donate.bank.matching.nameless.sent_gifts import SentGift, pair_sent_gifts
from donate.bank.matching.payout_ties import MOST_SUGGESTIONS, match_payouts
from donate.bank.matching.suggestions import LineMatch, PayGift, Suggestion, TieTransfer
from donate.bank.matching.weighing import Scales, Weighed, Weight
from donate.money import Money

# If a donor sends a gift in parts, all parts are sent within this time.
_PARTS_WITHIN: Final = timedelta(days=7)
_MOST_LINES_OF_PAYER: Final = 5


def match_lines(
    lines: Sequence[BankLine], world: MatchingWorld, *, codes: Iterable[str]
) -> dict[int, LineMatch]:
    """Return the suggestions for each line, as a mapping from the line's id.

    `world` has the gifts, e-mails and other things with which the lines are compared. Amounts must
    be equal to the cent. `codes` are the giving codes of all regions. The order of the lines, the
    gifts and all other candidates does not matter.
    """
    return match_with_index(lines, world, CandidateIndex(world), tuple(codes))


def match_with_index(
    lines: Sequence[BankLine], world: MatchingWorld, index: CandidateIndex, codes: tuple[str, ...]
) -> dict[int, LineMatch]:
    """Do what `match_lines` does, for a caller that already has an index of `world`.

    `world` has the gifts, e-mails and other things with which the lines are compared.
    """
    read = [(line, read_line(line, codes)) for line in lines]
    found = match_payouts(read, index)
    for line, clues in read:
        if not clues.may_be_gift:
            found.setdefault(line.id, LineMatch(clues.line_class, Band.NONE))
    gifts = [
        (line, clues)
        for line, clues in read
        if clues.may_be_gift and clues.line_class is not LineClass.STRIPE_PAYOUT
    ]
    mails = tie_mails(gifts, world.mails, world.read_until)
    views = [view_line(line, clues, mails.ties.get(line.id), index, codes) for line, clues in gifts]
    certain = uncontested(
        {
            view.line.id: suggestion
            for view in views
            if (suggestion := certain_suggestion(view, index))
        }
    )
    scales = _scales(views, certain, index, mails.unsettled)
    weighed = {
        view.line.id: scales.weigh(view)
        for view in views
        if view.line.id not in certain and view.line.id not in scales.lonely
    }
    last_day = all_read_until([line for line, _ in gifts], world.read_until)
    scales = replace(scales, sent=_sent_gifts(views, weighed, scales, last_day))
    weighed |= {view.line.id: scales.weigh(view) for view in views if view.line.id in scales.lonely}
    over = _over_claimed(weighed, scales)
    for view in views:
        line_id, line_class = view.line.id, view.clues.line_class
        if line_id in certain:
            found[line_id] = LineMatch(line_class, Band.CERTAIN, (certain[line_id],))
        elif weighed[line_id]:
            band, suggestions = _banded(weighed[line_id], is_contested=line_id in over)
            found[line_id] = LineMatch(line_class, band, suggestions)
        else:
            found.setdefault(line_id, LineMatch(line_class, Band.NONE))
    return found


def _scales(
    views: Sequence[LineView],
    certain: Mapping[int, Suggestion],
    index: CandidateIndex,
    unsettled: AbstractSet[int],
) -> Scales:
    paid: dict[UUID, int] = defaultdict(int)
    tied: set[str] = set()
    for suggestion in certain.values():
        for part in suggestion.parts:
            match part:
                case PayGift():
                    paid[part.gift_id] += part.amount.amount_minor
                case TieTransfer():
                    tied.add(part.source_id)
                case _:
                    pass
    partners = _Partners(views, certain, paid)
    return Scales(index, paid, frozenset(tied), partners, _lonely(views, certain, unsettled))


def _lonely(
    views: Sequence[LineView], certain: Mapping[int, Suggestion], unsettled: AbstractSet[int]
) -> dict[int, tuple[date, date]]:
    """Find the lines without a name and without an e-mail.

    For each, by its id, return the days of the last line before it and the first line after it that
    have the same amount. Lines with a certain suggestion do not count.
    """
    of_amount: dict[Money, list[LineView]] = defaultdict(list)
    for view in sorted(views, key=lambda view: view.clues.day):
        if view.line.id not in certain:
            of_amount[view.line.open].append(view)
    lonely = {}
    for those in of_amount.values():
        days = [date.min, *(view.clues.day for view in those), date.max]
        for view, before, after in zip(those, days, days[2:], strict=False):
            is_transfer = view.clues.line_class is LineClass.INCOMING_TRANSFER
            if is_transfer and not (view.words or view.tie or view.line.id in unsettled):
                lonely[view.line.id] = before, after
    return lonely


def _sent_gifts(
    views: Sequence[LineView], weighed: Mapping[int, list[Weighed]], scales: Scales, last_day: date
) -> dict[int, SentGift]:
    """Return, for lines without a name, gifts whose donors said that they sent them.

    `weighed` has the other lines. The gifts that they probably pay are left out, and so are gifts
    that may be paid by a line of whose payer no gift is known.
    """
    claimed: set[Claim] = set()
    strangers: set[int] = set()
    for line_id, those in weighed.items():
        if those and those[0].weight.band is Band.LIKELY:
            claimed.update(claims_of(those[0].suggestion))
        else:
            strangers.add(line_id)
    nameless = [_day_of(view) for view in views if view.line.id in scales.lonely]
    others = [_day_of(view) for view in views if view.line.id in strangers]
    gifts = [
        gift
        for amount in sorted({line.open for line, _ in nameless}, key=str)
        for gift in scales.index.said_sent(amount)
        if scales.missing(gift) == amount.amount_minor and ("gift", str(gift.id)) not in claimed
    ]
    return pair_sent_gifts(nameless, gifts, others=others, last_day=last_day)


def _day_of(view: LineView) -> tuple[BankLine, date]:
    return view.line, view.clues.day


class _Partners:
    """Counts how many other lines of the payer add up, with this line, to what a gift needs."""

    def __init__(
        self,
        views: Sequence[LineView],
        certain: Mapping[int, Suggestion],
        paid: Mapping[UUID, int],
    ) -> None:
        self._paid = paid
        self._by_payer: dict[frozenset[str], list[LineView]] = defaultdict(list)
        for view in sorted(views, key=lambda view: (view.clues.day, view.line.id)):
            if view.words and view.line.id not in certain:
                self._by_payer[view.words].append(view)

    def __call__(self, view: LineView, gift: OpenGift) -> int:
        missing = gift.missing.amount_minor - self._paid.get(gift.id, 0)
        others = [
            other.line.open
            for other in self._by_payer.get(view.words, ())
            if other.line.id != view.line.id
            and abs(other.clues.day - view.clues.day) <= _PARTS_WITHIN
        ][:_MOST_LINES_OF_PAYER]
        rest = missing - view.line.open.amount_minor
        if rest <= 0:
            return 0
        for count in range(1, len(others) + 1):
            for together in combinations(others, count):
                if sum(amount.amount_minor for amount in together) == rest:
                    return count
        return 0


def _over_claimed(weighed: Mapping[int, list[Weighed]], scales: Scales) -> set[int]:
    """Return the lines whose best suggestion needs money or a gift that another line claims too."""
    claims: dict[tuple[str, str], list[tuple[int, Weighed]]] = defaultdict(list)
    for line_id, those in weighed.items():
        if those and those[0].weight.band is Band.LIKELY:
            for claim in claims_of(those[0].suggestion):
                claims[claim].append((line_id, those[0]))
    over: set[int] = set()
    for (kind, name), claimants in claims.items():
        if len(claimants) < 2 or (kind == "gift" and _fit_together(name, claimants, scales)):
            continue
        best = max(each.weight for _, each in claimants)
        leaders = [line for line, each in claimants if each.weight == best]
        over |= {line for line, _ in claimants if len(leaders) > 1 or line != leaders[0]}
    return over


def _fit_together(gift_id: str, claimants: Sequence[tuple[int, Weighed]], scales: Scales) -> bool:
    gift = scales.index.gift_of.get(UUID(gift_id))
    if gift is None:
        return False
    missing = scales.missing(gift)
    total = sum(
        part.amount.amount_minor
        for _, each in claimants
        for part in each.suggestion.parts
        if isinstance(part, PayGift) and part.gift_id == gift.id
    )
    return missing <= 0 or total <= missing


def _banded(
    weighed: Sequence[Weighed], *, is_contested: bool
) -> tuple[Band, tuple[Suggestion, ...]]:
    best = weighed[0]
    equal = [each for each in weighed if each.weight == best.weight]
    if best.weight is Weight.REFERENCE:
        equal = [each for each in weighed if each.weight.band is Band.LIKELY]
    band = best.weight.band
    suggestions = [each.suggestion for each in weighed]
    if len(equal) > 1:
        band = Band.AMBIGUOUS
        for at in range(len(equal)):
            suggestions[at] = with_reason(suggestions[at], reasons.ANOTHER_GIFT_FITS)
    if is_contested:
        band = Band.AMBIGUOUS
        suggestions[0] = with_reason(suggestions[0], reasons.ANOTHER_LINE_FITS)
    return band, tuple(suggestions[:MOST_SUGGESTIONS])
