"""Interac's e-mails about a donor's transfers are erased, however they were found or kept."""

from dataclasses import replace

import pytest

from donate.bank.transfer_mails.layouts import MailKind
from donate.bank.transfer_mails.models import MailCheck, TransferMailFile
from donate.gifts.facts import FactKind
from donate.storage.database import Database
from tests.bank.transfer_mails.mail_desk import NOW, MailDesk, answering
from tests.bank.transfer_mails.mail_writer import SELECTOR, WrittenMail
from tests.gifts.samples import fact, open_gift_of, record
from tests.personal_data.erasing.carrying_out import EMAIL, NAME, erase
from tests.retention.pruned import record_newest

MAIL = WrittenMail(name="PAT PAYER", email="pat@example.com", message="From Kanaria")


def says_otherwise(content: bytes) -> TransferMailFile:
    return TransferMailFile(
        sha256="0" * 64,
        content=content,
        kind=MailKind.DEPOSITED,
        mail_check=MailCheck.CONTRADICTORY,
        selector=SELECTOR,
        checked_at=NOW,
        added_by="staff:1",
        added_at=NOW,
    )


def test_a_transfer_is_found_by_its_reference(database: Database) -> None:
    """A transfer of another sender that pays the donor's gift is erased; others stay."""
    desk = MailDesk(database)
    other = replace(MAIL, reference="C1OTHERtransf")
    desk.add(MAIL.signed(), other.signed())
    with database.writing() as session:
        session.add(says_otherwise(replace(MAIL, amount="$26.00").signed()))
    gift = open_gift_of(database, "canary", name=NAME, email=EMAIL, mode="interac")
    source = f"{MAIL.reference.upper()}#0"
    record(database, gift, fact(FactKind.TRANSFER_RECEIVED, source, 2_500))
    record_newest(database)
    erase(database, gift)
    assert [one.sender_name for one in desk.transfers()] == ["", "PAT PAYER"]
    by_check = sorted((str(file.mail_check), bool(file.content)) for file in desk.files())
    assert by_check == [("contradictory", False), ("counted", False), ("counted", True)]


@pytest.mark.parametrize("encoding", ["7bit", "base64", "quoted-printable"])
def test_a_mail_that_counts_for_nothing_is_emptied(database: Database, encoding: str) -> None:
    """An e-mail that waits for Interac's key goes if it has the donor's address; others stay."""
    gift = open_gift_of(database, "canary", name=NAME, email=EMAIL)
    desk = MailDesk(database, keys={}, fetch=answering(None)[0])
    written = replace(MAIL, message=f"é, {'x' * 60} {EMAIL} {'x' * 60}", encoding=encoding)
    similar = replace(MAIL, reference="C1OTHERtransf", email=f"more.{EMAIL}").signed()
    assert desk.outcomes(written.signed(), similar) == ["waiting", "waiting"]
    record_newest(database)
    erase(database, gift)
    emptied, kept = desk.files()
    assert (emptied.content, emptied.mail_check) == (b"", MailCheck.WRONG)
    assert (kept.content, kept.mail_check) == (similar, MailCheck.WAITING)
    ((_, sentence),) = desk.intake.uncounted(limit=10)
    assert "was emptied" in sentence.message
