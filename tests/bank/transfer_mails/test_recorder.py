"""How e-mails of Interac are recorded: each once, one transfer for each reference."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from donate.bank.transfer_mails.layouts import MailKind
from donate.bank.transfer_mails.models import TransferState
from donate.bank.transfer_mails.queries import newest_transfers, usable_mails
from donate.bank.transfer_mails.recorder import added_up
from donate.errors import BadInput
from donate.storage.database import Database
from tests.bank.reconciliation.bank_lines import bank_line
from tests.bank.transfer_mails.mail_desk import MailDesk
from tests.bank.transfer_mails.mail_writer import WrittenMail

DEPOSIT = WrittenMail(message="LWCAN-7KQ4M2X").signed()
CLAIM_SUBJECT = "Interac e-Transfer: JANE DOE sent you $25.00. Claim your deposit!"
CLAIM = WrittenMail(subject=CLAIM_SUBJECT).signed()
REMINDER = WrittenMail(subject=f"Reminder: {CLAIM_SUBJECT}").signed()
CANCELLED = WrittenMail(subject="Interac e-Transfer: JANE DOE cancelled this transfer").signed()


def test_deposit(database: Database) -> None:
    """A deposit is recorded with its bytes, and the matcher gets all that it says."""
    desk = MailDesk(database)
    assert desk.outcomes(DEPOSIT) == ["new"]
    (file,) = desk.files()
    assert (file.content, file.added_by, file.kind) == (DEPOSIT, "staff:1", MailKind.DEPOSITED)
    with database.reading() as session:
        (mail,) = usable_mails(session)
    assert (mail.day, mail.amount.amount_minor) == (date(2026, 8, 31), 2_500)
    assert (mail.interac_reference, mail.message) == ("C1AVzjTtqRCM", "LWCAN-7KQ4M2X")
    assert (mail.sender_name, mail.sender_email) == ("JANE DOE", "jane@example.com")


def test_same_mail_again(database: Database) -> None:
    """An e-mail that is added twice, at once or later, changes nothing."""
    desk = MailDesk(database)
    assert desk.outcomes(DEPOSIT, DEPOSIT) == ["new", "known"]
    assert desk.outcomes(DEPOSIT) == ["known"]
    passed_on = b"Received: by mx.example.org\r\n" + DEPOSIT
    assert desk.outcomes(passed_on) == ["known"]
    assert len(desk.files()) == len(desk.transfers()) == 1


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_claim_reminder_deposit(database: Database, order: tuple[int, ...]) -> None:
    """A claim, its reminder and the deposit are one transfer, in whatever order they come."""
    desk = MailDesk(database)
    mails = [CLAIM, REMINDER, DEPOSIT]
    assert [desk.outcomes(mails[place]) for place in order] == [["new"], ["more"], ["more"]]
    (transfer,) = desk.transfers()
    assert (transfer.state, transfer.message) == (TransferState.DEPOSITED, "LWCAN-7KQ4M2X")
    assert len(desk.files()) == 3


def test_only_deposits_are_usable(database: Database) -> None:
    """A claim and a cancelled transfer are no evidence, nor is one that explains a bank line."""
    desk = MailDesk(database)
    desk.add(CLAIM)
    with database.reading() as session:
        assert usable_mails(session) == []
    desk.add(CANCELLED)
    assert desk.transfers()[0].state is TransferState.CANCELLED
    desk.add(WrittenMail(reference="CAu3wqe5").signed())
    line = bank_line(database, 2_500)
    with database.writing() as session:
        assert len(usable_mails(session)) == 1
        assert usable_mails(session, last_day=date(2026, 8, 30)) == []
        tie = "UPDATE transfer_mail SET bank_line_id = :line WHERE state = 'deposited'"
        session.execute(text(tie), {"line": line.id})
        assert usable_mails(session) == []


def test_amounts_that_contradict(database: Database) -> None:
    """Two e-mails about one transfer with two amounts: the second is refused and said."""
    desk = MailDesk(database)
    desk.add(CLAIM)
    (result,) = desk.add(WrittenMail(amount="$26.00").signed()).results
    assert result.outcome == "refused"
    assert "another amount" in result.sentence.message
    assert desk.transfers()[0].amount_minor == 2_500
    assert len(desk.files()) == 1


def test_states_that_contradict(database: Database) -> None:
    """A deposited transfer that another e-mail calls cancelled is refused and said."""
    desk = MailDesk(database)
    assert desk.outcomes(DEPOSIT, CANCELLED) in (["new", "refused"], ["refused", "new"])
    assert len(desk.transfers()) == len(desk.files()) == 1


def test_states_add_up() -> None:
    """An end of a transfer is never replaced by an offer, nor by another end."""
    for end in (MailKind.DEPOSITED, MailKind.CANCELLED, MailKind.EXPIRED, MailKind.DECLINED):
        state = added_up(TransferState.OFFERED, end)
        assert state == end.value
        assert added_up(state, MailKind.CLAIM) is added_up(state, MailKind.REMINDER) is state
        assert added_up(state, end) is state
        others = set(TransferState) - {state, TransferState.OFFERED}
        assert all(added_up(other, end) is None for other in others)


def test_refused_files_change_nothing(database: Database) -> None:
    """Files that are refused are told apart and stored nowhere."""
    desk = MailDesk(database)
    results = desk.add(b"Hello", WrittenMail().content(), DEPOSIT.replace(b"$25", b"$26")).results
    assert [result.outcome for result in results] == ["refused"] * 3
    assert len({result.sentence.message for result in results}) == 3
    assert desk.files() == []
    assert desk.transfers() == []


def test_too_many_files(database: Database) -> None:
    """More than 500 files at once are refused, and none is recorded."""
    desk = MailDesk(database)
    with pytest.raises(BadInput):
        desk.add(*[DEPOSIT] * 501)
    assert desk.files() == []


def test_two_imports_at_once(database: Database) -> None:
    """Two imports of the same e-mails at once record each once."""
    desk = MailDesk(database)
    mails = [WrittenMail(reference=f"CAu3wq{n:02}").signed() for n in range(12)]
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda way: desk.outcomes(*mails[::way]), (1, -1, 1, -1)))
    assert sum(run.count("new") for run in runs) == 12
    assert sum(run.count("known") for run in runs) == 36
    assert len(desk.files()) == len(desk.transfers()) == 12


def test_search(database: Database) -> None:
    """Transfers are found by either end of the reference, and by a name without its accents."""
    desk = MailDesk(database)
    desk.add(DEPOSIT, WrittenMail(name="RENÉE ÉTÉ", reference="CAu3wqe5").signed())
    with database.reading() as session:
        for searched in ("renee", "Été", "CAu3", "wqe5"):
            (found,) = newest_transfers(session, limit=9, searched=searched)
            assert found.sender_name == "RENÉE ÉTÉ"
        assert newest_transfers(session, limit=9, searched="%") == []


@pytest.mark.parametrize(
    "change",
    [
        "amount_minor = 0",
        "amount_minor = NULL",
        "state = 'lost'",
        "state = 'offered', bank_line_id = 1",
        "currency = 'USD'",
    ],
)
def test_rules_of_the_database(database: Database, change: str) -> None:
    """The database refuses amounts and states that cannot be."""
    MailDesk(database).add(DEPOSIT)
    with pytest.raises(IntegrityError), database.writing() as session:
        session.execute(text(f"UPDATE transfer_mail SET {change}"))
