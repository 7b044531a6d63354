"""Column types that SQLAlchemy does not have: enums as text, times in UTC, row numbers."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, String
from sqlalchemy.types import TypeDecorator

# SQLite numbers rows automatically only for INTEGER PRIMARY KEY.
RowNumber: Final = BigInteger().with_variant(Integer(), "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """A datetime in UTC, even if the database does not store time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC. Raises ValueError without a time zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime needs a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the value in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class EnumText(TypeDecorator[StrEnum]):
    """A StrEnum, stored as its text. `column` is the name for error messages, as in `gift.mode`."""

    impl = String
    cache_ok = True

    def __init__(self, enum: type[StrEnum], length: int, column: str) -> None:
        super().__init__(length)
        self.enum = enum
        self.column = column
        self._members = {member.value: member for member in enum}
        self._texts = {member: member.value for member in enum}

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:
        """Return the text to store for a member of the enum. Raises ValueError for other values."""
        if value is None:
            return None
        try:
            return self._texts[value]
        except KeyError:
            raise ValueError(f"{self.column} cannot store {value!r}") from None

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        """Return the enum's member for a stored text. Raises ValueError if there is none."""
        if value is None:
            return None
        try:
            return self._members[value]
        except KeyError:
            message = f"{self.column} holds {value!r}, which is no {self.enum.__name__}"
            raise ValueError(message) from None
