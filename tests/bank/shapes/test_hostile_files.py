"""Files that were made to keep the server busy are read or refused at once."""

import pytest

from donate.bank.shapes.reader import read_statement
from donate.bank.statements.uploads import masked_content
from donate.errors import BadInput
from tests.machine_speed import processor_seconds

CAMT = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"
HEADER = b"Date,Description,Withdrawals,Deposits,Balance\r\n"


@pytest.mark.alone
@pytest.mark.parametrize(
    "content",
    [
        f'<Document xmlns="{CAMT}">{" " * 200_000}</Document>'.encode(),
        HEADER + b"1" * 100_000 + b",x,,,\r\n",
        HEADER + b",".join([b"4111 1111 1111 1111"] * 4_000) + b"\r\n",
        b",".join([b"a"] * 100_000) + b"\r\n",
    ],
    ids=["spaces in XML", "a long cell", "cells with card numbers", "a hundred thousand columns"],
)
def test_hostile_files_take_no_time(content: bytes) -> None:
    """Masking and reading such a file takes less than a second of processor time."""

    def read() -> None:
        try:
            read_statement(masked_content(content), currency="CAD")
        except BadInput as problem:
            assert problem.message  # noqa: PT017 -- a file may be read, or refused with a sentence

    assert processor_seconds(read)[0] < 1


def test_too_many_columns_are_refused() -> None:
    """A file with more than 200 columns is refused with a sentence."""
    with pytest.raises(BadInput, match="200 columns"):
        read_statement(b",".join([b"a"] * 201) + b"\r\n", currency="CAD")
