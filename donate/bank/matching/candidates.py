"""Indexes what a bank line can be tied to, so that each line is compared with a few candidates."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice
from typing import Final
from uuid import UUID

from donate.bank.matching.inputs import (
    KnownPayer,
    MarkedTransfer,
    OpenGift,
    StripeMove,
    TransferMail,
)
from donate.bank.matching.line_texts import name_tokens
from donate.bank.matching.payer_names import Pair, name_pairs
from donate.money import Money

DAYS_BEFORE: Final = 35
"""A gift is chosen at most this many days before its transfer arrives.

By default a gift lapses after 30 days (`lapses_after_days` in `donate/regions/terms.py`). The bank
may take another 5 days to post the transfer.
"""
DAYS_AFTER: Final = 3
"""A gift is chosen at most this many days after its transfer. Some donors transfer first."""
MARKED_DAYS: Final = 7
"""The bank line and the transfer that staff marked are at most this many days apart."""


@dataclass(frozen=True, slots=True)
class MatchingWorld:
    """All that bank lines are compared with. `moves` are Stripe's payouts and top-ups.

    `read_until` is the last day of the statements of each account, by the account's number; if it
    is empty, the statements end with the last line.
    """

    mails: Sequence[TransferMail] = ()
    gifts: Sequence[OpenGift] = ()
    marked: Sequence[MarkedTransfer] = ()
    payers: Sequence[KnownPayer] = ()
    moves: Sequence[StripeMove] = ()
    read_until: Mapping[int, date] = field(default_factory=dict)


class CandidateIndex:
    """Finds gifts by reference, amount, name, e-mail address and donor; other candidates by amount.

    `looked_at` counts the candidates that were returned. The running time grows with it.
    """

    def __init__(self, world: MatchingWorld) -> None:
        self.looked_at = 0
        gifts = sorted(world.gifts, key=lambda gift: (gift.chosen_on, str(gift.id)))
        self.gift_of: dict[UUID, OpenGift] = {gift.id: gift for gift in gifts}
        self._by_reference = {gift.reference: gift for gift in gifts}
        self._by_amount: dict[Money, list[OpenGift]] = defaultdict(list)
        self._said_sent: dict[Money, list[OpenGift]] = defaultdict(list)
        self._by_pair: dict[Pair, list[OpenGift]] = defaultdict(list)
        self._by_amount_and_word: dict[tuple[Money, str], list[OpenGift]] = defaultdict(list)
        self._by_amount_and_pair: dict[tuple[Money, Pair], list[OpenGift]] = defaultdict(list)
        self._by_email: dict[tuple[Money, str], list[OpenGift]] = defaultdict(list)
        self._by_profile: dict[int, list[OpenGift]] = defaultdict(list)
        for gift in gifts:
            self._by_profile[gift.profile_id].append(gift)
            for pair in name_pairs(gift.donor_name):
                self._by_pair[pair].append(gift)
                needed = gift.missing if gift.missing.amount_minor > 0 else gift.amount
                self._by_amount_and_pair[needed, pair].append(gift)
            if gift.missing.amount_minor > 0:
                self._by_amount[gift.missing].append(gift)
                if gift.said_sent_on:
                    self._said_sent[gift.missing].append(gift)
                self._by_email[gift.missing, gift.donor_email.casefold()].append(gift)
                for word in set(name_tokens(gift.donor_name)):
                    self._by_amount_and_word[gift.missing, word].append(gift)
        self._marked: dict[Money, list[MarkedTransfer]] = defaultdict(list)
        for marked in sorted(world.marked, key=lambda marked: (marked.day, marked.source_id)):
            self._marked[marked.amount].append(marked)
        self._moves: dict[Money, list[StripeMove]] = defaultdict(list)
        for move in sorted(world.moves, key=lambda move: (move.kind, move.id)):
            self._moves[move.amount].append(move)
        self._profiles: dict[frozenset[str], set[int]] = defaultdict(set)
        for payer in world.payers:
            self._profiles[frozenset(payer.name.split())].add(payer.profile_id)

    def with_references(self, references: Iterable[str]) -> list[OpenGift]:
        """Return the gifts with these references, without duplicates."""
        found = [self._by_reference[name] for name in references if name in self._by_reference]
        return self._count(list({gift.id: gift for gift in found}.values()))

    def with_amount(self, amount: Money, day: date, most: int) -> list[OpenGift]:
        """Return the newest gifts, at most `most`, that need this amount, chosen near `day`."""
        gifts = self._by_amount.get(amount, [])
        first = bisect_left(gifts, day - timedelta(DAYS_BEFORE), key=lambda gift: gift.chosen_on)
        end = bisect_right(gifts, day + timedelta(DAYS_AFTER), key=lambda gift: gift.chosen_on)
        return self._count(list(islice((gifts[at] for at in range(end - 1, first - 1, -1)), most)))

    def said_sent(self, amount: Money) -> list[OpenGift]:
        """Return the gifts that need this amount and whose donors said that they sent it."""
        return self._count(list(self._said_sent.get(amount, ())))

    def with_pair(self, pairs: Iterable[Pair]) -> list[OpenGift]:
        """Return the gifts whose donor's name has one of these pairs of names, oldest first."""
        return self._count(_merged([self._by_pair.get(pair, []) for pair in pairs]))

    def with_amount_and_pair(self, amount: Money, pairs: Iterable[Pair]) -> list[OpenGift]:
        """Return those gifts of `with_pair` that need this amount, or have already received it."""
        lists = [self._by_amount_and_pair.get((amount, pair), []) for pair in pairs]
        return self._count(_merged(lists))

    def with_word(self, amount: Money, words: Iterable[str], most: int) -> list[OpenGift]:
        """Return the newest gifts that need this amount, with one of `words` in their donor's name.

        There are at most `most` gifts for each word.
        """
        return self._count(
            [
                gift
                for word in sorted(words)
                for gift in self._by_amount_and_word.get((amount, word), ())[-most:]
            ]
        )

    def with_email(self, amount: Money, email: str) -> list[OpenGift]:
        """Return the gifts that need this amount and whose donor has this e-mail address."""
        return self._count(self._by_email.get((amount, email.casefold()), []))

    def of_payer(self, words: frozenset[str]) -> list[OpenGift]:
        """Return all gifts of the donors whom staff chose earlier for a payer with this name."""
        profiles = sorted(self._profiles.get(words, ())) if words else []
        return self._count([gift for profile in profiles for gift in self._by_profile[profile]])

    def marked_near(self, amount: Money, day: date) -> list[MarkedTransfer]:
        """Return the transfers of this amount that staff marked within a week of `day`."""
        near = [
            marked
            for marked in self._marked.get(amount, ())
            if abs((marked.day - day).days) <= MARKED_DAYS
        ]
        self.looked_at += len(near)
        return near

    def moves_of(self, amount: Money) -> list[StripeMove]:
        """Return Stripe's moves of this amount."""
        self.looked_at += len(self._moves.get(amount, ()))
        return self._moves.get(amount, [])

    def _count(self, gifts: list[OpenGift]) -> list[OpenGift]:
        self.looked_at += len(gifts)
        return gifts


def _merged(lists: list[list[OpenGift]]) -> list[OpenGift]:
    filled = [gifts for gifts in lists if gifts]
    if len(filled) < 2:
        return filled[0] if filled else []
    found = {gift.id: gift for gifts in filled for gift in gifts}
    return sorted(found.values(), key=lambda gift: (gift.chosen_on, str(gift.id)))


def is_in_window(gift: OpenGift, day: date) -> bool:
    """Whether a gift was chosen at such a time that a transfer on `day` may pay it."""
    return -DAYS_AFTER <= (day - gift.chosen_on).days <= DAYS_BEFORE
