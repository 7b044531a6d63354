"""Makes an e-mail of a draft: plain text and HTML that say the same, and headers that are ours."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from donate.letters.context import LetterContext
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter
from donate.letters.words.by_kind import draft
from donate.letters.words.draft import name_to_greet
from donate.mail_server import ascii_address
from donate.web.templating import Pages

# Not every mail server takes eight bits.
_POLICY: Final = SMTP.clone(cte_type="7bit")


@dataclass(frozen=True, slots=True)
class EmailText:
    """What a letter says, twice."""

    subject: str
    text: str
    html: str


def render_letter(pages: Pages, letter: Letter, about: LetterContext) -> EmailText:
    """Put a letter about a gift into words, as the gift is now; see `can_be_written`."""
    said = draft(LetterKind(letter.kind), about)
    context = {
        "draft": said,
        "name": name_to_greet(about.donor.name),
        "organisation": about.region.organisation if about.region else None,
    }
    return EmailText(
        subject=said.subject,
        text=pages.text("letters/letter.txt", about.language, **context),
        html=pages.text("letters/letter.html", about.language, **context),
    )


class Composer:
    """Writes letters. `sender` is the address that they come from."""

    def __init__(self, sender: str) -> None:
        self._sender = sender
        self._domain = sender.rpartition("@")[2]
        self._pages = Pages()

    def compose(self, letter: Letter, about: LetterContext, now: datetime) -> EmailMessage:
        """Return the letter about a gift as it is now; whoever calls knows that it is true."""
        wording = render_letter(self._pages, letter, about)
        organisation = about.region.organisation if about.region else None
        message = EmailMessage(policy=_POLICY)
        message["Message-ID"] = f"<{message_id(letter)}@{self._domain}>"
        message["Date"] = format_datetime(now)
        message["From"] = _address(organisation.legal_name if organisation else "", self._sender)
        message["To"] = _address(name_to_greet(about.donor.name), about.donor.email)
        reply_to = ascii_address(about.contact)
        # Not every mail server could write another one, and this is no reason to keep a letter.
        if reply_to and reply_to.isascii():
            message["Reply-To"] = Address(addr_spec=reply_to)
        message["Subject"] = wording.subject
        # So that nobody's holiday answers it: RFC 3834.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(wording.text, cte="quoted-printable")
        message.add_alternative(wording.html, subtype="html", cte="quoted-printable")
        message["Content-Language"] = about.language
        return message


def message_id(letter: Letter) -> str:
    """Return a letter's own name. It is the same at each try, so what came twice can be told."""
    said = f"{letter.gift_id}:{letter.kind}:{letter.occasion}:{letter.again}"
    return f"{letter.kind}.{hashlib.sha256(said.encode()).hexdigest()[:32]}"


def _address(name: str, address: str) -> Address:
    return Address(display_name=name, addr_spec=ascii_address(address))
