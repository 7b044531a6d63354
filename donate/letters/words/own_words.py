"""Puts the text that staff wrote into the draft of an e-mail."""

from dataclasses import replace

from donate.letters.context import LetterContext
from donate.letters.texts.rules import fill_text
from donate.letters.words.draft import Draft, name_to_greet
from donate.letters.words.instructions import Translate


def in_own_words(standard: Draft, context: LetterContext, _: Translate) -> Draft:
    """Return the draft with the text that staff wrote.

    If there is none, or one of its placeholders has no value now, return the standard draft: an
    e-mail with a gap is worse than the standard one.
    """
    if context.own_text is None:
        return standard
    values = {
        "name": name_to_greet(context.donor.name) or _("friend"),
        "amount": standard.amount,
        "date": standard.day,
        "reference": context.gift.reference,
        "organisation": context.charity,
    }
    text = fill_text(context.own_text, values)
    if text is None:
        return standard
    return replace(
        standard,
        subject=text.subject,
        headline=text.headline,
        opening=tuple(text.opening.splitlines()),
        closing=tuple(text.closing.splitlines()),
    )
