"""Builds e-mails with headers, plain text and HTML from drafts."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime
from typing import Final

from donate.letters.context import LetterContext
from donate.letters.kinds import STOPPABLE
from donate.letters.models import Letter
from donate.letters.words.by_kind import draft
from donate.letters.words.draft import Draft, name_to_greet
from donate.mail_server import ascii_address
from donate.regions.look import Look
from donate.regions.terms import Organisation
from donate.web.templating import Pages


class _OneLine(UnstructuredHeader):
    """A header that stays on one line. Python would encode a long URL to fold it, and break it."""

    name: str

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS: Final = HeaderRegistry()
# The registry adds BaseHeader as a base class itself, so mypy's complaint is wrong.
_HEADERS.map_to_type("list-unsubscribe", _OneLine)  # type: ignore[arg-type]
_LOGO_ID: Final = "logo"
# Encode e-mails in 7 bits, because not every mail server accepts 8-bit text.
_POLICY: Final = SMTP.clone(cte_type="7bit", header_factory=_HEADERS)


@dataclass(frozen=True, slots=True)
class EmailText:
    """The subject, the plain text and the HTML of an e-mail."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True, repr=False)
class LetterEnvelope:
    """The data of an e-mail besides its draft. `name` is the donor's, or empty."""

    message_id: str
    name: str
    email: str
    language: str
    organisation: Organisation | None
    look: Look = field(default_factory=Look)
    own_page: str = ""
    """The URL of the page that sends a link to all the donor's gifts; empty for no such page."""
    stop_page: str = ""
    """The URL where the donor stops such e-mails; empty if they cannot be stopped."""


def render_letter(pages: Pages, letter: Letter, context: LetterContext) -> EmailText:
    """Render an e-mail from the gift's current data. `can_be_written` must be true."""
    return _render(pages, draft(letter.kind, context), _envelope(letter, context))


def _envelope(letter: Letter, context: LetterContext) -> LetterEnvelope:
    return LetterEnvelope(
        message_id=message_id(letter),
        name=name_to_greet(context.donor.name),
        email=context.donor.email,
        language=context.language,
        organisation=context.region.organisation if context.region else None,
        look=context.region.look if context.region else Look(),
        own_page=f"{context.page}/my-gifts",
        stop_page=context.stop_page if letter.kind in STOPPABLE else "",
    )


def _render(pages: Pages, content: Draft, envelope: LetterEnvelope, logo: str = "") -> EmailText:
    """Render an e-mail. `logo` is the URL of the logo; empty for none."""
    values = {
        "draft": content,
        "name": envelope.name,
        "organisation": envelope.organisation,
        "look": envelope.look,
        "logo": logo,
        "own_page": envelope.own_page,
    }
    return EmailText(
        subject=content.subject,
        text=pages.text("letters/letter.txt", envelope.language, **values),
        html=pages.text("letters/letter.html", envelope.language, **values),
    )


class Composer:
    """Composes e-mails. `sender` is their From address."""

    def __init__(self, sender: str) -> None:
        self._sender = sender
        self._domain = sender.rpartition("@")[2]
        self._pages = Pages()

    def compose(self, letter: Letter, context: LetterContext, now: datetime) -> EmailMessage:
        """Return the complete e-mail. The caller has checked that the e-mail's content is true."""
        return self.compose_draft(draft(letter.kind, context), _envelope(letter, context), now)

    def compose_draft(
        self, content: Draft, envelope: LetterEnvelope, now: datetime
    ) -> EmailMessage:
        """Return the complete e-mail with this content."""
        logo = envelope.look.mail_logo
        wording = _render(self._pages, content, envelope, f"cid:{_LOGO_ID}" if logo else "")
        organisation = envelope.organisation
        message = EmailMessage(policy=_POLICY)
        message["Message-ID"] = f"<{envelope.message_id}@{self._domain}>"
        message["Date"] = format_datetime(now)
        name = organisation.name_in(envelope.language) if organisation else ""
        message["From"] = _address(name, self._sender)
        message["To"] = _address(envelope.name, envelope.email)
        reply_to = ascii_address((organisation and organisation.email) or "")
        # Leave out a Reply-To that is not ASCII, because not every mail server accepts it.
        if reply_to and reply_to.isascii():
            message["Reply-To"] = Address(addr_spec=reply_to)
        message["Subject"] = wording.subject
        # This header suppresses out-of-office replies (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        if envelope.stop_page:
            # With both headers, mail programs show a button that stops such e-mails (RFC 8058).
            message["List-Unsubscribe"] = f"<{envelope.stop_page}>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(wording.text, cte="quoted-printable")
        message.add_alternative(wording.html, subtype="html", cte="quoted-printable")
        if logo:
            _attach_logo(message, logo)
        message["Content-Language"] = envelope.language
        return message


def _attach_logo(message: EmailMessage, logo: bytes) -> None:
    """Attach the logo to the e-mail, so that mail programs need not fetch it from the network."""
    html = message.get_body(("html",))
    assert isinstance(html, EmailMessage)
    html.add_related(logo, "image", "png", cid=f"<{_LOGO_ID}>", disposition="inline")


def message_id(letter: Letter) -> str:
    """Return an e-mail's Message-ID. It never changes, so mail servers can detect duplicates."""
    identity = f"{letter.gift_id}:{letter.kind}:{letter.occasion}:{letter.again}"
    return f"{letter.kind}.{hashlib.sha256(identity.encode()).hexdigest()[:32]}"


def _address(name: str, address: str) -> Address:
    return Address(display_name=name, addr_spec=ascii_address(address))
