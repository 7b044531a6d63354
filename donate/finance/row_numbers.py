"""Reads the numbers of rows, as addresses and forms contain them."""

from typing import Annotated, Final

from fastapi import Depends

from donate.errors import NotFound

# Every number with so many digits fits into a column of a database.
_MOST_DIGITS: Final = 18


def as_number(text: str) -> int | None:
    """Return the number of a row that a link or a form contains; None if the text is no number."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
    return int(text) if is_number else None


def _number_of_person(person_id: str) -> int:
    number = as_number(person_id)
    if number is None:
        raise NotFound("no such person")
    return number


PersonNumber = Annotated[int, Depends(_number_of_person)]
"""The number of a person in the address of a page. Other texts are answered with 404."""
