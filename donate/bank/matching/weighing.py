"""Ranks the possible explanations of a line for which no suggestion is certain."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum
from itertools import combinations
from typing import Final
from uuid import UUID

from donate.bank.matching import reasons
from donate.bank.matching.candidates import CandidateIndex, is_in_window
from donate.bank.matching.certainty import (
    LineView,
    claims_of,
    has_name_of,
    is_referred_to,
    mail_reasons,
    reference_reasons,
    tie_of,
)
from donate.bank.matching.identities import identities_of, name_reason, payer_as_written
from donate.bank.matching.inputs import Band, OpenGift
from donate.bank.matching.nameless.sent_gifts import SentGift
from donate.bank.matching.payer_names import is_alike, pairs_in
from donate.bank.matching.suggestions import PayGift, Reason, Suggestion
from donate.money import Money

_MOST_ALIKE: Final = 20
_MOST_WITH_AMOUNT: Final = 20
_MOST_NAMELESS: Final = 6
# Reasons are written only for this many suggestions. Pages show five; the sixth is needed to see
# whether it ties with the fifth.
_MOST_WRITTEN: Final = 6
_MOST_SUMMED: Final = 12
_MOST_PARTS: Final = 4


class Weight(IntEnum):
    """The strength of the evidence for a suggestion. A greater value ranks higher."""

    AMOUNT = 10
    NAME = 15
    PAID_ALREADY = 20
    ALIKE = 25
    LATE = 30
    NOTHING_ELSE = 35
    SAID_SENT = 36
    LINES_ADD_UP = 40
    GIFTS_ADD_UP = 41
    MARKED = 45
    IDENTITY = 50
    TWO_CLUES = 51
    THREE_CLUES = 52
    REFERENCE = 60
    REFERENCE_AND_AMOUNT = 70

    @property
    def band(self) -> Band:
        """How sure the suggestion is, if no other suggestion has the same weight."""
        return Band.LIKELY if self >= Weight.NOTHING_ELSE else Band.AMBIGUOUS


@dataclass(frozen=True, slots=True)
class Weighed:
    """A suggestion with its weight.

    `days` is the number of days between the choice of the gift and the transfer.
    """

    weight: Weight
    suggestion: Suggestion
    days: int = 0

    @property
    def order(self) -> tuple[int, int, str]:
        """The sort key for suggestions. The best suggestion comes first."""
        return -self.weight, self.days, "".join(map(str, claims_of(self.suggestion)))


PartnersOf = Callable[[LineView, OpenGift], int]
"""Counts how many other lines of the payer add up, with this line, to what a gift needs."""


@dataclass(frozen=True, slots=True)
class Scales:
    """What is needed to weigh the suggestions for any line.

    `lonely` has the lines without a name or an e-mail. For each, it has the days of the lines
    before and after it with the same amount. `sent` has, for such lines, gifts whose donors said
    that they sent them.
    """

    index: CandidateIndex
    paid: Mapping[UUID, int]
    tied: frozenset[str]
    partners: PartnersOf
    lonely: Mapping[int, tuple[date, date]]
    sent: Mapping[int, SentGift] = field(default_factory=dict)

    def weigh(self, view: LineView) -> list[Weighed]:
        """Return the possible explanations of a line, best first."""
        found = [*self._named(view), *self._marked(view)]
        found += self._exact(view, {gift.id for gift in view.named})
        if not any(each.weight >= Weight.LINES_ADD_UP for each in found):
            found += self._of_donor(view)
        if not any(each.weight >= Weight.NAME for each in found):
            found += self._with_amount(view)
        best: dict[str, Weighed] = {}
        for order, each in sorted(((each.order, each) for each in found), key=lambda pair: pair[0]):
            best.setdefault(order[2], each)
        return list(best.values())

    def missing(self, gift: OpenGift) -> int:
        """Return what a gift still needs if all certain suggestions are right, in minor units."""
        return gift.missing.amount_minor - self.paid.get(gift.id, 0)

    def _named(self, view: LineView) -> Iterator[Weighed]:
        for gift in view.named:
            missing, left = self.missing(gift), view.line.open.amount_minor
            said = list(reference_reasons(view, gift))
            weight = Weight.REFERENCE
            if missing == left:
                weight = Weight.REFERENCE_AND_AMOUNT
                said.append(reasons.AMOUNT_EXACT)
            elif missing > 0:
                said.append(_difference(view, gift, missing))
                if others := self.partners(view, gift):
                    said.append(reasons.say(reasons.PARTS_EXACT, count=others))
            else:
                said.append(reasons.say(reasons.PAID_ALREADY, amount=gift.amount))
            amount = min(left, missing) if missing > 0 else left
            yield _weighed(view, gift, weight, said, amount)
        if len(view.named) > 1:
            total = sum(self.missing(gift) for gift in view.named)
            if total == view.line.open.amount_minor and all(map(self.missing, view.named)):
                yield self._sum(view, view.named, Weight.REFERENCE_AND_AMOUNT)

    def _marked(self, view: LineView) -> Iterator[Weighed]:
        near = [
            marked
            for marked in self.index.marked_near(view.line.open, view.clues.day)
            if marked.source_id not in self.tied
        ]
        named = {gift.id for gift in view.named}
        for marked in near:
            days = abs((marked.day - view.clues.day).days)
            if is_referred_to(marked, view):
                weight, message = Weight.REFERENCE_AND_AMOUNT, reasons.MARKED_BY_REFERENCE
            elif marked.gift_id in named:
                weight, message = Weight.REFERENCE_AND_AMOUNT, reasons.MARKED_BY_GIFT
            elif has_name_of(view, marked.gift_id, self.index):
                weight, message = Weight.IDENTITY, reasons.MARKED_BY_NAME
            elif not view.words and len(near) == 1:
                weight, message = Weight.MARKED, reasons.MARKED_BY_AMOUNT
            else:
                weight, message = Weight.ALIKE, reasons.MARKED_BY_AMOUNT
            yield Weighed(weight, tie_of(view, marked, message), days)

    def _exact(self, view: LineView, named: set[UUID]) -> Iterator[Weighed]:
        """Suggest gifts that need exactly this amount, if something points to their donor."""
        left, index = view.line.open, self.index
        found = identities_of(view, index)
        weights = {
            gift.id: self._weight(view, gift, found.clues(gift))
            for gift in found.gifts.values()
            if gift.id not in named and left.currency == gift.missing.currency
        }
        is_known = any(weight and weight >= Weight.IDENTITY for weight in weights.values())
        alike = [
            gift
            for gift in (() if is_known else index.with_word(left, view.words, _MOST_ALIKE))
            if gift.id not in weights and self.missing(gift) == left.amount_minor
        ]
        weighed = {gift.id: (gift, weights.get(gift.id)) for gift in found.gifts.values()}
        weighed |= {gift.id: (gift, Weight.ALIKE) for gift in alike}
        best = sorted(
            (-weight, _days(view, gift), gift.reference, gift)
            for gift, weight in weighed.values()
            if weight
        )
        for weight, _, _, gift in best[:_MOST_WRITTEN]:
            said = [reasons.AMOUNT_EXACT]
            if -weight == Weight.PAID_ALREADY:
                said = [reasons.say(reasons.PAID_ALREADY, amount=gift.amount)]
            if -weight == Weight.ALIKE:
                said.append(name_reason(reasons.NAME_ALIKE, view, gift))
            else:
                said += [*found.reasons(view, gift), *mail_reasons(view)]
            yield _weighed(view, gift, Weight(-weight), said, left.amount_minor)

    def _weight(self, view: LineView, gift: OpenGift, clues: int) -> Weight | None:
        left = view.line.open
        if self.missing(gift) == left.amount_minor:
            in_time = is_in_window(gift, view.clues.day)
            return Weight(Weight.IDENTITY + clues - 1) if in_time else Weight.LATE
        if self.missing(gift) <= 0 and gift.amount == left and view.words:
            return Weight.PAID_ALREADY
        return None

    def _of_donor(self, view: LineView) -> Iterator[Weighed]:
        """Suggest the payer's gifts whose amount differs from the line's.

        The line may pay one of them inexactly, a part of one, or several together.
        """
        gifts = [
            gift
            for gift in self.index.with_pair(pairs_in(view.words))
            if gift.missing.currency == view.line.open.currency
            and self.missing(gift) > 0
            and is_in_window(gift, view.clues.day)
        ][-_MOST_SUMMED:]
        left = view.line.open.amount_minor
        of_profile: dict[int, list[OpenGift]] = defaultdict(list)
        for gift in gifts:
            of_profile[gift.profile_id].append(gift)
        for those in of_profile.values():
            for count in range(2, _MOST_PARTS + 1):
                for together in combinations(those, count):
                    if sum(map(self.missing, together)) == left:
                        yield self._sum(view, together, Weight.GIFTS_ADD_UP)
        for gift in gifts:
            missing = self.missing(gift)
            if missing != left:
                said = [name_reason(reasons.NAME_SAME, view, gift)]
                others = self.partners(view, gift)
                said.append(
                    reasons.say(reasons.PARTS_EXACT, count=others)
                    if others
                    else _difference(view, gift, missing)
                )
                weight = Weight.LINES_ADD_UP if others else Weight.NAME
                yield _weighed(view, gift, weight, said, min(left, missing))

    def _with_amount(self, view: LineView) -> Iterator[Weighed]:
        left = view.line.open
        if sent := self.sent.get(view.line.id):
            message = reasons.SAID_SENT if sent.lines > 1 else reasons.SAID_SENT_ALONE
            values = {"day": sent.said_on} | ({"count": sent.lines} if sent.lines > 1 else {})
            said = [reasons.AMOUNT_EXACT, reasons.say(message, **values)]
            yield _weighed(view, sent.gift, Weight.SAID_SENT, said, left.amount_minor)
        most = _MOST_WITH_AMOUNT if view.words else _MOST_NAMELESS
        gifts = self.index.with_amount(left, view.clues.day, most)
        for gift in gifts:
            if self.missing(gift) != left.amount_minor:
                continue
            if len(gifts) == 1 and self._is_lonely(view, gift):
                said, weight = [reasons.NOTHING_ELSE_FITS], Weight.NOTHING_ELSE
            elif not view.words:
                said, weight = [reasons.NAME_UNKNOWN], Weight.AMOUNT
            elif is_alike(view.words, gift.donor_name):
                said, weight = [name_reason(reasons.NAME_ALIKE, view, gift)], Weight.ALIKE
            elif len(gifts) < 6:
                other = reasons.say(reasons.NAME_OTHER, payer=payer_as_written(view))
                said, weight = [other], Weight.AMOUNT
            else:
                continue
            yield _weighed(view, gift, weight, [reasons.AMOUNT_EXACT, *said], left.amount_minor)

    def _is_lonely(self, view: LineView, gift: OpenGift) -> bool:
        """Whether the line has no name or e-mail and is the only one that may pay the gift."""
        before, after = self.lonely.get(view.line.id, (date.max, date.min))
        return not (is_in_window(gift, before) or is_in_window(gift, after)) and before < after

    def _sum(self, view: LineView, gifts: tuple[OpenGift, ...], weight: Weight) -> Weighed:
        parts = tuple(
            PayGift(gift.id, Money(self.missing(gift), gift.missing.currency)) for gift in gifts
        )
        said = [reason for gift in gifts for reason in reference_reasons(view, gift)]
        if not said:
            said = [name_reason(reasons.NAME_SAME, view, gifts[0])]
        said.append(reasons.say(reasons.SUM_EXACT, count=len(gifts)))
        return Weighed(weight, Suggestion(parts, tuple(said), view.mail_id))


def _weighed(
    view: LineView, gift: OpenGift, weight: Weight, said: list[Reason], amount_minor: int
) -> Weighed:
    day = view.clues.day
    if gift.chosen_on > day:
        said = [*said, reasons.say(reasons.CHOSEN_AFTER, day=gift.chosen_on)]
    elif not is_in_window(gift, day):
        said = [*said, reasons.say(reasons.CHOSEN_LONG_BEFORE, day=gift.chosen_on)]
    part = PayGift(gift.id, Money(amount_minor, view.line.open.currency))
    return Weighed(
        weight,
        Suggestion((part,), tuple(said), view.mail_id),
        _days(view, gift),
    )


def _days(view: LineView, gift: OpenGift) -> int:
    return abs((view.clues.day - gift.chosen_on).days)


def _difference(view: LineView, gift: OpenGift, missing: int) -> Reason:
    left = Money(missing, gift.missing.currency)
    return reasons.say(reasons.AMOUNT_DIFFERS, open=view.line.open, missing=left)
