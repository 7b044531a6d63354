"""The texts of e-mails, and how e-mails look with them, in the form in which staff see them."""

import hashlib
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlmodel import Session

from donate.errors import NotFound
from donate.finance.staff.accounts import names_of
from donate.finance.words import LETTERS, actor_name
from donate.letters.context import LetterContext, can_be_written
from donate.letters.email_message import EmailText, render_letter
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter, LetterState
from donate.letters.texts.example import example_context
from donate.letters.texts.models import LetterText
from donate.letters.texts.queries import TextPlace
from donate.regions.regions import Region, Regions
from donate.web.templating import Localizer, Pages

TEXTS: Final = "/finance/letters/texts"
_STYLE: Final = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_ANY_DAY: Final = date(2000, 1, 1)


@dataclass(frozen=True, slots=True)
class TextRow:
    """One text in the list. `row` is None if staff have never changed it."""

    kind: str
    href: str
    row: LetterText | None
    by: str


@dataclass(frozen=True, slots=True)
class TextGroup:
    """The texts of one region in one language."""

    code: str
    language: str
    language_name: str
    rows: list[TextRow]


def text_place(regions: Regions, code: str, language: str, kind: str) -> tuple[Region, TextPlace]:
    """Return the region and the place of a text, from its address. Raises NotFound."""
    region = regions.get(code)
    if region is None or language not in region.languages or kind not in set(LetterKind):
        raise NotFound("no such text")
    place = TextPlace(code, language, LetterKind(kind))
    if place.kind not in _kinds_of(region):
        raise NotFound("this region sends no such e-mail")
    return region, place


def address_of_text(place: TextPlace) -> str:
    """Return the path of the page of a text."""
    return f"{TEXTS}/{place.code}/{place.language}/{place.kind}"


def _kinds_of(region: Region) -> list[LetterKind]:
    """Return the kinds of e-mail that a region can send, in the order of their definition."""
    language = region.languages[0]
    return [
        kind
        for kind in LetterKind
        if can_be_written(kind, example_context(kind, region, language, today=_ANY_DAY))
    ]


def text_groups(
    session: Session,
    regions: Regions,
    in_force: Mapping[TextPlace, LetterText],
    language: str,
) -> list[TextGroup]:
    """Return every text that staff may change, with who changed it last."""
    _ = Localizer(language)
    names = names_of(session, {row.written_by for row in in_force.values()})
    groups = []
    for region in regions.values():
        kinds = _kinds_of(region)
        for tag in region.languages:
            places = [TextPlace(region.code, tag, kind) for kind in kinds]
            rows = [(place, in_force.get(place)) for place in places]
            listed = [
                TextRow(
                    kind=_(LETTERS[place.kind]),
                    href=address_of_text(place),
                    row=row,
                    by=actor_name(row.written_by, names, language) if row else "",
                )
                for place, row in rows
            ]
            groups.append(TextGroup(region.code, tag, _.name_of_language(tag), listed))
    return groups


def preview_of(pages: Pages, kind: LetterKind, context: LetterContext) -> EmailText:
    """Return an example e-mail as it would be sent."""
    now = context.gift.opened_at
    letter = Letter(
        gift_id=context.gift.id, kind=kind, state=LetterState.WAITING, written_at=now, due_at=now
    )
    return render_letter(pages, letter, context)


def preview_headers(html: str) -> dict[str, str]:
    """Return a Content-Security-Policy for a page that shows an e-mail in a frame.

    The e-mail stands in the page itself (`srcdoc`), so the page's policy applies to it. The policy
    allows the e-mail's own style sheet by its hash, and no other inline style.
    """
    hashes = " ".join(
        f"'sha256-{b64encode(hashlib.sha256(style.encode()).digest()).decode()}'"
        for style in _STYLE.findall(html)
    )
    return {
        "Content-Security-Policy": f"default-src 'none'; style-src 'self' {hashes}; "
        "script-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    }
