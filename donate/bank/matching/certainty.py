"""Finds the lines for which one suggestion is certain.

That takes a gift's reference, or a transfer that staff marked as received; the exact amount; a near
day; and no other gift or line that fits too.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from donate.bank.matching import reasons
from donate.bank.matching.candidates import CandidateIndex, is_in_window
from donate.bank.matching.inputs import BankLine, MarkedTransfer, OpenGift
from donate.bank.matching.line_texts import LineClues
from donate.bank.matching.mails.mail_ties import TAIL_LENGTH, MailClue, MailTie
from donate.bank.matching.payer_names import is_same_name, pairs_in
from donate.bank.matching.suggestions import (
    PayGift,
    Reason,
    ReasonValue,
    SuggestedPart,
    Suggestion,
    TiePayout,
    TieTopUp,
    TieTransfer,
)
from donate.references import find_references

Claim = tuple[str, str]
"""The kind and id of a gift, transfer or payout, to which only one line can be tied."""

# A shorter bank reference, as typed by staff, is too weak as evidence.
_MIN_REFERENCE: Final = 6


@dataclass(frozen=True, slots=True)
class LineView:
    """A line, its e-mail, the clues in its text, and the gifts whose references it contains."""

    line: BankLine
    clues: LineClues
    tie: MailTie | None = None
    in_text: tuple[OpenGift, ...] = ()
    in_mail: tuple[OpenGift, ...] = ()

    @property
    def named(self) -> tuple[OpenGift, ...]:
        """The gifts whose references are in the line or in its e-mail, each once."""
        if not (self.in_text and self.in_mail):
            return self.in_text or self.in_mail
        return tuple({gift.id: gift for gift in (*self.in_text, *self.in_mail)}.values())

    @property
    def words(self) -> frozenset[str]:
        """The words of the payer's name, as the bank writes it."""
        return self.clues.words

    @property
    def mail_id(self) -> int | None:
        """The id of the e-mail about the line; None if there is no e-mail."""
        return self.tie.mail.id if self.tie else None


def view_line(
    line: BankLine,
    clues: LineClues,
    tie: MailTie | None,
    index: CandidateIndex,
    codes: Iterable[str],
) -> LineView:
    """Return a line with the gifts whose references are in its text or in its e-mail."""
    text = find_references(f"{line.text} {line.bank_reference}", codes)
    mail = find_references(tie.mail.message, codes) if tie else []
    return LineView(
        line,
        clues,
        tie,
        tuple(gift for gift in index.with_references(text) if _same_currency(gift, line)),
        tuple(gift for gift in index.with_references(mail) if _same_currency(gift, line)),
    )


def certain_suggestion(view: LineView, index: CandidateIndex) -> Suggestion | None:
    """Return the line's certain suggestion, or None if there is none.

    Other lines are not considered yet: `uncontested` drops what two lines claim.
    """
    if _contradicts(view):
        return None
    near = index.marked_near(view.line.open, view.clues.day)
    if by_reference := [marked for marked in near if is_referred_to(marked, view)]:
        return _tied(view, by_reference, reasons.MARKED_BY_REFERENCE)
    named = view.named if view.tie is None or view.tie.is_sure else view.in_text
    if named:
        ids = {gift.id for gift in named}
        if of_gift := [marked for marked in near if marked.gift_id in ids]:
            return _tied(view, of_gift, reasons.MARKED_BY_GIFT) if len(named) == 1 else None
        return None if _may_be_another(view, index) else _paid(view, named)
    return _tied_by_name(view, near, index)


def uncontested(
    certain: Mapping[int, Suggestion],
) -> dict[int, Suggestion]:
    """Return the certain suggestions without those in which two lines claim the same thing."""
    lines_of: dict[Claim, list[int]] = defaultdict(list)
    for line, suggestion in certain.items():
        for claim in claims_of(suggestion):
            lines_of[claim].append(line)
    contested = {line for lines in lines_of.values() if len(lines) > 1 for line in lines}
    return {line: found for line, found in certain.items() if line not in contested}


def claims_of(suggestion: Suggestion) -> list[Claim]:
    """Return the gifts, transfers and payouts that a suggestion ties to its line.

    For a transfer that staff marked, these are both the transfer and its gift.
    """
    claims: list[Claim] = []
    for part in suggestion.parts:
        match part:
            case PayGift():
                claims.append(("gift", str(part.gift_id)))
            case TieTransfer():
                claims += [("gift", str(part.gift_id)), ("transfer", part.source_id)]
            case TiePayout():
                claims.append(("return" if part.is_return else "payout", str(part.payout_id)))
            case TieTopUp():
                claims.append(("top_up", str(part.top_up_id)))
    return list(dict.fromkeys(claims))


def is_referred_to(marked: MarkedTransfer, view: LineView) -> bool:
    """Whether the bank reference that staff typed is in the line or in its e-mail."""
    typed = re.sub(r"[^a-z0-9]", "", marked.bank_reference.casefold())
    if len(typed) < _MIN_REFERENCE:
        return False
    of_mail = view.tie.mail.interac_reference.casefold() if view.tie else ""
    return typed in view.clues.tokens or typed == of_mail


