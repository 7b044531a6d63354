"""The texts for states of transfers, kinds of Interac's e-mails, and results of reading them."""

from typing import Final

from donate.bank.transfer_mails.layouts import MailKind
from donate.bank.transfer_mails.models import TransferState
from donate.bank.transfer_mails.recorder import MailOutcome
from donate.errors import N_

TRANSFER_STATES: Final = {
    TransferState.OFFERED: N_("Not deposited yet"),
    TransferState.DEPOSITED: N_("Deposited"),
    TransferState.CANCELLED: N_("Cancelled"),
    TransferState.EXPIRED: N_("Expired"),
    TransferState.DECLINED: N_("Declined"),
}
MAIL_KINDS: Final = {
    MailKind.CLAIM: N_("To be deposited"),
    MailKind.REMINDER: N_("Reminder"),
    MailKind.DEPOSITED: N_("Deposited"),
    MailKind.CANCELLED: N_("Cancelled"),
    MailKind.EXPIRED: N_("Expired"),
    MailKind.DECLINED: N_("Declined"),
}
MAIL_OUTCOMES: Final = {
    MailOutcome.NEW: N_("New"),
    MailOutcome.MORE: N_("Added"),
    MailOutcome.KNOWN: N_("Known"),
    MailOutcome.WAITING: N_("Waiting"),
    MailOutcome.REFUSED: N_("Refused"),
}
