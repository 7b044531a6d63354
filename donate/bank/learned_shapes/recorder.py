"""Stores, renames and forgets learned shapes. The caller commits."""

import re
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from donate.bank.learned_shapes.models import LearnedShape
from donate.bank.learned_shapes.queries import (
    learned_by_fingerprint,
    learned_by_number,
    learned_shapes,
)
from donate.bank.shapes.csv_shapes import CsvShape, fold_header, shape_to_json
from donate.bank.shapes.reader import KNOWN_SHAPES
from donate.errors import N_, BadInput, Conflict, NotFound
from donate.gifts.choosing.card_numbers import holds_card_number

MAX_TITLE: Final = 100
_MAX_NAME: Final = 60
_NO_TITLE: Final = N_("Please name this kind of file, such as “Credit union, chequing”.")
_BAD_TITLE: Final = N_("Please use a name of letters and digits, of at most 100 characters.")
_TITLE_TAKEN: Final = N_("There is already a kind of file called “%(title)s”. Please use another.")
_MEANWHILE: Final = N_("Someone has just mapped the columns of this file too. Please look again.")


def learn_shape(
    session: Session, shape: CsvShape, title: str, *, actor: str, now: datetime
) -> LearnedShape:
    """Store a mapping for files with its fingerprint. An earlier mapping for them is forgotten.

    Raises BadInput for the field `title`, and Conflict if somebody else has just stored one.
    """
    earlier = learned_by_fingerprint(session, shape.fingerprint)
    title = _check_title(session, title, besides=earlier)
    name = _short_name(title)
    if earlier and earlier.id is not None:
        try:
            forget_shape(session, earlier.id, actor=actor, now=now)
        except NotFound as error:  # somebody else has just replaced it
            raise Conflict(_MEANWHILE) from error
    mapping = shape_to_json(replace(shape, name=name, title=title))
    row = LearnedShape(
        name=name,
        title=title,
        fingerprint=shape.fingerprint,
        mapping=mapping,
        learned_by=actor,
        learned_at=now,
    )
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError as error:
        raise Conflict(_MEANWHILE) from error
    return row


def rename_shape(session: Session, number: int, title: str) -> LearnedShape:
    """Give a learned shape another title. Raises BadInput for the field `title`, and NotFound."""
    row = learned_by_number(session, number, lock=True)
    if row is None:
        raise NotFound("no such learned shape")
    row.title = _check_title(session, title, besides=row)
    session.add(row)
    return row


def forget_shape(session: Session, number: int, *, actor: str, now: datetime) -> LearnedShape:
    """Stop using a learned shape. Lines that were imported with it are kept. Raises NotFound."""
    row = learned_by_number(session, number, lock=True)
    if row is None:
        raise NotFound("no such learned shape")
    row.forgotten_by, row.forgotten_at = actor, now
    session.add(row)
    session.flush()
    return row


def _check_title(session: Session, typed: str, *, besides: LearnedShape | None) -> str:
    title = " ".join(typed.split())
    if not title:
        raise BadInput("title", _NO_TITLE)
    name = _short_name(title)
    if not name or len(title) > MAX_TITLE or not title.isprintable() or holds_card_number(title):
        raise BadInput("title", _BAD_TITLE)
    others = [row for row in learned_shapes(session) if besides is None or row.id != besides.id]
    taken = {known.name for known in KNOWN_SHAPES} | {row.name for row in others}
    taken |= {_short_name(row.title) for row in others}
    if name in taken:
        raise BadInput("title", _TITLE_TAKEN, {"title": title})
    return title


def _short_name(title: str) -> str:
    """Return a title as a name of lower-case letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", fold_header(title)).strip("-")[:_MAX_NAME].rstrip("-")
