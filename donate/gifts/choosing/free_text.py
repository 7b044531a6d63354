"""Checks texts of several lines that staff type: reasons and notes."""

import unicodedata
from typing import Final

from donate.errors import N_, BadInput
from donate.gifts.choosing.card_numbers import CARD_NUMBER_FOUND, holds_card_number

MAX_FREE_TEXT: Final = 500
"""The most characters of a note or a reason, unless the caller allows another number."""


def check_free_text(
    field: str, text: str, *, most: int = MAX_FREE_TEXT, required: bool = False
) -> str:
    """Return the typed text as it will be stored. Raises BadInput if the text is not valid."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if required and not text:
        raise BadInput(field, N_("Please give a reason."))
    if len(text) > most:
        raise BadInput(
            field, N_("Please shorten this to %(most)s characters."), {"most": str(most)}
        )
    if not text.replace("\n", "").isprintable():
        raise BadInput(field, N_("This text has a character we can’t use. Please remove it."))
    if holds_card_number(text):
        raise BadInput(field, CARD_NUMBER_FOUND)
    return text
