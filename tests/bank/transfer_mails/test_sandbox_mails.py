"""The e-mails of the pretend Interac are read as those of the real one would be."""

from datetime import date
from typing import get_args

import pytest

from donate.bank.transfer_mails.examining import SignatureCheck
from donate.money import Money
from donate.sandbox.bank.interac_mail import (
    SELECTOR,
    MailKind,
    MailLanguage,
    MailSignature,
    interac_mail,
    signing_key,
)
from donate.sandbox.bank.ledger import BankLine
from tests.bank.transfer_mails.mail_desk import examine
from tests.bank.transfer_mails.mail_writer import OUR_ADDRESS

LINE = BankLine(
    7, date(2026, 8, 31), "transfer", 123_456, "cad", "Zoë Lachance", "C1AVzjTtqR", "LWCAN-7KQ4M2X"
)
KEYS = {SELECTOR: signing_key().record}


@pytest.mark.parametrize("language", get_args(MailLanguage))
@pytest.mark.parametrize("kind", get_args(MailKind))
def test_each_kind_is_read(kind: MailKind, language: MailLanguage) -> None:
    """Each kind of e-mail in each language has a valid signature, the amount and the reference."""
    (examined,) = examine(interac_mail(LINE, kind, language, OUR_ADDRESS), KEYS)
    assert examined.problem is None
    assert examined.check is SignatureCheck.VALID
    assert examined.reading
    assert examined.reading.amount == Money(123_456, "CAD")
    assert examined.reading.interac_reference == "C1AVzjTtqR"


@pytest.mark.parametrize("signature", ["none", "broken", "foreign"])
def test_bad_signatures_are_refused(signature: MailSignature) -> None:
    """An e-mail without a signature of Interac that fits is refused."""
    (examined,) = examine(interac_mail(LINE, "deposited", "en", OUR_ADDRESS, signature), KEYS)
    assert examined.problem
