"""Writes what the service holds about a donor into one ZIP archive: pages for people, and JSON."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlmodel import Session
from starlette.responses import Response

from donate.books.pack.archive import PackedFile, write_pack
from donate.errors import N_
from donate.money import Money
from donate.personal_data.collecting import HeldTable, collect
from donate.personal_data.donor_scope import DonorScope
from donate.personal_data.inventory.all_tables import INVENTORY
from donate.personal_data.inventory.entries import PersonalTable
from donate.web.languages import LANGUAGES
from donate.web.templating import Localizer, Pages, translate

ABOUT_OTHERS: Final = N_(
    "Staff may have written about other people here, so we check it before we share it."
)
ABOUT_MANY: Final = N_("These are copies of the data above, or whole files about many people.")


def donor_archive(
    session: Session, scope: DonorScope, pages: Pages, *, now: datetime, contact: str = ""
) -> bytes:
    """Return a ZIP archive with a page in each language and `data.json`.

    `contact` is where the donor asks for what is left out. Use one snapshot of the database.
    """
    held = collect(session, scope)
    missing = _missing(scope)
    files = [PackedFile("data.json", _as_json(held, missing, scope, now))]
    for language in LANGUAGES:
        text = pages.text(
            "personal_data/data.html",
            language,
            held=held,
            missing=missing,
            is_for_donor=scope.is_for_donor,
            made_at=now,
            contact=contact,
            in_words=_in_words(language),
        )
        files.append(PackedFile(f"data-{language[:2]}.html", text.encode()))
    return write_pack(files)


def archive_response(content: bytes, name: str) -> Response:
    """Return a response that browsers save as `name`. The name must not say who the donor is."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="application/zip", headers=headers)


def _missing(scope: DonorScope) -> dict[str, list[PersonalTable]]:
    """Return the tables that the archive leaves out, by the reason."""
    others = [entry for entry in INVENTORY if entry.found_by and not entry.for_donor]
    many = [entry for entry in INVENTORY if not entry.found_by]
    return ({ABOUT_OTHERS: others} if scope.is_for_donor else {}) | {ABOUT_MANY: many}


def _as_json(
    held: Sequence[HeldTable],
    missing: Mapping[str, Sequence[PersonalTable]],
    scope: DonorScope,
    now: datetime,
) -> bytes:
    document = {
        "made_at": now.isoformat(),
        "for": "donor" if scope.is_for_donor else "staff",
        "units": "fields that end in _minor are in minor units: 1000 CAD is 10.00 dollars",
        "tables": {
            each.table.name: _described(each.table)
            | {
                "fields": {name: _both(label) for name, label in each.table.fields.items()},
                "rows": each.rows,
            }
            for each in held
        },
        "left_out": {
            entry.name: _described(entry) | {"why_left_out": _both(why)}
            for why, entries in missing.items()
            for entry in entries
        },
    }
    return f"{json.dumps(document, ensure_ascii=False, indent=2)}\n".encode()


def _described(entry: PersonalTable) -> dict[str, Any]:
    return {
        "title": _both(entry.title),
        "from": _both(entry.source.value),
        "why": _both(entry.why),
        "kept": _both(entry.keeping.value),
        "seen_by": _both(entry.viewers.value),
    }


def _both(message: str) -> dict[str, str]:
    return {language: translate(language, message) for language in LANGUAGES}


def _in_words(language: str) -> Callable[[dict[str, Any], str], str]:
    """Return a function that writes the value of a row's column for people."""
    _ = Localizer(language)

    def written(row: dict[str, Any], column: str) -> str:
        value = row[column]
        if isinstance(value, bool):
            return _("yes") if value else _("no")
        if column.endswith("_minor") and value is not None and row.get("currency"):
            return _.money(Money(value, row["currency"]))
        if isinstance(value, dict | list):
            return json.dumps(value, ensure_ascii=False, indent=1) if value else ""
        return "" if value is None else str(value)

    return written
