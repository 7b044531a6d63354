"""Stores uploaded files until staff import or discard them. The caller commits."""

from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, col, delete

from donate.bank.shapes.csv_cells import likely_delimiters, split_rows
from donate.bank.shapes.decoding import decode_file
from donate.bank.shapes.reader import read_statement
from donate.bank.statements.models import StatementUpload
from donate.errors import BadInput

KEPT_FOR: Final = timedelta(days=14)
"""How long an uploaded file is kept if nobody imports it."""


def keep_upload(
    session: Session, name: str, masked: bytes, sha256: str, *, actor: str, now: datetime
) -> StatementUpload:
    """Store an uploaded file, and delete uploads that are too old.

    `masked` must be a result of `masked_content`. `sha256` is the hash of the file before masking.
    """
    forgotten = col(StatementUpload.uploaded_at) < now - KEPT_FOR
    session.execute(delete(StatementUpload).where(forgotten))
    upload = StatementUpload(
        sha256=sha256,
        name=name[-200:],
        content=masked,
        uploaded_by=actor,
        uploaded_at=now,
    )
    session.add(upload)
    session.flush()
    return upload


def masked_content(content: bytes) -> bytes:
    """Return a file's content with all card numbers masked. Raises BadInput if it is not text.

    A file that cannot be read before a person has chosen something is masked as CSV.
    """
    try:
        return read_statement(content, currency="CAD").masked
    except BadInput:
        file = decode_file(content)
        rows = split_rows(file.text, likely_delimiters(file.text)[0])
        return file.encoded("".join(row.masked_raw for row in rows))
