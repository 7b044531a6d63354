"""Interac's notification e-mails about a transfer, signed with DKIM by a key of the pretend bank.

An e-mail that asks to claim the money omits the sender's message. A reminder is a second e-mail
about the same money. DKIM: https://www.rfc-editor.org/rfc/rfc6376
"""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, time
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache
from typing import Literal

import dkim
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from donate.sandbox.bank.ledger import BankLine
from donate.sandbox.currencies import format_amount

MailKind = Literal["claim", "deposited", "reminder"]
MailLanguage = Literal["en", "fr"]
# "foreign" is a valid signature by a domain that is not the sender's domain.
MailSignature = Literal["good", "none", "broken", "foreign"]

DOMAIN = "payments.interac.ca"
FOREIGN_DOMAIN = "mailer.example.net"
SELECTOR = "sandbox"
_NBSP = "\u00a0"
_SENDERS = {"claim": "catch", "deposited": "notify", "reminder": "catch"}
_SUBJECTS = {
    ("claim", "en"): "Interac e-Transfer: {name} sent you {amount}. Claim your deposit!",
    ("deposited", "en"): "Interac e-Transfer: You've received {amount} from {name} and it has been "
    "automatically deposited.",
    ("reminder", "en"): "Reminder: Interac e-Transfer: {name} sent you {amount}. Claim your "
    "deposit!",
    ("claim", "fr"): f"Virement Interac{_NBSP}: {{name}} vous a envoyé {{amount}}. Réclamez votre "
    "dépôt!",
    ("deposited", "fr"): f"Virement Interac{_NBSP}: Vous avez reçu {{amount}} de {{name}} et ce "
    "montant a été déposé automatiquement.",
    ("reminder", "fr"): f"Rappel{_NBSP}: Virement Interac{_NBSP}: {{name}} vous a envoyé "
    "{amount}. Réclamez votre dépôt!",
}
_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
}


@dataclass(frozen=True)
class SigningKey:
    """The private key as PEM, and the text of the DNS record with the public key."""

    private: bytes
    record: str


@cache
def signing_key() -> SigningKey:
    """Return the key that signs all e-mails of the pretend Interac in this process."""
    key = generate_private_key(public_exponent=65_537, key_size=2_048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return SigningKey(private, f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}")


def interac_mail(
    line: BankLine,
    kind: MailKind,
    language: MailLanguage,
    to: str,
    signature: MailSignature = "good",
) -> bytes:
    """Return the e-mail about a transfer, with this kind of signature."""
    amount = _amount(line, language)
    mail = EmailMessage(policy=SMTP)
    mail["From"] = f"{line.name} <{_SENDERS[kind]}@{DOMAIN}>".replace(",", "")
    mail["To"] = to
    if line.email:
        mail["Reply-To"] = line.email
    mail["Subject"] = _SUBJECTS[kind, language].format(name=line.name, amount=amount)
    mail["Date"] = format_datetime(datetime.combine(line.day, time(14, 30), UTC))
    mail["Message-ID"] = f"<{line.reference}.{kind}@{DOMAIN}>"
    mail["X-PaymentKey"] = line.reference
    rows = _rows(line, kind, language, amount)
    mail.set_content("\n\n".join(f"{label}\n{text}" if text else label for label, text in rows))
    mail.add_alternative(_html(rows), subtype="html")
    body = mail.as_bytes()
    if signature == "none":
        return body
    domain = FOREIGN_DOMAIN if signature == "foreign" else DOMAIN
    header = dkim.sign(
        body,
        SELECTOR.encode(),
        domain.encode(),
        signing_key().private,
        canonicalize=(b"relaxed", b"relaxed"),
        include_headers=[b"from", b"to", b"reply-to", b"subject", b"date", b"message-id"],
    )
    return bytes(header) + body + (b"Added later.\r\n" if signature == "broken" else b"")


def _rows(
    line: BankLine, kind: MailKind, language: MailLanguage, amount: str
) -> list[tuple[str, str]]:
    """Return the rows of the e-mail: labels with texts, and a whole sentence with an empty text."""
    code = f"{amount} ({line.currency.upper()})"
    month = _MONTHS[language].split()[line.day.month - 1]
    if language == "en":
        day = f"{month} {line.day.day}, {line.day.year}"
        labels = ["Message:", "Date:", "Reference Number:", "Sent From:", "Amount:"]
    else:
        day = f"{line.day.day} {month} {line.day.year}"
        texts = ("Message", "Date", "Numéro de référence", "Envoyé par", "Montant")
        labels = [f"{text}{_NBSP}:" for text in texts]
    values = (line.message, day, line.reference, line.name, code)
    rows = [(_SUBJECTS[kind, language].format(name=line.name, amount=amount), "")]
    first = 0 if line.message and kind == "deposited" else 1
    rows += list(zip(labels, values, strict=True))[first:]
    return rows


def _html(rows: list[tuple[str, str]]) -> str:
    cells = "".join(
        f"<tr><td><b>{_escaped(label)}</b></td><td>{_escaped(text)}</td></tr>\n"
        for label, text in rows
    )
    return f"<html><body><table>\n{cells}</table></body></html>\n"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _amount(line: BankLine, language: MailLanguage) -> str:
    if language == "fr":
        return f"{format_amount(line.amount, line.currency, ',')}{_NBSP}$"
    whole, mark, part = format_amount(line.amount, line.currency).partition(".")
    return f"${int(whole):,}{mark}{part}"
