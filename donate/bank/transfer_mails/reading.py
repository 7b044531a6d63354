"""Reads what Interac's e-mail says about a transfer. Pure functions: bytes in, values out.

Nothing is guessed. If something cannot be read exactly, or is stated twice with different values,
BadInput is raised with a sentence for staff.
"""

import unicodedata
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime
from email.utils import getaddresses, parsedate_to_datetime
from typing import Final

from donate.bank.transfer_mails.html_text import text_of_html
from donate.bank.transfer_mails.layouts import (
    BodyText,
    MailKind,
    SubjectLine,
    is_interac_reference,
    on_one_line,
    read_body,
    read_interac_amount,
    read_subject,
)
from donate.bank.transfer_mails.mail_parts import MailPart, leaf_parts
from donate.errors import N_, BadInput
from donate.gifts.choosing.card_numbers import holds_card_number
from donate.money import Money

MAX_MESSAGE: Final = 2_000
_MAX_NAME: Final = 200
_MAX_EMAIL: Final = 254
_YEARS: Final = range(2000, 2900)
_NEEDS_MONEY: Final = frozenset({MailKind.CLAIM, MailKind.REMINDER, MailKind.DEPOSITED})


@dataclass(frozen=True, slots=True, repr=False)
class MailReading:
    """What an e-mail says. `amount` is None only if the transfer was cancelled or did not arrive.

    `day` is the day in the text. `sent_at` is the time when the e-mail was sent; it is used only if
    the text has no day. `recipients` are the addresses to which it was sent; empty if the signature
    does not cover them.
    """

    kind: MailKind
    language: str
    interac_reference: str
    day: date | None
    sent_at: datetime | None
    amount: Money | None
    sender_name: str
    sender_email: str
    message: str
    recipients: tuple[str, ...]


def read_transfer_mail(mail: MailPart, signed: AbstractSet[str]) -> MailReading:
    """Read an e-mail from Interac. `signed` has the names of the headers that its signature covers.

    Other headers are not used as evidence. Raises BadInput if the e-mail cannot be read exactly.
    """
    subject = read_subject(mail.text("subject"))
    if subject.kind is MailKind.OTHER:
        message = N_("Interac wrote this e-mail, but not about a transfer that was sent to you.")
        raise BadInput("mail", message)
    texts = _texts(mail)
    body = read_body(texts[0], subject.language)
    reply_to = _addresses(mail, "reply-to") if "reply-to" in signed else ()
    reading = MailReading(
        kind=subject.kind,
        language=subject.language,
        interac_reference=_reference(mail, body, signed),
        day=body.day,
        sent_at=_sent_at(mail) if body.day is None and "date" in signed else None,
        amount=_amount(subject, body),
        sender_name=_name(subject, body),
        sender_email=reply_to[0] if len(reply_to) == 1 else "",
        message=_message(body.message),
        recipients=_addresses(mail, "to") if "to" in signed else (),
    )
    if reading.kind in _NEEDS_MONEY and not (reading.amount and reading.sender_name):
        raise BadInput("mail", N_("This e-mail doesn’t say how much was sent, or by whom."))
    if reading.sent_at is None and (reading.day is None or reading.day.year not in _YEARS):
        raise BadInput("mail", N_("The date of this e-mail can’t be read."))
    free_texts = [reading.sender_name, mail.text("subject")]
    free_texts += [line for text in texts for line in text.split("\n")]
    if any(holds_card_number(text) for text in free_texts):
        message = N_(
            "This e-mail holds a card number, so we don’t keep it. Please delete it where you "
            "have it too, and tie the transfer by hand."
        )
        raise BadInput("mail", message)
    return reading


def _texts(mail: MailPart) -> list[str]:
    """Return the texts of the body, the plain one first. Raises BadInput if there is none."""
    plain, pages = [], []
    for part in leaf_parts(mail):
        kind = part.content_type.get_content_type()
        if kind == "text/plain":
            plain.append(part.content_text())
        elif kind == "text/html":
            pages.append(text_of_html(part.content_text()))
    if len(plain) > 1 or len(pages) > 1 or not (plain or pages):
        raise BadInput("mail", N_("This e-mail has no text, or more than one."))
    return plain + pages


def _reference(mail: MailPart, body: BodyText, signed: AbstractSet[str]) -> str:
    header = on_one_line(mail.text("x-paymentkey"))
    if header and body.reference and header != body.reference:
        message = N_("This e-mail names two references: %(first)s and %(second)s.")
        values = {"first": body.reference[:40], "second": header[:40]}
        raise BadInput("mail", message, values)
    reference = body.reference or (header if "x-paymentkey" in signed else "")
    if not is_interac_reference(reference):
        message = N_("The reference number of Interac can’t be read in this e-mail.")
        raise BadInput("mail", message)
    return reference


def _amount(subject: SubjectLine, body: BodyText) -> Money | None:
    in_body = read_interac_amount(body.amount) if body.amount is not None else None
    if subject.amount and in_body and subject.amount != in_body:
        message = N_("The subject and the text of this e-mail name two amounts.")
        raise BadInput("mail", message)
    return in_body or subject.amount


def _name(subject: SubjectLine, body: BodyText) -> str:
    names = [on_one_line(name) for name in (body.name, subject.name) if name]
    if len({name.casefold() for name in names}) > 1:
        message = N_("The subject and the text of this e-mail name two senders.")
        raise BadInput("mail", message)
    name = unicodedata.normalize("NFC", names[0]) if names else ""
    if not name.isprintable() or len(name) > _MAX_NAME:
        message = N_("The sender’s name in this e-mail has a character that we can’t use.")
        raise BadInput("mail", message)
    return name


def _message(text: str) -> str:
    """Return the sender's message. A character that is not printable becomes U+FFFD."""
    text = unicodedata.normalize("NFC", text)
    if len(text) > MAX_MESSAGE:
        raise BadInput("mail", N_("The message in this e-mail is too long to be one of Interac."))
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)


def _sent_at(mail: MailPart) -> datetime | None:
    try:
        sent = parsedate_to_datetime(mail.text("date"))
    except ValueError:
        return None
    return sent if sent.tzinfo and sent.year in _YEARS else None


def _addresses(mail: MailPart, header: str) -> tuple[str, ...]:
    """Return the addresses in a header, in lower case. Raises BadInput if one is not valid."""
    try:
        value = mail.raw(header).decode("ascii")
    except UnicodeDecodeError:
        value = "?"
    if not value.strip():
        return ()
    addresses = tuple(address.strip().lower() for _, address in getaddresses([value]))
    for address in addresses:
        if address.count("@") != 1 or len(address) > _MAX_EMAIL or not address.isprintable():
            message = N_("The header %(header)s of this e-mail can’t be read.")
            raise BadInput("mail", message, {"header": header.title()})
    return addresses
