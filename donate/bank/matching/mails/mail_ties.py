"""Ties Interac's e-mails to bank lines. A tie is sure only if no other line or e-mail fits too.

Banks show one of three different pieces of Interac's reference, or none. So an e-mail is tied to a
line by the whole reference, else by a piece of it, else by the name, else by amount and day alone.
Stronger ties are made before weaker ones. An e-mail is tied to at most one line. The lines and
e-mails that remain are counted: see `alike_lines.py`.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set as AbstractSet
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum
from typing import Final

from donate.bank.matching.inputs import BankLine, TransferMail
from donate.bank.matching.line_texts import LineClues, name_tokens
from donate.bank.matching.mails.alike_lines import MailCount
from donate.bank.matching.payer_names import may_be_same
from donate.money import Money

DAYS_EARLY: Final = 1
"""A line may be dated this many days before its e-mail, if the bank uses another time zone."""
DAYS_LATE: Final = 4
"""A line may be dated this many days after its e-mail, because of a long weekend."""
TAIL_LENGTH: Final = 3
"""TD shows only this many characters of a reference, the last ones."""
_RBC_HEAD: Final = 8
# If the statements of an account ended this long before those of all others, the account is no
# longer in use.
_UNUSED_AFTER: Final = timedelta(days=62)


class MailClue(IntEnum):
    """What ties an e-mail to a line. A greater value is stronger."""

    AMOUNT = 0
    NAME = 1
    PIECE = 2
    REFERENCE = 3


@dataclass(frozen=True, slots=True)
class MailTie:
    """An e-mail that may be about a line. `is_sure` is false if another line or e-mail fits too.

    `is_covered` is true if the statement continues for at least `DAYS_LATE` days after the e-mail,
    so that the e-mail's line must be in the statement. `alike` is the number of equal lines that
    were paired with as many e-mails, without knowing which belongs to which; it is 1 for any other
    line.
    """

    mail: TransferMail
    clue: MailClue
    is_sure: bool
    is_covered: bool
    alike: int = 1


@dataclass(frozen=True, slots=True)
class TiedMails:
    """The e-mail of each line that has one.

    `unsettled` are lines that could have another e-mail.
    """

    ties: Mapping[int, MailTie]
    unsettled: AbstractSet[int]


Edges = Mapping[int, frozenset[int]]
"""Maps the id of each line to the ids of the e-mails that fit it."""


def tie_mails(
    lines: Sequence[tuple[BankLine, LineClues]],
    mails: Sequence[TransferMail],
    read_until: Mapping[int, date],
) -> TiedMails:
    """Return the e-mail of each line that has one, by the id of the line.

    `read_until` is the last day of the statements of each account. If it is empty, the statements
    end with the last line.
    """
    last_day = all_read_until([line for line, _ in lines], read_until)
    covered = {mail.id for mail in mails if (last_day - mail.day).days >= DAYS_LATE}
    found = _Edges(mails)
    edges = found.between(lines)
    undone = {line.id for line, _ in lines if line.was_undone}
    nameless = {mail for line_edges in edges[MailClue.AMOUNT].values() for mail in line_edges}
    ties: dict[int, MailTie] = {}
    contested: set[int] = set()
    for clue in sorted(MailClue, reverse=True):
        tied_mails = {tie.mail.id for tie in ties.values()} | contested
        left_of = {those: those - tied_mails for those in set(edges[clue].values())}
        free = {
            line: left
            for line, those in edges[clue].items()
            if line not in ties and (left := left_of[those])
        }
        # A line without a name may come from the e-mail's sender too.
        rivals = nameless if clue is MailClue.NAME else frozenset[int]()
        is_weak = clue is MailClue.AMOUNT
        sure = _sure_ties(free, covered, rivals, is_weak=is_weak)
        if is_weak:
            # If a person undid a decision about the line, equal amount and day do not suffice.
            sure = {line: mail for line, mail in sure.items() if line not in undone}
        for line, mail in sure.items():
            ties[line] = MailTie(found.mails[mail], clue, is_sure=True, is_covered=mail in covered)
        taken = set(sure.values())
        left_of = {those: those - taken for those in set(free.values())}
        for line, those in free.items():
            if line not in sure:
                left = left_of[those]
                contested |= left
                if len(left) == 1:
                    mail = min(left)
                    ties[line] = MailTie(
                        found.mails[mail], clue, is_sure=False, is_covered=mail in covered
                    )
    return _with_counted(ties, _by_id(lines), found, edges, covered)


def _with_counted(
    ties: Mapping[int, MailTie],
    lines: Mapping[int, tuple[BankLine, LineClues]],
    found: "_Edges",
    edges: Mapping[MailClue, Edges],
    covered: AbstractSet[int],
) -> TiedMails:
    """Return these ties, and add the ties that follow from counting lines and e-mails."""
    sure = {line: tie for line, tie in ties.items() if tie.is_sure}
    clue_of = {line: clue for clue, those in edges.items() for line in those}
    strangers = {
        line.id: found.on_days_of(line.amount, clues.day)
        for line, clues in lines.values()
        if clues.words and not clues.piece and line.id not in clue_of
    }
    odd = {
        line.id for line, _ in lines.values() if line.was_undone or line.open != line.amount
    } | strangers.keys()
    every = {**strangers, **{line: edges[clue][line] for line, clue in clue_of.items()}}
    fitting = _without({line: those for line, those in every.items() if line not in sure}, sure)
    counted = MailCount(lines, found.mails, covered, odd).tie(fitting)
    sure |= {
        line: MailTie(
            found.mails[tie.mail_id], clue_of[line], is_sure=True, is_covered=True, alike=tie.alike
        )
        for line, tie in counted.items()
    }
    taken = {tie.mail.id for tie in sure.values()}
    unsure = {line: tie for line, tie in ties.items() if tie.mail.id not in taken}
    left = _without({line: those for line, those in fitting.items() if line not in sure}, sure)
    return TiedMails(unsure | sure, left.keys())


def _without(edges: Edges, ties: Mapping[int, MailTie]) -> dict[int, frozenset[int]]:
    """Return, for each line, the e-mails that are not tied yet. Leaves out lines without any."""
    taken = {tie.mail.id for tie in ties.values()}
    left_of = {those: those - taken for those in set(edges.values())}
    return {line: left for line, those in edges.items() if (left := left_of[those])}


def _by_id(
    lines: Sequence[tuple[BankLine, LineClues]],
) -> dict[int, tuple[BankLine, LineClues]]:
    return {line.id: (line, clues) for line, clues in lines}


def all_read_until(lines: Sequence[BankLine], read_until: Mapping[int, date]) -> date:
    """Return the last day for which the statements of all accounts in use have been imported."""
    if not read_until:
        return max((line.day for line in lines), default=date.min)
    newest = max(read_until.values())
    return min(day for day in read_until.values() if newest - day <= _UNUSED_AFTER)


def _sure_ties(
    edges: Edges, covered: AbstractSet[int], rivals: AbstractSet[int], *, is_weak: bool
) -> dict[int, int]:
    """Return the sure ties. Each leaves fewer choices, so the search repeats while it finds any.

    A tie is sure if the line and the e-mail fit only each other. If the e-mail is in `covered`, its
    line must be in the statement, so it is enough if the e-mail fits only one line. If `is_weak`,
    only ties of covered e-mails are sure. E-mails in `rivals` may belong to other lines that have
    a weaker clue, so their ties are never sure.
    """
    sure: dict[int, int] = {}
    lines_of: dict[int, set[int]] = defaultdict(set)
    lines_with: dict[frozenset[int], list[int]] = defaultdict(list)
    for line, those in edges.items():
        lines_with[those].append(line)
    for those, lines in lines_with.items():
        for mail in those:
            lines_of[mail].update(lines)
    changed = set(lines_of) - rivals
    while changed:
        new: dict[int, set[int]] = defaultdict(set)
        for mail in changed:
            if len(lines_of[mail]) == 1:
                line = min(lines_of[mail])
                if mail in covered or (len(edges[line]) == 1 and not is_weak):
                    new[line].add(mail)
        changed = set()
        for line, mails in new.items():
            if len(mails) == 1:
                sure[line] = min(mails)
                for mail in edges[line]:
                    lines_of[mail].discard(line)
                changed |= edges[line] - rivals
    return sure


class _Edges:
    def __init__(self, mails: Sequence[TransferMail]) -> None:
        self.mails = {mail.id: mail for mail in mails}
        self._by_reference: dict[str, list[TransferMail]] = defaultdict(list)
        self._by_tail: dict[tuple[Money, str], list[TransferMail]] = defaultdict(list)
        self._by_head: dict[tuple[Money, str], list[TransferMail]] = defaultdict(list)
        self._by_word: dict[tuple[Money, str], list[TransferMail]] = defaultdict(list)
        self._by_day: dict[tuple[Money, int], list[TransferMail]] = defaultdict(list)
        self._around: dict[tuple[Money, int], frozenset[int]] = {}
        for mail in mails:
            reference = mail.interac_reference.casefold()
            self._by_reference[reference].append(mail)
            self._by_tail[mail.amount, reference[-TAIL_LENGTH:]].append(mail)
            self._by_head[mail.amount, reference[:_RBC_HEAD]].append(mail)
            for word in set(name_tokens(mail.sender_name)):
                self._by_word[mail.amount, word].append(mail)
            self._by_day[mail.amount, mail.day.toordinal()].append(mail)

    def between(
        self, lines: Sequence[tuple[BankLine, LineClues]]
    ) -> dict[MailClue, dict[int, frozenset[int]]]:
        """Return the e-mails that fit each line. Each line is under its strongest clue only."""
        edges: dict[MailClue, dict[int, frozenset[int]]] = {clue: {} for clue in MailClue}
        for line, clues in lines:
            clue, mails = self._fitting(line, clues)
            fitting = (
                self.on_days_of(line.amount, clues.day)
                if clue is MailClue.AMOUNT
                else frozenset(mail.id for mail in mails if _fits(line, clues, mail))
            )
            if fitting:
                edges[clue][line.id] = fitting
        return edges

    def on_days_of(self, amount: Money, day: date) -> frozenset[int]:
        """Return the e-mails of this amount whose transfer the bank may have posted on this day."""
        key = amount, day.toordinal()
        if key not in self._around:
            days = range(-DAYS_EARLY, DAYS_LATE + 1)
            self._around[key] = frozenset(
                mail.id for late in days for mail in self._by_day.get((amount, key[1] - late), ())
            )
        return self._around[key]

    def _fitting(self, line: BankLine, clues: LineClues) -> tuple[MailClue, list[TransferMail]]:
        whole = [
            mail
            for token in sorted(clues.tokens)
            for mail in self._by_reference.get(token, ())
            if _fits(line, clues, mail)
        ]
        if whole:
            return MailClue.REFERENCE, whole
        if clues.piece:
            ends = self._by_tail.get((line.amount, clues.piece[-TAIL_LENGTH:]), [])
            begins = self._by_head.get((line.amount, clues.piece[:_RBC_HEAD]), [])
            near = {mail.id: mail for mail in (*ends, *begins)}.values()
            return MailClue.PIECE, [mail for mail in near if _has_piece(mail, clues.piece)]
        if clues.words:
            return MailClue.NAME, [
                mail
                for word in sorted(clues.words)
                for mail in self._by_word.get((line.amount, word), ())
                if _fits(line, clues, mail) and may_be_same(clues.words, mail.sender_name)
            ]
        return MailClue.AMOUNT, []


def _has_piece(mail: TransferMail, piece: str) -> bool:
    """Whether a piece of a reference, as a bank shows it, fits the e-mail's reference.

    TD shows the end of the reference. RBC shows a word such as CAu3wqe5. No source says whether
    that is the whole reference, its beginning, or two letters and its end, so all three are
    accepted.
    """
    reference = mail.interac_reference.casefold()
    if len(piece) == TAIL_LENGTH:
        return reference.endswith(piece)
    return reference.startswith(piece) or reference.endswith(piece[2:])


def _fits(line: BankLine, clues: LineClues, mail: TransferMail) -> bool:
    return line.amount == mail.amount and -DAYS_EARLY <= (clues.day - mail.day).days <= DAYS_LATE
