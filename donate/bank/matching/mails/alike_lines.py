"""Ties e-mails to lines by counting, if several equal lines cannot be told apart.

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

from donate.bank.matching.inputs import BankLine, TransferMail
from donate.bank.matching.line_texts import LineClues
from donate.gifts.search_index.folding import fold

Fitting = Mapping[int, frozenset[int]]
"""Maps the id of each line to the ids of the e-mails that fit it."""
Look = tuple[object, ...]
"""Everything that the bank shows of a line, except its day.

Lines with an equal look are interchangeable.
"""


@dataclass(frozen=True, slots=True)
class CountedTie:
    """The e-mail to which a line was tied.

    `alike` is how many equal lines were paired together; 1 if this was the only possible pair.
    """

    mail_id: int
    alike: int


@dataclass(frozen=True, slots=True)
class MailCount:
    """The lines and e-mails to count. `covered` are e-mails whose line is in the statements.

    `odd` are lines that may be something other than an e-mail's transfer: they are partly
    explained, a person has undone a decision about them, or they have a name that is in no e-mail.
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
        """Pair lines and e-mails that fit only each other. The lines may look different."""
        only, rest = _only_choices({line: fitting[line] for line in lines})
        ties = {line: CountedTie(mail, 1) for line, mail in only.items()}
        for alike, mails in _groups(rest):
            if self._have_one_look(alike):
                ties |= self._pair_in_order(alike, mails, rest)
        return ties

    def _pair_in_order(
        self, lines: Collection[int], mails: AbstractSet[int], fitting: Fitting
    ) -> dict[int, CountedTie]:
        """Pair lines that look equal with e-mails, both in the order of their days.

        Return only the pairs whose e-mail is covered. There may be more e-mails than lines, because
        lines for e-mails of the last days may not be in the statement yet. But if there are more
        covered e-mails than lines, return no pairs.
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
        """Whether all lines and e-mails can be paired, so that none is left over."""
        if len(lines) != len(mails):
            return False
        pairing = _Pairing(fitting)
        return all(pairing.add(line) for line in self._by_day(lines))

    def _by_day(self, lines: Collection[int]) -> list[int]:
        return sorted(lines, key=lambda line: (self.lines[line][1].day, line))

    def _mails_by_day(self, mails: Collection[int]) -> list[int]:
        return sorted(mails, key=lambda mail: (self.mails[mail].day, mail))

    def _have_one_look(self, lines: Collection[int]) -> bool:
        return len({_look(*self.lines[line]) for line in lines}) == 1


def _look(line: BankLine, clues: LineClues) -> Look:
    """Return what the bank shows of a line, without numbers, which say nothing about the payer.

    Lines of different years look different, because a gift's receipt is for the year of its line.
    """
    text = " ".join(word for word in fold(line.text).split() if not any(map(str.isdigit, word)))
    words = (clues.line_class, clues.words, clues.piece, text)
    return line.account, line.day.year, line.amount, words


def _groups(fitting: Fitting) -> Iterator[tuple[list[int], frozenset[int]]]:
    """Yield each group of lines that share e-mails, together with the e-mails of the group.

    Two lines are also in one group if they share no e-mail, but each shares one with a third line.
    """
    lines_with: dict[frozenset[int], list[int]] = defaultdict(list)
    for line, mails in fitting.items():
        lines_with[mails].append(line)
    group_of: dict[int, int] = {}
    joined_to = list(range(len(lines_with)))

    def leader(group: int) -> int:
        while joined_to[group] != group:
            joined_to[group] = joined_to[joined_to[group]]
            group = joined_to[group]
        return group

    for number, mails in enumerate(lines_with):
        for mail in mails:
            joined_to[leader(group_of.setdefault(mail, number))] = leader(number)
    members: dict[int, list[frozenset[int]]] = defaultdict(list)
    for number, mails in enumerate(lines_with):
        members[leader(number)].append(mails)
    for sets in members.values():
        yield [line for those in sets for line in lines_with[those]], frozenset().union(*sets)


def _only_choices(fitting: Fitting) -> tuple[dict[int, int], dict[int, frozenset[int]]]:
    """Return the pairs that follow because a line fits one e-mail only, or an e-mail one line only.

    Each pair removes a choice from other lines, from which more pairs may follow. Also return the
    lines that are not in a pair, with the e-mails that still fit them.
    """
    left = {line: set(mails) for line, mails in fitting.items()}
    lines_of: dict[int, set[int]] = defaultdict(set)
    for line, mails in left.items():
        for mail in mails:
            lines_of[mail].add(line)
    only: dict[int, int] = {}
    waiting = [(line, min(mails)) for line, mails in left.items() if len(mails) == 1]
    waiting += [(min(lines), mail) for mail, lines in lines_of.items() if len(lines) == 1]
    for line, mail in waiting:
        if line not in left or mail not in lines_of:
            continue
        only[line] = mail
        for other in left.pop(line) - {mail}:
            lines_of[other].discard(line)
            if len(lines_of[other]) == 1:
                waiting.append((min(lines_of[other]), other))
        for rival in lines_of.pop(mail) - {line}:
            left[rival].discard(mail)
            if len(left[rival]) == 1:
                waiting.append((rival, min(left[rival])))
    return only, {line: frozenset(mails) for line, mails in left.items()}


class _Pairing:
    """Pairs lines with e-mails, one to one. Re-pairs earlier lines to make room for a new one."""

    def __init__(self, fitting: Fitting) -> None:
        self._fitting = fitting
        self._line_of: dict[int, int] = {}
        self._mail_of: dict[int, int] = {}

    def add(self, line: int) -> bool:
        """Pair one more line, and say whether that was possible."""
        came_from: dict[int, int] = {}
        waiting = [line]
        for at in waiting:
            for mail in self._fitting[at] - came_from.keys():
                came_from[mail] = at
                if mail not in self._line_of:
                    self._change(line, mail, came_from)
                    return True
                waiting.append(self._line_of[mail])
        return False

    def _change(self, line: int, free: int, came_from: Mapping[int, int]) -> None:
        mail = free
        while True:
            at = came_from[mail]
            before = self._mail_of.get(at)
            self._line_of[mail], self._mail_of[at] = at, mail
            if at == line or before is None:
                return
            mail = before
