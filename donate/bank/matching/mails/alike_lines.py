"""Ties e-mails to lines that look alike, by counting: which line is whose cannot be told.

Each e-mail that a statement covers has its line among the lines that it fits. So if three equal
lines fit three e-mails and nothing else, then the three transfers are these three lines, and the
gifts that the e-mails name are paid. The lines are paired with the e-mails in the order of days.

This takes an e-mail that no line is left for, and a line that no e-mail is left for, as a sign that
something is missing. Then nothing is tied by counting.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Set as AbstractSet
from dataclasses import dataclass

from donate.bank.matching.candidates import BankLine, TransferMail
from donate.bank.matching.line_texts import LineClues
from donate.gifts.search_index.folding import fold

Fitting = Mapping[int, frozenset[int]]
"""The ids of the e-mails that fit each line, by the id of the line."""
Look = tuple[object, ...]
"""All that a bank shows of a line, except its day. Lines of one look are interchangeable."""


@dataclass(frozen=True, slots=True)
class CountedTie:
    """The e-mail of a line, and how many lines of this look were paired; 1 if no other could be."""

    mail_id: int
    alike: int


@dataclass(frozen=True, slots=True)
class MailCount:
    """What the lines and e-mails of a statement are. `covered` are e-mails whose line is there.

    `odd` are the lines that may be something else than the transfer of an e-mail: a part of them is
    explained, a person has undone what they were, or they have a name that no e-mail has.
    """

    lines: Mapping[int, tuple[BankLine, LineClues]]
    mails: Mapping[int, TransferMail]
    covered: AbstractSet[int]
    odd: AbstractSet[int]

    def tie(self, fitting: Fitting) -> dict[int, CountedTie]:
        """Return the ties that follow from counting, by the id of the line."""
        ties: dict[int, CountedTie] = {}
        for lines, mails in _groups(fitting):
            if not self.odd.isdisjoint(lines):
                continue
            if self._have_one_look(lines):
                ties |= self._pair_in_order(lines, mails, fitting)
            elif mails <= self.covered and self._has_line_for_each(lines, mails, fitting):
                ties |= self._settle(lines, fitting)
        return ties

    def _settle(self, lines: Collection[int], fitting: Fitting) -> dict[int, CountedTie]:
        """Pair lines of several looks that have exactly one e-mail each."""
        only, rest = _only_choices({line: fitting[line] for line in lines})
        ties = {line: CountedTie(mail, 1) for line, mail in only.items()}
        for alike, mails in _groups(rest):
            if self._have_one_look(alike):
                ties |= self._pair_in_order(alike, mails, rest)
        return ties

    def _pair_in_order(
        self, lines: Collection[int], mails: AbstractSet[int], fitting: Fitting
    ) -> dict[int, CountedTie]:
        """Pair lines of one look with e-mails by their days, and return the covered e-mails' pairs.

        The e-mails of a statement's last days may have lines that are yet to come, so there may be
        more e-mails than lines, but never more covered ones.
        """
        if not len(mails & self.covered) <= len(lines) <= len(mails):
            return {}
        pairs = list(zip(self._by_day(lines), self._mails_by_day(mails), strict=False))
        if any(mail not in fitting[line] for line, mail in pairs):
            return {}
        return {line: CountedTie(mail, len(lines)) for line, mail in pairs if mail in self.covered}

    def _has_line_for_each(
        self, lines: Collection[int], mails: AbstractSet[int], fitting: Fitting
    ) -> bool:
        """Whether there are as many lines as e-mails, and all can be paired at once."""
        if len(lines) != len(mails):
            return False
        line_of: dict[int, int] = {}
        for line in self._by_day(lines):
            found = _free_mail(line, line_of, fitting)
            if not found:
                return False
            line_of |= found
        return True

    def _by_day(self, lines: Collection[int]) -> list[int]:
        return sorted(lines, key=lambda line: (self.lines[line][1].day, line))

    def _mails_by_day(self, mails: Collection[int]) -> list[int]:
        return sorted(mails, key=lambda mail: (self.mails[mail].day, mail))

    def _have_one_look(self, lines: Collection[int]) -> bool:
        return len({_look(*self.lines[line]) for line in lines}) == 1


def _look(line: BankLine, clues: LineClues) -> Look:
    """Return what the bank shows of a line, without its own numbers, which name no payer.

    The year belongs to it, because the day of a gift decides the year of its receipt.
    """
    text = " ".join(word for word in fold(line.text).split() if not any(map(str.isdigit, word)))
    words = (clues.line_class, clues.words, clues.piece, text)
    return line.account, line.day.year, line.amount, words


def _groups(fitting: Fitting) -> Iterator[tuple[list[int], frozenset[int]]]:
    """Yield the lines that are connected through e-mails, with all these e-mails."""
    lines_with: dict[frozenset[int], list[int]] = defaultdict(list)
    for line, mails in fitting.items():
        lines_with[mails].append(line)
    group_of: dict[int, int] = {}
    members: dict[int, list[frozenset[int]]] = {}
    for number, mails in enumerate(lines_with):
        joined = {group_of[mail] for mail in mails if mail in group_of}
        members[number] = [mails, *(each for group in joined for each in members.pop(group))]
        for those in members[number]:
            group_of.update(dict.fromkeys(those, number))
    for sets in members.values():
        yield [line for those in sets for line in lines_with[those]], frozenset().union(*sets)


def _only_choices(fitting: Fitting) -> tuple[dict[int, int], dict[int, frozenset[int]]]:
    """Return the pairs that have no choice, round by round, and what is left of the others."""
    left = {line: set(mails) for line, mails in fitting.items()}
    lines_of: dict[int, set[int]] = defaultdict(set)
    for line, mails in left.items():
        for mail in mails:
            lines_of[mail].add(line)
    only: dict[int, int] = {}
    while True:
        pairs = {line: min(mails) for line, mails in left.items() if len(mails) == 1}
        pairs |= {min(lines): mail for mail, lines in lines_of.items() if len(lines) == 1}
        if not pairs:
            return only, {line: frozenset(mails) for line, mails in left.items()}
        for line, mail in pairs.items():
            only[line] = mail
            for other in left.pop(line, set()):
                lines_of[other].discard(line)
            for other_line in lines_of.pop(mail, set()):
                left[other_line].discard(mail)


def _free_mail(line: int, line_of: Mapping[int, int], fitting: Fitting) -> dict[int, int]:
    """Return the pairs, by e-mail, that give a line an e-mail and leave the others with one.

    `line_of` are the pairs made before. Returns nothing if there is no such e-mail.
    """
    came_from: dict[int, int] = {}
    waiting = [line]
    for at in waiting:
        for mail in sorted(fitting[at] - came_from.keys()):
            came_from[mail] = at
            if mail in line_of:
                waiting.append(line_of[mail])
                continue
            changed: dict[int, int] = {}
            mail_of = {paired: each for each, paired in line_of.items()}
            while True:
                changed[mail] = came_from[mail]
                if came_from[mail] == line:
                    return changed
                mail = mail_of[came_from[mail]]  # noqa: PLW2901
    return {}
