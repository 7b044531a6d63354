"""Checks that Interac signed an e-mail (DKIM, RFC 6376), and that the signature covers enough.

Everything here works without a network: the caller provides the public key.
"""

import logging
import re
from base64 import b64decode
from dataclasses import dataclass
from email.utils import getaddresses
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from dkim import DKIM, DKIMException, validate_signature_fields
from dkim.util import InvalidTagValueList, parse_tag_value

from donate.bank.transfer_mails.mail_parts import MailPart, shows_its_boundary
from donate.errors import N_, BadInput

SIGNING_DOMAIN: Final = "payments.interac.ca"
_MOST_SIGNATURES: Final = 10
_MAX_HEADER: Final = 4 * 1024
_LEAST_KEY_BITS: Final = 1024  # RFC 8301 forbids shorter keys.
# If one of these headers occurs twice, the e-mail could be read in two ways.
_SINGLE: Final = (
    "from",
    "subject",
    "to",
    "reply-to",
    "date",
    "content-type",
    "content-transfer-encoding",
    "mime-version",
    "x-paymentkey",
)
# The signature must cover these headers: the sender, and what the e-mail is about.
_COVERED: Final = ("from", "subject")
# Headers that say how to read the body. It is not published whether Interac signs them. So an
# e-mail is also accepted if its body itself shows how to read it.
_COVERED_UNLESS_SHOWN: Final = ("content-type", "content-transfer-encoding")
_SELECTOR: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")

# dkimpy logs the errors that it finds. The log must not contain any content of an e-mail.
_SILENT: Final = logging.getLogger(f"{__name__}.dkim")
_SILENT.setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True, slots=True)
class MailSignature:
    """A signature in Interac's name in an e-mail. It has not been checked yet.

    `place` is its position among all signatures, from the top. `signed` has the names of the
    headers that it covers.
    """

    place: int
    selector: str
    signed: frozenset[str]


def is_from_interac(mail: MailPart) -> bool:
    """Whether the header From names exactly one sender, at Interac's own domain."""
    senders = [value for name, value in mail.headers if name == "from"]
    if sum(map(len, senders)) > _MAX_HEADER:
        return False
    try:
        addresses = getaddresses([value.decode("ascii") for value in senders])
    except UnicodeDecodeError:
        return False
    domains = {address.rpartition("@")[2].lower() for _, address in addresses}
    return domains == {SIGNING_DOMAIN}


def signatures_of(mail: MailPart) -> list[MailSignature]:
    """Return the signatures in Interac's name that cover enough of the e-mail, topmost first.

    Raises BadInput if there is none, or if an important header is repeated.
    """
    for name in _SINGLE:
        mail.raw(name)
    from_header = mail.raw("from").decode("ascii", "replace")
    if from_header.count("@") != 1 or len(getaddresses([from_header])) != 1:
        raise BadInput("mail", N_("This e-mail names more than one sender."))
    values = [value for name, value in mail.headers if name == "dkim-signature"]
    found = [
        signature
        for place, value in enumerate(values[:_MOST_SIGNATURES])
        if (signature := _read_signature(mail, place, value))
    ]
    if not found:
        raise BadInput(
            "mail",
            N_(
                "This e-mail has no signature of Interac that covers it, so we can’t use it. "
                "Please save the original e-mail as an .eml file and add that."
            ),
        )
    return found


def _read_signature(mail: MailPart, place: int, value: bytes) -> MailSignature | None:
    if len(value) > _MAX_HEADER:
        return None
    try:
        tags = parse_tag_value(value)
        # Ignore the times: an e-mail is still evidence after its signature has expired.
        validate_signature_fields({k: v for k, v in tags.items() if k not in (b"x", b"t")})
    except (DKIMException, InvalidTagValueList, ValueError):
        return None
    text = {k.decode("ascii", "replace"): v.decode("ascii", "replace") for k, v in tags.items()}
    signed = frozenset(re.split(r"\s*:\s*", text["h"].lower()))
    needed = list(_COVERED)
    if not shows_its_boundary(mail):
        needed += [name for name in _COVERED_UNLESS_SHOWN if mail.raw(name)]
    usable = (
        text["d"].lower() == SIGNING_DOMAIN
        and text["a"] == "rsa-sha256"
        and "l" not in text  # with `l=`, text could be added after the body
        and _SELECTOR.fullmatch(text["s"]) is not None
        and signed.issuperset(needed)
    )
    return MailSignature(place, text["s"], signed) if usable else None


def is_signed_with(content: bytes, signature: MailSignature, key: str) -> bool:
    """Whether this signature is valid for the public key, a DKIM record such as `k=rsa; p=…`.

    It does not matter if the signature has expired. Senders let signatures expire to limit how long
    an e-mail may be delivered again, but each transfer counts only once, however often its e-mail
    comes.
    """
    try:
        dkim = DKIM(content, logger=_SILENT, minkey=_LEAST_KEY_BITS)
        headers = [header for header in dkim.headers if header[0].lower() == b"dkim-signature"]
        header = headers[signature.place]
        tags = parse_tag_value(header[1])
        names = re.split(rb"\s*:\s*", tags[b"h"].lower())
        record = key.encode("ascii")
        return bool(dkim.verify_sig(tags, names, header, lambda *_, **__: record))
    except (DKIMException, InvalidTagValueList, ValueError):
        return False


def is_public_key(record: str) -> bool:
    """Whether this DKIM record holds an RSA key that may be used."""
    try:
        tags = parse_tag_value(record.encode("ascii"))
        if tags.get(b"v", b"DKIM1") != b"DKIM1" or tags.get(b"k", b"rsa") != b"rsa":
            return False
        encoded = re.sub(rb"\s", b"", tags.get(b"p", b""))
        key = load_der_public_key(b64decode(encoded, validate=True))
    except (InvalidTagValueList, UnsupportedAlgorithm, ValueError):
        return False
    return isinstance(key, RSAPublicKey) and key.key_size >= _LEAST_KEY_BITS
