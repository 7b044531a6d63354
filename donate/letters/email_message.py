"""Builds e-mails with headers, plain text and HTML from drafts."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from donate.letters.context import LetterContext
from donate.letters.models import Letter
from donate.letters.words.by_kind import draft
from donate.letters.words.draft import name_to_greet
from donate.mail_server import ascii_address
from donate.web.templating import Pages

# Encode e-mails in 7 bits, because not every mail server accepts 8-bit text.
_POLICY: Final = SMTP.clone(cte_type="7bit")


@dataclass(frozen=True, slots=True)
class EmailText:
    """The subject, the plain text and the HTML of an e-mail."""

    subject: str
    text: str
    html: str


def render_letter(pages: Pages, letter: Letter, context: LetterContext) -> EmailText:
    """Render an e-mail from the gift's current data. `can_be_written` must be true."""
    content = draft(letter.kind, context)
    values = {
        "draft": content,
        "name": name_to_greet(context.donor.name),
        "organisation": context.region.organisation if context.region else None,
    }
    return EmailText(
        subject=content.subject,
        text=pages.text("letters/letter.txt", context.language, **values),
        html=pages.text("letters/letter.html", context.language, **values),
    )


class Composer:
    """Composes e-mails. `sender` is their From address."""

    def __init__(self, sender: str) -> None:
        self._sender = sender
        self._domain = sender.rpartition("@")[2]
        self._pages = Pages()

    def compose(self, letter: Letter, context: LetterContext, now: datetime) -> EmailMessage:
        """Return the complete e-mail. The caller has checked that the e-mail's content is true."""
        wording = render_letter(self._pages, letter, context)
        organisation = context.region.organisation if context.region else None
        message = EmailMessage(policy=_POLICY)
        message["Message-ID"] = f"<{message_id(letter)}@{self._domain}>"
        message["Date"] = format_datetime(now)
        message["From"] = _address(organisation.legal_name if organisation else "", self._sender)
        message["To"] = _address(name_to_greet(context.donor.name), context.donor.email)
        reply_to = ascii_address(context.contact)
        # Leave out a Reply-To that is not ASCII, because not every mail server accepts it.
        if reply_to and reply_to.isascii():
            message["Reply-To"] = Address(addr_spec=reply_to)
        message["Subject"] = wording.subject
        # This header suppresses out-of-office replies (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(wording.text, cte="quoted-printable")
        message.add_alternative(wording.html, subtype="html", cte="quoted-printable")
        message["Content-Language"] = context.language
        return message


def message_id(letter: Letter) -> str:
    """Return an e-mail's Message-ID. It never changes, so mail servers can detect duplicates."""
    identity = f"{letter.gift_id}:{letter.kind}:{letter.occasion}:{letter.again}"
    return f"{letter.kind}.{hashlib.sha256(identity.encode()).hexdigest()[:32]}"


def _address(name: str, address: str) -> Address:
    return Address(display_name=name, addr_spec=ascii_address(address))
