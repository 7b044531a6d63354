"""Says why an e-mail that was kept does not count. Pure functions."""

from datetime import timedelta
from typing import Final

from donate.bank.shapes.statement import Sentence
from donate.bank.transfer_mails.examining import UNKNOWN_KEY, ExaminedMail, SignatureCheck
from donate.bank.transfer_mails.models import MailCheck, TransferMailFile
from donate.errors import N_

WAITS_FOR: Final = timedelta(days=30)
"""How long an e-mail waits for Interac's public key. After that it is kept, and does not count."""

_NOT_FETCHED: Final = N_(
    "Interac’s public key could not be fetched for %(days)s days, so nobody knows whether Interac "
    "wrote this e-mail. To try again, add it again."
)
_OTHERWISE: Final = N_(
    "Another e-mail about the transfer %(reference)s names another amount or another end. Please "
    "look at both e-mails, and ask your bank."
)
_ERASED: Final = N_("This e-mail was emptied when its donor’s data were erased.")
_FITS_NOW: Final = N_("Interac’s public key is known now. Add the e-mail again, so that it counts.")


def why_it_does_not_count(stored: TransferMailFile, mail: ExaminedMail) -> Sentence:
    """Return why a kept e-mail does not count. `mail` is what an examination of it finds now."""
    if not stored.content:
        return Sentence(_ERASED)
    if mail.problem:
        return mail.problem
    assert mail.reading
    if stored.mail_check is MailCheck.CONTRADICTORY:
        return Sentence(_OTHERWISE, {"reference": mail.reading.interac_reference})
    if mail.check is SignatureCheck.VALID:
        return Sentence(_FITS_NOW)
    assert stored.checked_at
    if stored.checked_at - stored.added_at >= WAITS_FOR:
        return Sentence(_NOT_FETCHED, {"days": str(WAITS_FOR.days)})
    return Sentence(UNKNOWN_KEY)
