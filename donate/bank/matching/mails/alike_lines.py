"""Ties e-mails by counting, if it is impossible to tell which of several equal lines is whose.

If a statement covers an e-mail, the e-mail's line is among the lines that fit it. So if three equal
lines fit three e-mails and nothing else, then the three transfers are these three lines, and the
gifts that the e-mails name are paid. The lines and the e-mails are paired in the order of their
days.

If an e-mail is left without a line, or a line without an e-mail, something may be missing. Then
nothing is tied by counting.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Set as AbstractSet
from dataclasses import dataclass

from donate.bank.matching.candidates import BankLine, TransferMail
from donate.bank.matching.line_texts import LineClues
from donate.gifts.search_index.folding import fold

Fitting = Mapping[int, frozenset[int]]
"""For the id of each line: the ids of the e-mails that fit it."""
Look = tuple[object, ...]
"""Everything that the bank shows of a line, except its day.

Lines with an equal look are interchangeable.
"""


@dataclass(frozen=True, slots=True)
class CountedTie:
    """The e-mail of a line.

    `alike` is how many equal lines were paired; 1 if no other was possible.
    """

    mail_id: int
    alike: int


@dataclass(frozen=True, slots=True)
class MailCount:
    """The lines and e-mails to count. `covered` are e-mails whose line is in the statements.

    `odd` are lines that may be something other than an e-mail's transfer: they are partly
    explained, a person has undone what they were, or they have a name that is in no e-mail.
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
        """Pair lines and e-mails that have only each other. The lines may look different."""
        only, rest = _only_choices({line: fitting[line] for line in lines})
        ties = {line: CountedTie(mail, 1) for line, mail in only.items()}
        for alike, mails in _groups(rest):
            if self._have_one_look(alike):
                ties |= self._pair_in_order(alike, mails, rest)
        return ties

    def _pair_in_order(
        self, lines: Collection[int], mails: AbstractSet[int], fitting: Fitting
    ) -> dict[int, CountedTie]:
        """Pair lines that look equal with e-mails, by their days. Return pairs for covered e-mails.

        Some lines for e-mails of the last days may not be in the statement yet. So there may be
        more e-mails than lines, but not more covered e-mails than lines.
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
        """Whether each line can have an e-mail of its own, with no e-mail left over."""
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
    """Return what the bank shows of a line, without numbers, which say nothing about the payer.

    The year is a part of it, because the day of a gift decides for which year its receipt is.
    """
    text = " ".join(word for word in fold(line.text).split() if not any(map(str.isdigit, word)))
    words = (clues.line_class, clues.words, clues.piece, text)
    return line.account, line.day.year, line.amount, words


def _groups(fitting: Fitting) -> Iterator[tuple[list[int], frozenset[int]]]:
    """Yield each group of lines that share e-mails, also through others, with these e-mails."""
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
