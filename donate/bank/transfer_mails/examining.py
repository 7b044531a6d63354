"""Examines files: finds Interac's e-mails, checks their signatures, and reads what they say.

It needs public keys and sometimes the network, so it runs while no transaction is open.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from donate.bank.shapes.statement import Sentence
from donate.bank.transfer_mails.html_text import text_of_html
from donate.bank.transfer_mails.keys import NO_SUCH_KEY, MailKeys
from donate.bank.transfer_mails.mail_parts import (
    MailPart,
    attached_mails,
    leaf_parts,
    split_mail,
)
from donate.bank.transfer_mails.reading import MailReading, read_transfer_mail
from donate.bank.transfer_mails.signatures import (
    SIGNING_DOMAIN,
    MailSignature,
    is_from_interac,
    is_signed_with,
    signatures_of,
)
from donate.clock import local_date
from donate.errors import N_, BadInput

MAX_MAILS: Final = 500
MAX_FILE_NAME: Final = 200

_NOT_INTERAC: Final = N_("This is no e-mail of Interac. Nothing was added.")
_FORWARDED: Final = N_(
    "This e-mail was forwarded, and with that it lost Interac’s signature. Save the original as an "
    ".eml file and add that, or forward it as an attachment."
)
_WRONG: Final = N_(
    "Interac’s signature doesn’t fit this e-mail: it was changed on its way, or Interac didn’t "
    "write it. Nothing was added."
)
UNKNOWN_KEY: Final = N_(
    "Interac has no public key of the name that this e-mail gives: Interac didn’t write it, or has "
    "withdrawn the key. Nothing was added."
)
_ANOTHER: Final = N_(
    "This transfer was sent to %(address)s. No gifts are sent to that address, so nothing was "
    "added."
)


class SignatureCheck(StrEnum):
    """Whether Interac signed an e-mail."""

    VALID = "valid"
    NO_KEY = "no_key"  # Interac's public key is unknown for now.


@dataclass(frozen=True, slots=True)
class ExaminedMail:
    """A file, or an e-mail attached to one, and what was found: a problem, or all other fields."""

    file: str
    content: bytes
    problem: Sentence | None = None
    reading: MailReading | None = None
    day: date | None = None
    selector: str = ""
    check: SignatureCheck | None = None


class MailExaminer:
    """Examines e-mails, using these public keys.

    `addresses` are the addresses to which donors send transfers. `time_zone` is for e-mails whose
    text does not state the day.
    """

    def __init__(self, keys: MailKeys, *, addresses: Collection[str], time_zone: str) -> None:
        self._keys = keys
        self._addresses = {address.lower() for address in addresses}
        self._time_zone = time_zone

    def examine_files(self, files: Sequence[tuple[str, bytes]]) -> list[ExaminedMail]:
        """Examine files, each a name and its content, and the e-mails attached to them.

        Raises BadInput for more than MAX_MAILS files.
        """
        if len(files) > MAX_MAILS:
            message = N_("Please add at most %(most)s files at a time.")
            raise BadInput("files", message, {"most": str(MAX_MAILS)})
        examined: list[ExaminedMail] = []
        for name, content in files:
            examined += self._examine(name[:MAX_FILE_NAME], content)
        return examined

    def examine_again(self, content: bytes) -> ExaminedMail:
        """Examine a stored e-mail again."""
        (examined,) = self._examine("", content)
        return examined

    def _examine(self, name: str, content: bytes) -> list[ExaminedMail]:
        try:
            mail = split_mail(content)
            if is_from_interac(mail):
                return [self._examine_one(name, content, mail)]
            attached = attached_mails(mail)
            if not attached and _mentions_interac(mail):
                return [ExaminedMail(name, content, Sentence(_FORWARDED))]
        except BadInput as problem:
            return [_refused(name, content, problem)]
        found = []
        for inner in attached:
            try:
                mail = split_mail(inner)
                if is_from_interac(mail):
                    found.append(self._examine_one(name, inner, mail))
            except BadInput as problem:
                found.append(_refused(name, inner, problem))
        return found or [ExaminedMail(name, content, Sentence(_NOT_INTERAC))]

    def _examine_one(self, name: str, content: bytes, mail: MailPart) -> ExaminedMail:
        try:
            signature, check = _check(content, signatures_of(mail), self._keys)
            reading = read_transfer_mail(mail, signature.signed)
        except BadInput as problem:
            return _refused(name, content, problem)
        if reading.recipients and self._addresses.isdisjoint(reading.recipients):
            # Anyone can send a transfer to themselves and then has a signed e-mail about it.
            values = {"address": reading.recipients[0]}
            return ExaminedMail(name, content, Sentence(_ANOTHER, values))
        day = reading.day
        if day is None:
            assert reading.sent_at
            day = local_date(reading.sent_at, self._time_zone)
        return ExaminedMail(
            name, content, reading=reading, day=day, selector=signature.selector, check=check
        )


def _refused(name: str, content: bytes, problem: BadInput) -> ExaminedMail:
    return ExaminedMail(name, content, Sentence(problem.message, problem.values))


def _check(
    content: bytes, signatures: Sequence[MailSignature], keys: MailKeys
) -> tuple[MailSignature, SignatureCheck]:
    """Return the topmost valid signature.

    If none is valid, return the first one whose key cannot be fetched now. Raises BadInput if there
    is no such signature.
    """
    unchecked = None
    problem = UNKNOWN_KEY
    for signature in signatures:
        key = keys.find(signature.selector)
        if key is None:
            unchecked = unchecked or signature
        elif is_signed_with(content, signature, key):
            return signature, SignatureCheck.VALID
        elif key != NO_SUCH_KEY:
            problem = _WRONG
    if unchecked is None:
        raise BadInput("mail", problem)
    return unchecked, SignatureCheck.NO_KEY


def _mentions_interac(mail: MailPart) -> bool:
    """Whether the text quotes an e-mail from Interac, as it does when forwarded inline."""
    for part in leaf_parts(mail):
        kind = part.content_type.get_content_type()
        if kind in ("text/plain", "text/html"):
            text = part.content_text()
            if SIGNING_DOMAIN in (text_of_html(text) if kind == "text/html" else text):
                return True
    return False
