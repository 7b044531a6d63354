"""Splits the bytes of an e-mail into headers and parts, in linear time and with limits.

The standard library's parser takes minutes for some nested e-mails. It also ends header lines at a
single carriage return, unlike the check of DKIM signatures. So an e-mail with a single carriage
return is refused, and both see the same headers.
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from quopri import decodestring
from typing import Final

from donate.errors import N_, BadInput

MAX_MAIL_BYTES: Final = 1024 * 1024
_MAX_HEAD: Final = 64 * 1024
_MAX_HEADER: Final = 4 * 1024
# The regular expressions of dkimpy take quadratic time for a long run of spaces. RFC 5322 allows
# lines of 998 characters, but no real e-mail has this many spaces in a row.
_MAX_SPACES: Final = 200
_MAX_HEADERS: Final = 300
_MAX_PARTS: Final = 50
_MAX_DEPTH: Final = 6
# E-mails that declare ISO-8859-1 are read as Windows-1252, which has quotation marks and dashes
# where ISO-8859-1 has no printable characters (WHATWG Encoding Standard, "windows-1252").
_CHARSETS: Final = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "windows-1252": "cp1252",
    "cp1252": "cp1252",
    "iso-8859-15": "iso-8859-15",
}
_DAMAGED: Final = N_(
    "This file is no complete e-mail. Please save the e-mail again as an .eml file."
)
_HEADER: Final = re.compile(rb"([!-9;-~]+):(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class MailPart:
    """An e-mail, or a part of one: its headers in order, names in lower case, and its body."""

    headers: Sequence[tuple[str, bytes]]
    body: bytes

    def raw(self, name: str) -> bytes:
        """Return the value of a header, unfolded. Raises BadInput if it is repeated or too long."""
        values = [value for key, value in self.headers if key == name]
        if len(values) > 1:
            message = N_("This e-mail has the header %(header)s more than once.")
            raise BadInput("mail", message, {"header": name.title()})
        if values and len(values[0]) > _MAX_HEADER:
            raise _unreadable_header(name)
        return values[0] if values else b""

    def text(self, name: str) -> str:
        """Return the decoded value of a header. Raises BadInput if it cannot be read exactly."""
        try:
            value = self.raw(name).decode("ascii")
            pieces = decode_header(value)
        except (UnicodeDecodeError, HeaderParseError, binascii.Error, ValueError):
            raise _unreadable_header(name) from None
        decoded = ""
        for piece, charset in pieces:
            if isinstance(piece, str):
                decoded += piece
            else:
                try:
                    decoded += piece.decode(_CHARSETS[(charset or "ascii").lower()])
                except (KeyError, UnicodeDecodeError):
                    raise _unreadable_header(name) from None
        return decoded.strip()

    @property
    def content_type(self) -> "Message[str, str]":
        """The header Content-Type, which gives the type and its parameters."""
        message: Message[str, str] = Message()
        message["Content-Type"] = self.raw("content-type").decode("ascii", "replace").strip()
        return message

    def content(self) -> bytes:
        """Return the body without its transfer encoding.

        Raises BadInput if the encoding is damaged.
        """
        encoding = self.raw("content-transfer-encoding").strip().lower()
        if encoding in (b"", b"7bit", b"8bit", b"binary"):
            return self.body
        if encoding == b"quoted-printable":
            # RFC 2045 ignores spaces at the end of a line, and so do signatures; decodestring does
            # not. Otherwise, added spaces would change what a signed e-mail says.
            lines = (line.rstrip(b" \t\r") for line in self.body.split(b"\n"))
            return decodestring(b"\n".join(lines))
        if encoding == b"base64":
            try:
                return b64decode(re.sub(rb"\s", b"", self.body), validate=True)
            except binascii.Error:
                raise BadInput("mail", _DAMAGED) from None
        raise BadInput("mail", N_("This e-mail has an encoding that we don’t know."))

    def content_text(self) -> str:
        """Return the body as text. Raises BadInput if it cannot be decoded exactly."""
        charset = str(self.content_type.get_content_charset("utf-8")).lower()
        try:
            return self.content().decode(_CHARSETS[charset]).replace("\r\n", "\n")
        except (KeyError, UnicodeDecodeError):
            message = N_("The text of this e-mail doesn’t fit the character set that it names.")
            raise BadInput("mail", message) from None


def _unreadable_header(name: str) -> BadInput:
    message = N_("The header %(header)s of this e-mail can’t be read.")
    return BadInput("mail", message, {"header": name.title()})


def split_mail(content: bytes) -> MailPart:
    """Split an e-mail into headers and body. Raises BadInput if it is not an e-mail or too large.

    NUL and single carriage returns are refused, because programs read them in different ways.
    """
    if len(content) > MAX_MAIL_BYTES:
        raise BadInput("mail", N_("This file is larger than 1 MB, so it is no e-mail of Interac."))
    spaces = b" " * _MAX_SPACES
    is_odd = b"\x00" in content or re.search(rb"\r(?!\n)", content)
    if is_odd or spaces in content.replace(b"\t", b" "):
        raise BadInput("mail", _DAMAGED)
    return _split_part(content)


def _split_part(content: bytes) -> MailPart:
    head, _, body = re.sub(rb"\r\n", b"\n", content).partition(b"\n\n")
    if content.startswith((b"\n", b"\r\n")):
        head, body = b"", content.lstrip(b"\r\n")
    if len(head) > _MAX_HEAD:
        raise BadInput("mail", _DAMAGED)
    headers: list[tuple[str, bytes]] = []
    for line in head.strip(b"\n").split(b"\n") if head else ():
        match = _HEADER.fullmatch(line)
        if line[:1] in (b" ", b"\t") and headers:
            headers[-1] = (headers[-1][0], headers[-1][1] + line)
        elif match:
            headers.append((match[1].decode("ascii").lower(), match[2]))
        elif not line.startswith(b"From "):
            raise BadInput("mail", _DAMAGED)
        if len(headers) > _MAX_HEADERS:
            raise BadInput("mail", _DAMAGED)
    return MailPart(headers, body)


def shows_its_boundary(mail: MailPart) -> bool:
    """Whether the body begins and ends with the boundary from its Content-Type header.

    Then the body itself shows how it is split, and a forged header could not split it differently.
    """
    boundary = mail.content_type.get_param("boundary")
    lines = [line.rstrip() for line in mail.body.split(b"\n") if line.strip()]
    return (
        mail.content_type.get_content_maintype() == "multipart"
        and isinstance(boundary, str)
        and boundary.isascii()
        and lines[:1] == [f"--{boundary}".encode("ascii")]
        and lines[-1:] == [f"--{boundary}--".encode("ascii")]
    )


def leaf_parts(mail: MailPart) -> list[MailPart]:
    """Return the innermost parts of an e-mail, in order.

    Raises BadInput if it has too many parts, or parts that are nested too deeply.
    """
    parts: list[MailPart] = []
    for part in _walk(mail, 0):
        parts.append(part)
        if len(parts) > _MAX_PARTS:
            raise BadInput("mail", N_("This e-mail has too many parts to be one of Interac."))
    return parts


def _walk(part: MailPart, depth: int) -> Iterator[MailPart]:
    header = part.content_type
    if header.get_content_maintype() != "multipart":
        yield part
        return
    boundary = header.get_param("boundary")
    if not isinstance(boundary, str) or not boundary.isascii() or depth == _MAX_DEPTH:
        raise BadInput("mail", N_("This e-mail has too many parts to be one of Interac."))
    found: list[list[bytes]] = []
    mark = b"--" + boundary.encode("ascii")
    for line in part.body.split(b"\n"):
        ending = line.rstrip()
        if ending == mark + b"--":
            break
        if ending == mark:
            found.append([])
            if len(found) > _MAX_PARTS:
                raise BadInput("mail", N_("This e-mail has too many parts to be one of Interac."))
        elif found:
            found[-1].append(line)
    for lines in found:
        yield from _walk(_split_part(b"\n".join(lines)), depth + 1)


def attached_mails(mail: MailPart) -> list[bytes]:
    """Return the bytes of each e-mail that is attached to this one, unchanged."""
    attached = []
    for part in leaf_parts(mail):
        header = part.content_type
        name = str(header.get_param("name") or "").lower()
        if header.get_content_type() == "message/rfc822" or name.endswith(".eml"):
            attached.append(part.content())
    return attached
