"""Makes statements for tests."""

from datetime import date

from donate.bank.shapes.statement import Statement, StatementLine
from donate.money import Money


def line(
    row: int, day: int, amount_minor: int, text: str = "E-TRANSFER", **more: object
) -> StatementLine:
    """Return a line of a day in March 2026, in cents of Canadian dollars."""
    given = {
        "row": row,
        "day": date(2026, 3, day),
        "amount": Money(amount_minor, "CAD"),
        "text": text,
    }
    return StatementLine(**(given | more))  # type: ignore[arg-type]


def statement(*lines: StatementLine, **more: object) -> Statement:
    """Return a statement with these lines."""
    given = {
        "shape": "td",
        "encoding": "utf-8",
        "lines": lines,
        "refused": (),
        "skipped": (),
        "warnings": (),
        "first_day": min((one.day for one in lines), default=None),
        "last_day": max((one.day for one in lines), default=None),
        "masked": b"masked",
    }
    return Statement(**(given | more))  # type: ignore[arg-type]
