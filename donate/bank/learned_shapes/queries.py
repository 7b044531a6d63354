"""Reads the learned shapes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlmodel import Session, col, select

from donate.bank.learned_shapes.models import LearnedShape
from donate.bank.shapes.csv_shapes import CsvShape, shape_from_json
from donate.bank.shapes.reader import BUILT_IN


def learned_shapes(session: Session) -> Sequence[LearnedShape]:
    """Return the learned shapes that are not forgotten, sorted by title."""
    statement = select(LearnedShape).where(col(LearnedShape.forgotten_at).is_(None))
    return session.exec(statement.order_by(LearnedShape.title, col(LearnedShape.id))).all()


def all_csv_shapes(session: Session) -> Mapping[str, CsvShape]:
    """Return the built-in shapes and the ones that staff have mapped, by name."""
    learned = {row.name: as_csv_shape(row) for row in learned_shapes(session)}
    return {**learned, **BUILT_IN}


def as_csv_shape(row: LearnedShape) -> CsvShape:
    """Return the shape that is stored in a row, with its current title."""
    return replace(shape_from_json(row.mapping), title=row.title)


def learned_by_fingerprint(session: Session, fingerprint: str) -> LearnedShape | None:
    """Return the learned shape for files with this fingerprint, unless it is forgotten; or None."""
    statement = select(LearnedShape).where(
        LearnedShape.fingerprint == fingerprint, col(LearnedShape.forgotten_at).is_(None)
    )
    return session.exec(statement).first()


def learned_by_number(
    session: Session, number: int | None, *, lock: bool = False
) -> LearnedShape | None:
    """Return the learned shape with this id, unless it is forgotten; or None."""
    statement = select(LearnedShape).where(
        LearnedShape.id == number, col(LearnedShape.forgotten_at).is_(None)
    )
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return None if number is None else session.exec(statement).first()
