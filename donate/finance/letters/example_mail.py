"""Sends an example e-mail to the member of staff who writes its text, and to nobody else."""

import logging
import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from email.headerregistry import Address
from typing import Final

from sqlmodel import Session, col, func, select

from donate.errors import N_, Conflict, MailUnavailable
from donate.finance.models import Staff, StaffAct
from donate.finance.sessions import SignedIn
from donate.finance.staff.options import SignInOptions
from donate.letters.context import LetterContext
from donate.letters.email_message import Composer
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter, new_letter
from donate.mail_server import ascii_address
from donate.web.templating import translate

log = logging.getLogger(__name__)

EXAMPLE_SENT: Final = "letter_test_sent"
MAX_AN_HOUR: Final = 10
_SUBJECT: Final = N_("[Test] %(subject)s")
_NO_MAIL: Final = N_("This service sends no e-mails yet, so no test was sent.")
_TOO_MANY: Final = N_("You’ve sent many tests. Please wait an hour before the next one.")
_NOT_ACCEPTED: Final = N_("The mail server didn’t accept the test. Please try again later.")


def check_example_limit(session: Session, staff_id: int, now: datetime) -> None:
    """Raise Conflict if this person has sent MAX_AN_HOUR tests in the past hour.

    Locks the person's row, so that two simultaneous requests cannot both send the last one allowed.
    """
    session.get_one(Staff, staff_id, with_for_update=True)
    sent = session.exec(
        select(func.count()).where(
            StaffAct.staff_id == staff_id,
            StaffAct.act == EXAMPLE_SENT,
            col(StaffAct.happened_at) > now - timedelta(hours=1),
        )
    ).one()
    if sent >= MAX_AN_HOUR:
        raise Conflict(_TOO_MANY)


def check_mail_is_set_up(options: SignInOptions) -> None:
    """Raise Conflict if the service sends no e-mails."""
    if options.new_carrier is None:
        raise Conflict(_NO_MAIL)


def send_example_mail(
    options: SignInOptions,
    kind: LetterKind,
    context: LetterContext,
    staff: SignedIn,
    *,
    now: datetime,
) -> None:
    """Send an example e-mail to this person's own address. Raises Conflict if it was not sent."""
    assert options.new_carrier is not None
    letter = Letter(**new_letter(context.gift.id, kind, "", now=now))
    context = replace(context, donor=context.donor.model_copy(update={"email": staff.email}))
    message = Composer(options.mail_from).compose(letter, context, now)
    subject = translate(staff.language, _SUBJECT, {"subject": str(message["Subject"])})
    # Give each test a new Message-ID. A mail server may drop an e-mail whose id it has seen before.
    number, domain = secrets.token_hex(16), options.mail_from.rpartition("@")[2]
    # Remove the headers for which mail programs show a button that stops reminders: the button
    # would send a request about the example gift, which does not exist.
    del message["List-Unsubscribe"], message["List-Unsubscribe-Post"]
    for header, value in (
        ("To", Address(display_name=staff.name, addr_spec=ascii_address(staff.email))),
        ("Subject", subject),
        ("Message-ID", f"<test.{number}@{domain}>"),
    ):
        del message[header]
        message[header] = value
    carrier = options.new_carrier()
    try:
        carrier.carry(message)
    except MailUnavailable as error:
        log.warning("a test e-mail was not sent: %s", error)
        raise Conflict(_NOT_ACCEPTED) from None
    finally:
        carrier.hang_up()
