"""The draft of an e-mail, and the content that several kinds of e-mail share."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from donate.letters.context import LetterContext
from donate.letters.words.instructions import Translate

_MAX_NAME: Final = 60
# A name with one of these texts, or with a character that names do not have, may be a stranger's
# message, so e-mails do not repeat it.
_NO_NAME: Final = re.compile(r"[.,](?! |$)|www", re.IGNORECASE)
_IN_NAMES: Final = frozenset(" '’ʼ·-‐‑–.,&")  # noqa: RUF001 -- as people type them


@dataclass(frozen=True, slots=True)
class Draft:
    """The content of an e-mail, in the donor's language, in the order in which donors read it.

    Staff may write their own subject, headline, opening and closing. What depends on the gift, or
    protects the donor, stands in `before`, `rows` and `after`, and stays as it is.
    """

    subject: str
    headline: str
    opening: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()
    """Labels and values, such as the amount and the reference."""
    after: tuple[str, ...] = ()
    closing: tuple[str, ...] = ()
    link: tuple[str, str] = ("", "")
    """The text and the URL of the main link."""
    manage: tuple[str, str] | None = None
    """The text and the URL of the link to the pledge, if there is one."""
    why: str = ""
    """Why the donor got this e-mail, if not because of a gift."""
    stop: tuple[str, str] | None = None
    """The text and the URL of the link that stops such e-mails, if the donor may stop them."""
    amount: str = ""
    """The amount that staff may name in their texts; empty if this kind of e-mail has none."""
    day: str = ""
    """The date that staff may name in their texts; empty if this kind of e-mail has none."""


def name_to_greet(name: str) -> str:
    """Return a typed name if it is safe to repeat in an e-mail, otherwise "".

    Anyone can enter a name for any address, so the name could be a message to a stranger.
    """
    plain = unicodedata.normalize("NFKC", name)
    are_letters = all(unicodedata.category(c)[0] in "LM" or c in _IN_NAMES for c in plain)
    if len(name) > _MAX_NAME or not are_letters or _NO_NAME.search(plain):
        return ""
    return name


def manage_link(context: LetterContext, _: Translate) -> tuple[str, str] | None:
    """Return the link to the donor's page for the pledge; None if the gift is not monthly."""
    if context.pledge_page is None:
        return None
    return _("Manage your monthly gift"), context.pledge_page


def amount_and_reference(context: LetterContext, _: Translate) -> tuple[tuple[str, str], ...]:
    """Return the lines with the gift's amount and reference."""
    return (
        (_("Amount"), context.money(context.gift.amount)),
        (_("Reference"), context.gift.reference),
    )
