"""Sends an invitation by e-mail.

It tries only once, because the admin sees the link in any case and can pass it on.
"""

import hashlib
import logging
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import urlsplit

from donate.errors import MailUnavailable
from donate.finance.models import Staff
from donate.finance.people.words import EMAIL_SUBJECT, EMAIL_TEXT
from donate.finance.staff.options import SignInOptions
from donate.mail_server import ascii_address
from donate.web.templating import translate

log = logging.getLogger(__name__)


def send_invitation(
    options: SignInOptions, staff: Staff, link: str, language: str, *, now: datetime
) -> bool:
    """Send the invitation link to the person.

    Return whether the mail server accepted the e-mail.
    """
    if options.new_carrier is None:
        return False
    carrier = options.new_carrier()
    try:
        carrier.carry(_invitation(options, staff, link, language, now))
    except MailUnavailable as error:
        log.warning("an invitation was not sent: %s", error)
        return False
    finally:
        carrier.hang_up()
    return True


def _invitation(
    options: SignInOptions, staff: Staff, link: str, language: str, now: datetime
) -> EmailMessage:
    values = {
        "name": staff.name,
        "link": link,
        "site": urlsplit(options.public_url).hostname or options.public_url,
    }
    message = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    number = hashlib.sha256(link.encode()).hexdigest()[:32]
    message["Message-ID"] = f"<invitation.{number}@{options.mail_from.rpartition('@')[2]}>"
    message["Date"] = format_datetime(now)
    message["From"] = Address(addr_spec=options.mail_from)
    message["To"] = Address(display_name=staff.name, addr_spec=ascii_address(staff.email))
    message["Subject"] = translate(language, EMAIL_SUBJECT, values)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(translate(language, EMAIL_TEXT, values), cte="quoted-printable")
    message["Content-Language"] = language
    return message
