"""Finds gifts by reference, by part of a reference, or by a line of a bank statement."""

from collections.abc import Sequence
from typing import Final

from sqlmodel import Session

from donate.errors import BadInput
from donate.gifts.models import Donor, Gift
from donate.gifts.queries import GiftFilter, donor_of, gift_by_reference, newest_gifts
from donate.references import find_references, is_reference, tidy_reference

_LEAST_SEARCHED: Final = 3
_MOST_FOUND: Final = 50


def search_gifts(session: Session, typed: str, codes: Sequence[str]) -> list[tuple[Gift, Donor]]:
    """Return the gifts whose references `typed` contains.

    If `typed` contains no reference, return the newest gifts whose references contain `typed`.
    Raises BadInput if no gift matches or `typed` is too short.
    """
    reference = tidy_reference(typed)
    whole = is_reference(reference) and reference.replace("-", "").isalnum()
    # If several words were typed, look for references among them. Without the spaces, the words
    # before a reference would look like its giving code.
    is_line = len(typed.split()) > 1
    references = find_references(typed, codes) if is_line or not whole else []
    if whole and not references:
        references = [reference]
    gifts = [gift for name in references if (gift := gift_by_reference(session, name))]
    if gifts:
        return [(gift, donor_of(session, gift)) for gift in gifts]
    if references:
        unknown = {"reference": references[0]}
        raise BadInput("reference", "No gift has the reference %(reference)s.", unknown)
    part = "".join(c for c in reference if c.isascii() and c.isalnum())
    if len(part) < _LEAST_SEARCHED:
        raise BadInput(
            "reference", f"Please enter at least {_LEAST_SEARCHED} characters of the reference."
        )
    rows = newest_gifts(session, GiftFilter(reference_part=part), limit=_MOST_FOUND)
    if not rows:
        raise BadInput(
            "reference",
            "No gift found for %(typed)s. Search looks at references only.",
            {"typed": typed},
        )
    return rows
