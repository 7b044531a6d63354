"""Reads the ids of database rows from URLs and forms."""

from typing import Annotated, Final

from fastapi import Depends

from donate.errors import NotFound

# A number with this many digits always fits into an integer column of the database.
_MOST_DIGITS: Final = 18


def as_number(text: str) -> int | None:
    """Return the row id that a link or a form contains; None if the text is not a number."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
    return int(text) if is_number else None


def _number_of_person(person_id: str) -> int:
    number = as_number(person_id)
    if number is None:
        raise NotFound("no such person")
    return number


PersonNumber = Annotated[int, Depends(_number_of_person)]
"""The id of a person in the URL of a page. If it is not a number, the answer is 404."""