def reference_reasons(view: LineView, gift: OpenGift) -> tuple[Reason, ...]:
    """Return the sentences that say where the gift's reference was found."""
    said: list[Reason] = []
    if gift in view.in_text:
        said.append(reasons.say(reasons.REFERENCE_IN_LINE, reference=gift.reference))
    if gift in view.in_mail:
        said.append(reasons.say(reasons.REFERENCE_IN_MAIL, reference=gift.reference))
        said.extend(mail_reasons(view))
    return tuple(said)


def mail_reasons(view: LineView) -> tuple[Reason, ...]:
    """Return the sentence that says why the e-mail belongs to the line, if it has an e-mail."""
    if view.tie is None:
        return ()
    mail = view.tie.mail
    if view.tie.alike > 1:
        return (reasons.say(reasons.MAIL_BY_COUNT, count=view.tie.alike),)
    match view.tie.clue:
        case MailClue.REFERENCE:
            said = reasons.say(reasons.MAIL_BY_REFERENCE, reference=mail.interac_reference)
        case MailClue.PIECE if len(view.clues.piece) == TAIL_LENGTH:
            tail = mail.interac_reference[-TAIL_LENGTH:]
            said = reasons.say(reasons.MAIL_BY_TAIL, tail=tail)
        case MailClue.PIECE:
            said = reasons.say(reasons.MAIL_BY_PIECE, reference=mail.interac_reference)
        case MailClue.NAME:
            said = reasons.say(reasons.MAIL_BY_NAME, name=mail.sender_name)
        case _:
            said = reasons.MAIL_BY_AMOUNT
    return (said,)


def _contradicts(view: LineView) -> bool:
    """Whether the text and the e-mail name different gifts."""
    return bool(view.in_text and view.in_mail) and set(view.in_text) != set(view.in_mail)


def _paid(view: LineView, gifts: tuple[OpenGift, ...]) -> Suggestion | None:
    is_exact = sum(gift.missing.amount_minor for gift in gifts) == view.line.open.amount_minor
    is_open = all(
        gift.missing.amount_minor > 0 and is_in_window(gift, view.clues.day) for gift in gifts
    )
    if not (is_exact and is_open):
        return None
    parts: tuple[SuggestedPart, ...] = tuple(PayGift(gift.id, gift.missing) for gift in gifts)
    said = [reason for gift in gifts for reason in reference_reasons(view, gift)]
    said.append(
        reasons.AMOUNT_EXACT
        if len(gifts) == 1
        else reasons.say(reasons.SUM_EXACT, count=len(gifts))
    )
    return Suggestion(parts, _each_once(said), view.mail_id)


def _may_be_another(view: LineView, index: CandidateIndex) -> bool:
    """Whether the payer may have sent a second, equal transfer, whose bank line has not come yet.

    This is so if only the name ties the e-mail to the line, the statement ends too soon after the
    e-mail, and the donor has another gift that needs the same amount.
    """
    tie = view.tie
    if view.in_text or tie is None or tie.clue is not MailClue.NAME or tie.is_covered:
        return False
    return any(
        gift.missing == view.line.open and gift not in view.named
        for gift in index.with_amount_and_pair(view.line.open, pairs_in(view.words))
    )


def _each_once(said: list[Reason]) -> tuple[Reason, ...]:
    return tuple(reason for at, reason in enumerate(said) if reason not in said[:at])


def _tied(view: LineView, marked: list[MarkedTransfer], message: str) -> Suggestion | None:
    if len(marked) != 1:
        return None
    return tie_of(view, marked[0], message)


def tie_of(view: LineView, marked: MarkedTransfer, message: str) -> Suggestion:
    """Return the suggestion that the line shows a transfer which staff have marked."""
    values: dict[str, ReasonValue] = {"reference": marked.bank_reference, "day": marked.day}
    said = Reason(message, {name: values[name] for name in values if f"%({name})s" in message})
    part = TieTransfer(marked.gift_id, marked.source_id, marked.amount)
    return Suggestion((part,), (said, *mail_reasons(view)), view.mail_id)


def _tied_by_name(
    view: LineView, near: list[MarkedTransfer], index: CandidateIndex
) -> Suggestion | None:
    same = [marked for marked in near if has_name_of(view, marked.gift_id, index)]
    if not same or any(
        gift.missing == view.line.open
        for gift in index.with_amount_and_pair(view.line.open, pairs_in(view.words))
    ):
        return None
    return _tied(view, same, reasons.MARKED_BY_NAME)


def has_name_of(view: LineView, gift_id: UUID, index: CandidateIndex) -> bool:
    """Return whether the line contains the donor's first and last name."""
    gift = index.gift_of.get(gift_id)
    return gift is not None and is_same_name(view.words, gift.donor_name)


def _same_currency(gift: OpenGift, line: BankLine) -> bool:
    return gift.missing.currency == line.open.currency


def with_reason(suggestion: Suggestion, reason: Reason) -> Suggestion:
    """Return the suggestion with one more reason."""
    said = (*suggestion.reasons, reason)
    return Suggestion(suggestion.parts, said, suggestion.mail_id)
