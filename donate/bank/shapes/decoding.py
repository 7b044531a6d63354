"""Decodes the bytes of an uploaded bank file into text, or says why that is not possible."""

import codecs
import re
from dataclasses import dataclass
from typing import Final

from donate.bank.shapes.statement import Sentence
from donate.errors import N_, BadInput

MAX_FILE_BYTES: Final = 20_000_000

_UTF8: Final = "utf-8"
_CP1252: Final = "cp1252"

_SIGNATURES: Final = (
    (b"PK\x03\x04", N_("This is a spreadsheet or a zip file. Please save it as CSV.")),
    (b"\xd0\xcf\x11\xe0", N_("This is an Excel file. Please save it as CSV.")),
    (b"%PDF", N_("This is a PDF. Please download the statement as CSV, OFX or CAMT.053.")),
)
_CONTROL_CHARACTERS: Final = re.compile("[\x01-\x08\x0e-\x19\x1b-\x1f\x7f]")

# Non-ASCII characters that banks write in English and French. If a file read as Windows-1252 has
# others, it has another encoding: in an old DOS file, é would be read as a low quotation mark.
_PLAUSIBLE: Final = frozenset(
    "ÀÂÄÆÇÈÉÊËÎÏÔÖŒÙÛÜŸàâäæçèéêëîïôöœùûüÿñÑáíóúÁÍÓÚ«»\u2018’“”–—…€£¢§©®™°·•²³½¼¾º\u00a0\u00ad"
)


@dataclass(frozen=True, slots=True)
class DecodedFile:
    """The text of a file, its encoding, and warnings about it for staff."""

    text: str
    encoding: str
    warnings: tuple[Sentence, ...] = ()
    byte_order_mark: bytes = b""

    def encoded(self, text: str) -> bytes:
        """Return the bytes of another text, in the encoding of this file."""
        return self.byte_order_mark + text.encode(self.encoding)


def decode_file(content: bytes, declared: str = "") -> DecodedFile:
    """Decode a file. `declared` is the encoding that an OFX or XML header names, if there is one.

    Detects UTF-8 and UTF-16, with or without a byte order mark, and Windows-1252. CSV files never
    declare Windows-1252, so a warning says that it was inferred. Raises BadInput for the field
    `file` if the file is empty, too large, binary, or in an unknown encoding.
    """
    if len(content) > MAX_FILE_BYTES:
        raise bad_file(N_("The file is larger than 20 MB. Please export a shorter period."))
    for signature, message in _SIGNATURES:
        if content.startswith(signature):
            raise bad_file(message)
    decoded = _decoded(content, declared)
    text = decoded.text.rstrip("\x1a")
    if not text.strip():
        raise bad_file(N_("The file is empty."))
    if "\0" in text or _CONTROL_CHARACTERS.search(text):
        raise bad_file(N_("This is not a text file. Please upload CSV, OFX or CAMT.053."))
    if re.match(r"\s*<(!doctype html|html)", text, re.IGNORECASE):
        raise bad_file(N_("This is a web page, not a statement. Please download it again as CSV."))
    warnings = decoded.warnings
    if "\ufffd" in text:
        lost = N_("Some characters were already lost in the bank’s file. They are shown as \ufffd.")
        warnings = (*warnings, Sentence(lost))
    return DecodedFile(text, decoded.encoding, warnings, decoded.byte_order_mark)


def bad_file(message: str, values: dict[str, str] | None = None) -> BadInput:
    """Return the error for a file that cannot be used."""
    return BadInput("file", message, values)


def _decoded(content: bytes, declared: str) -> DecodedFile:
    for mark, encoding in (
        (codecs.BOM_UTF8, _UTF8),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if content.startswith(mark):
            text = _strictly(content[len(mark) :], encoding)
            if text is None:
                raise _unclear()
            return DecodedFile(text, encoding, (), mark)
    if encoding := _utf16_without_mark(content):
        text = _strictly(content, encoding)
        if text is not None:
            return DecodedFile(text, encoding, (_inferred("UTF-16", text),))
    text = _strictly(content, _UTF8)
    if text is not None:
        differs = declared == _CP1252 and not text.isascii()
        return DecodedFile(text, _UTF8, (_misdeclared(),) if differs else ())
    text = _strictly(content, _CP1252)
    if text is None:
        raise _unclear()
    if declared == _CP1252:
        return DecodedFile(text, _CP1252)
    if any(c not in _PLAUSIBLE for c in text if not c.isascii()):
        raise _unclear()
    return DecodedFile(text, _CP1252, (_inferred("Windows-1252", text),))


def _strictly(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


def _utf16_without_mark(content: bytes) -> str:
    """Return the codec if nearly every second byte is zero, as in UTF-16; otherwise ""."""
    start = content[:2000]
    pairs = len(start) // 2
    if not pairs or len(content) % 2:
        return ""
    for encoding, zeros in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2])):
        if zeros.count(0) >= 0.8 * pairs and start.count(0) == zeros.count(0):
            return encoding
    return ""


def _inferred(encoding: str, text: str) -> Sentence:
    word = next((word for word in re.findall(r"\w+", text) if not word.isascii()), "")
    if not word:
        return Sentence(N_("The file was read as %(encoding)s."), {"encoding": encoding})
    return Sentence(
        N_("The file was read as %(encoding)s. Please check the accents, such as in “%(word)s”."),
        {"encoding": encoding, "word": word},
    )


def _misdeclared() -> Sentence:
    return Sentence(N_("The file says that it is Windows-1252, but it was read as UTF-8."))


def _unclear() -> BadInput:
    return bad_file(
        N_("We can’t tell how the file is encoded. Please save it as CSV in UTF-8, and try again.")
    )
