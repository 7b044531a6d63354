"""Writes e-mails as Interac does, signed with keys made for the tests."""

import base64
import quopri
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final

import dkim
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from donate.regions.modes import Mode
from donate.regions.regions import load_regions

SELECTOR: Final = "tests2026"
DOMAIN: Final = "payments.interac.ca"
OUR_ADDRESS: Final = load_regions()["LWCAN"].modes[Mode.INTERAC].send_to or ""
SIGNED: Final = (
    *("from", "reply-to", "to", "subject", "date", "message-id", "mime-version"),
    *("content-type", "content-transfer-encoding", "x-paymentkey"),
)


@cache
def private_key(name: str = "interac", bits: int = 2048) -> rsa.RSAPrivateKey:
    """Return a key with this name, the same one throughout the tests."""
    assert name
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def public_record(name: str = "interac", bits: int = 2048) -> str:
    """Return the DNS record of a key."""
    public = private_key(name, bits).public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k=rsa; p={base64.b64encode(der).decode()}"


def pem(name: str = "interac", bits: int = 2048) -> bytes:
    key = private_key(name, bits)
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


@dataclass(frozen=True)
class WrittenMail:
    """An e-mail of Interac. Fields that a test leaves alone are those of an usual one."""

    name: str = "JANE DOE"
    email: str = "jane@example.com"
    amount: str = "$25.00"
    reference: str = "C1AVzjTtqRCM"
    message: str = ""
    day: str = "August 31, 2026"
    subject: str = ""
    lines: Sequence[str] = ()
    html: str = ""
    encoding: str = "7bit"
    charset: str = "utf-8"
    language: str = "en"
    date: str = "Mon, 31 Aug 2026 14:05:06 -0400"
    sender: str = f"Interac e-Transfer <notify@{DOMAIN}>"
    headers: Mapping[str, str] = field(default_factory=dict)
    """More headers, or other values of those that every e-mail has; an empty value omits one."""

    def content(self) -> bytes:
        """Return the e-mail without a signature."""
        headers = {
            "From": self.sender,
            "Reply-To": f"{self.name} <{self.email}>" if self.name.isascii() else self.email,
            "To": OUR_ADDRESS,
            "Subject": encoded(self.subject or self._subject()),
            "Date": self.date,
            "Message-ID": f"<{self.reference}@{DOMAIN}>",
            "MIME-Version": "1.0",
            "X-PaymentKey": self.reference,
        }
        body_headers, body = self._body()
        headers |= body_headers
        headers |= self.headers
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value)
        return head.encode("latin-1") + b"\r\n" + body

    def signed(
        self,
        *,
        key: str = "interac",
        domain: str = DOMAIN,
        selector: str = SELECTOR,
        covers: Sequence[str] = SIGNED,
        length: bool = False,
        tags: str = "",
    ) -> bytes:
        """Return the e-mail with a signature above it."""
        return sign(
            self.content(),
            key=key,
            domain=domain,
            selector=selector,
            covers=covers,
            length=length,
            tags=tags,
        )

    def _subject(self) -> str:
        if self.language == "fr":
            return (
                f"Virement Interac : Vous avez reçu {self.amount} de {self.name} "
                "et ce montant a été déposé automatiquement."
            )
        return (
            f"Interac e-Transfer: You've received {self.amount} from {self.name} "
            "and it has been automatically deposited."
        )

    def text_lines(self) -> list[str]:
        """Return the lines of the text, in the order in which Interac writes them."""
        if self.lines:
            return list(self.lines)
        message = ["Message:" if self.language == "en" else "Message :", self.message, ""]
        said = message if self.message else []
        if self.language == "fr":
            return [
                *("Bonjour LES AMIS,", "", "Les fonds ont été déposés!", "", *said),
                f"Date : {self.day}",
                f"Numéro de référence : {self.reference}",
                f"Envoyé par : {self.name}",
                f"Montant : {self.amount} (CAD)",
                *("", "Questions? Visitez notre site."),
            ]
        return [
            *("Hi THE FRIENDS,", "", "Your funds await no more!", "", *said),
            f"Date: {self.day}",
            f"Reference Number: {self.reference}",
            f"Sent From: {self.name}",
            f"Amount: {self.amount} (CAD)",
            *("", "Please do not reply to this email."),
        ]

    def _body(self) -> tuple[dict[str, str], bytes]:
        if self.html:
            return self._encoded("text/html", self.html)
        return self._encoded("text/plain", "\n".join(self.text_lines()))

    def _encoded(self, kind: str, text: str) -> tuple[dict[str, str], bytes]:
        raw = text.encode(self.charset).replace(b"\n", b"\r\n")
        encoding = self.encoding if raw.isascii() or self.encoding != "7bit" else "8bit"
        if encoding == "quoted-printable":
            raw = quopri.encodestring(raw).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        elif encoding == "base64":
            raw = base64.encodebytes(raw).replace(b"\n", b"\r\n")
        return {
            "Content-Type": f'{kind}; charset="{self.charset}"',
            "Content-Transfer-Encoding": encoding,
        }, raw


def sign(
    content: bytes,
    *,
    key: str = "interac",
    domain: str = DOMAIN,
    selector: str = SELECTOR,
    covers: Sequence[str] = SIGNED,
    length: bool = False,
    bits: int = 2048,
    tags: str = "",
) -> bytes:
    """Return an e-mail with a signature above it. `tags` is more to write into the signature."""
    header: bytes = dkim.sign(
        content,
        (f"{selector}; {tags}" if tags else selector).encode(),
        domain.encode(),
        pem(key, bits),
        canonicalize=(b"relaxed", b"relaxed"),
        include_headers=[name.encode() for name in covers],
        length=length,
    )
    return header + content


def encoded(text: str) -> str:
    """Return a header's value, as an encoded word if it is not ASCII."""
    if text.isascii():
        return text
    return f"=?utf-8?B?{base64.b64encode(text.encode()).decode()}?="
