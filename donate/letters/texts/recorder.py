"""Records the texts that staff write for e-mails."""

from datetime import datetime
from typing import Final

from sqlmodel import Session

from donate.errors import N_, Conflict
from donate.letters.texts.models import LetterText
from donate.letters.texts.queries import TextPlace, parts_of_row, text_versions
from donate.letters.texts.rules import PARTS, TextParts
from donate.storage.bulk_writes import insert_new

CHANGED_MEANWHILE: Final = N_(
    "Someone else changed this text after you opened it, so yours wasn’t saved. Compare the two. "
    "If you want to keep yours, save again."
)


def record_text(
    session: Session,
    place: TextPlace,
    parts: TextParts | None,
    *,
    seen: int,
    actor: str,
    now: datetime,
) -> bool:
    """Record a text, or the return to the standard text if `parts` is None.

    Return whether anything changed. `seen` is the number of the newest row that the person saw, or
    0. Raises Conflict if there is a newer one.
    """
    versions = text_versions(session, place, most=1)
    if (versions[0].number if versions else 0) != seen:
        raise Conflict(CHANGED_MEANWHILE)
    if (parts_of_row(versions[0]) if versions else None) == parts:
        return False
    row = {
        "code": place.code,
        "language": place.language,
        "kind": place.kind,
        "number": seen + 1,
        "is_standard": parts is None,
        "written_by": actor,
        "written_at": now,
    }
    row |= {part: getattr(parts, part) if parts else "" for part in PARTS}
    if not insert_new(session, LetterText, [row]):
        raise Conflict(CHANGED_MEANWHILE)
    return True
