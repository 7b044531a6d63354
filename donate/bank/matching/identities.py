"""Finds the gifts whose donor may be a line's payer: by name, e-mail address, or known payer."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from donate.bank.matching import reasons
from donate.bank.matching.candidates import CandidateIndex
from donate.bank.matching.certainty import LineView
from donate.bank.matching.inputs import OpenGift
from donate.bank.matching.line_texts import payer_words
from donate.bank.matching.payer_names import is_same_name, name_pairs, pairs_in
from donate.bank.matching.suggestions import Reason


@dataclass(frozen=True, slots=True)
class Identities:
    """The gifts whose donor may be the line's payer, and what points to each donor."""

    gifts: Mapping[UUID, OpenGift]
    by_name: frozenset[UUID]
    by_address: frozenset[UUID]
    by_payer: frozenset[UUID]

    def clues(self, gift: OpenGift) -> int:
        """Return how many of name, e-mail address and known payer point to the gift's donor."""
        return sum(gift.id in found for found in (self.by_name, self.by_address, self.by_payer))

    def reasons(self, view: LineView, gift: OpenGift) -> list[Reason]:
        """Return the sentences that say what points to the gift's donor."""
        said: list[Reason] = []
        if gift.id in self.by_name:
            said.append(name_reason(reasons.NAME_SAME, view, gift))
        if gift.id in self.by_address:
            said.append(reasons.SENDER_ADDRESS)
        if gift.id in self.by_payer:
            said.append(reasons.KNOWN_PAYER)
        return said


def identities_of(view: LineView, index: CandidateIndex) -> Identities:
    """Return the gifts with the line's amount whose donor the line or its e-mail points to."""
    amount = view.line.open
    named = index.with_amount_and_pair(amount, pairs_in(view.words))
    addressed: list[OpenGift] = []
    if view.tie:
        mail = view.tie.mail
        sender = {word for pair in name_pairs(mail.sender_name) for word in pair}
        named = [*named, *index.with_amount_and_pair(amount, pairs_in(sender))]
        addressed = index.with_email(amount, mail.sender_email)
    known = [gift for gift in index.of_payer(view.words) if amount in (gift.missing, gift.amount)]
    return Identities(
        gifts={gift.id: gift for gift in (*named, *addressed, *known)},
        by_name=frozenset(gift.id for gift in named),
        by_address=frozenset(gift.id for gift in addressed),
        by_payer=frozenset(gift.id for gift in known),
    )


def payer_as_written(view: LineView) -> str:
    """Return the words of the payer's name in the order in which the bank writes them."""
    words = (word for word in payer_words(view.line.text) if word in view.words)
    return " ".join(dict.fromkeys(words)).upper()


def name_reason(message: str, view: LineView, gift: OpenGift) -> Reason:
    """Return a sentence with the donor's name, and the payer's as the bank or Interac writes it."""
    written = payer_as_written(view)
    if view.tie and (not written or not is_same_name(view.words, gift.donor_name)):
        written = view.tie.mail.sender_name
    return reasons.say(message, payer=written, donor=gift.donor_name)
