"""Keys that cannot be fetched, checks that are repeated, and the folder of a mailbox."""

import logging
import os
from datetime import timedelta
from pathlib import Path

import pytest

from donate.bank.transfer_mails.keys import MailKeys, read_key_file
from donate.bank.transfer_mails.models import MailCheck
from donate.bank.transfer_mails.queries import stored_keys, usable_mails
from donate.errors import Misconfigured
from donate.storage.database import Database
from tests.bank.transfer_mails.mail_desk import NOW, MailDesk, answering
from tests.bank.transfer_mails.mail_writer import SELECTOR, WrittenMail, public_record

DEPOSIT = WrittenMail().signed()


def test_network_failure(database: Database) -> None:
    """Without a key an e-mail is kept, counts for nothing, and is checked again until it counts."""
    fetch, asked = answering(None, None, public_record())
    desk = MailDesk(database, keys={}, fetch=fetch)
    assert desk.outcomes(DEPOSIT) == ["waiting"]
    assert desk.outcomes(DEPOSIT) == ["known"]
    assert (asked(), desk.transfers(), desk.intake.check_due()) == (2, [], 0)
    desk.clock.instant += timedelta(minutes=6)
    assert desk.intake.check_due() == 1
    assert desk.files()[0].mail_check is MailCheck.COUNTED
    with database.reading() as session:
        assert len(usable_mails(session)) == 1
        assert stored_keys(session) == {SELECTOR: public_record()}


def test_waits_longer(database: Database) -> None:
    """The pause before each further check grows, and no check loses the e-mail."""
    desk = MailDesk(database, keys={}, fetch=answering(None)[0])
    desk.add(DEPOSIT)
    pauses = []
    for _ in range(7):
        due = desk.files()[0].check_due_at
        assert due
        pauses.append(due - desk.clock.now())
        desk.clock.instant = due
        assert desk.intake.check_due() == 0
    assert pauses == sorted(pauses)
    assert desk.files()[0].mail_check is MailCheck.WAITING


def test_kept_imitation(database: Database) -> None:
    """A kept e-mail that turns out to be signed by another key never counts."""
    desk = MailDesk(database, keys={}, fetch=answering(None, public_record())[0])
    desk.add(WrittenMail().signed(key="a stranger's"))
    desk.clock.instant += timedelta(minutes=6)
    assert desk.intake.check_due() == 1
    assert desk.files()[0].mail_check is MailCheck.WRONG
    assert desk.transfers() == []


def test_kept_contradiction(database: Database) -> None:
    """A kept imitation does not stand in the way of the genuine e-mail about the same transfer."""
    desk = MailDesk(database, keys={}, fetch=answering(None, public_record())[0])
    desk.add(WrittenMail(amount="$9,000.00").signed())
    assert desk.outcomes(DEPOSIT) == ["new"]
    desk.clock.instant += timedelta(minutes=6)
    desk.intake.check_due()
    assert [file.mail_check for file in desk.files()] == [
        MailCheck.CONTRADICTORY,
        MailCheck.COUNTED,
    ]
    assert desk.transfers()[0].amount_minor == 2_500


def test_stored_key_needs_no_network(database: Database) -> None:
    """A key that was fetched once is used again without asking."""
    fetch, asked = answering(public_record())
    desk = MailDesk(database, keys={}, fetch=fetch)
    desk.add(DEPOSIT)
    desk.add(WrittenMail(reference="CAu3wqe5").signed())
    assert asked() == 1


def test_made_up_selectors() -> None:
    """E-mails that name many selectors cost only a few questions to DNS, each asked once."""
    fetch, asked = answering(None)
    keys = MailKeys({}, fetch)
    for number in range(100):
        assert keys.find(f"s{number}") is None
        assert keys.find("s0") is None
    assert asked() == 5


def test_key_file(tmp_path: Path) -> None:
    """The operator's file of keys has one in each line; a wrong line is named."""
    file = tmp_path / "keys"
    file.write_text(f"# Interac\n\n{SELECTOR} {public_record()}\n", "utf-8")
    assert read_key_file(file) == {SELECTOR: public_record()}
    file.write_text("# Interac\nselector p=AAAA\n", "utf-8")
    with pytest.raises(Misconfigured, match="line 2"):
        read_key_file(file)
    with pytest.raises(Misconfigured, match="can’t be read"):
        read_key_file(tmp_path / "none")


def drop(folder: Path, name: str, content: bytes, age_s: float = 60) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    moment = NOW.timestamp() - age_s
    os.utime(path, (moment, moment))
    return path


def test_folder(database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Files of the folder are taken up and put away; the log says why without donors' data."""
    drop(tmp_path, "a.eml", DEPOSIT)
    drop(tmp_path, "new/b", WrittenMail(reference="CAu3wqe5").signed())
    drop(tmp_path, "c.eml", WrittenMail(name="EVE POE", headers={"To": "eve@example.net"}).signed())
    drop(tmp_path, ".unfinished", DEPOSIT)
    drop(tmp_path, "young.eml", DEPOSIT, age_s=1)
    (tmp_path / "link.eml").symlink_to(tmp_path / "a.eml")
    desk = MailDesk(database, folder=tmp_path)
    with caplog.at_level(logging.WARNING):
        assert desk.intake.take_folder_due() == 3
    assert sorted(path.name for path in (tmp_path / "done").iterdir()) == ["a.eml", "b"]
    assert [path.name for path in (tmp_path / "refused").iterdir()] == ["c.eml"]
    assert "refused a file" in caplog.text
    assert not any(word in caplog.text for word in ("eve@", "EVE", "C1AV", "c.eml"))
    assert {file.added_by for file in desk.files()} == {"folder"}
    assert desk.intake.take_folder_due() == 0


def test_folder_after_a_crash(database: Database, tmp_path: Path) -> None:
    """A file that was recorded but not put away is put away by the next run, by a new name."""
    desk = MailDesk(database, folder=tmp_path)
    drop(tmp_path, "a.eml", DEPOSIT)
    desk.intake.take_folder_due()
    drop(tmp_path, "a.eml", DEPOSIT)
    assert desk.intake.take_folder_due() == 1
    assert sorted(path.name for path in (tmp_path / "done").iterdir()) == ["2-a.eml", "a.eml"]
    assert len(desk.files()) == 1


def test_large_file_in_the_folder(database: Database, tmp_path: Path) -> None:
    """A file of 100 MB is refused without being read whole."""
    path = drop(tmp_path, "large.eml", b"")
    with path.open("r+b") as file:
        file.truncate(100 * 1024 * 1024)
    os.utime(path, (0, 0))
    assert MailDesk(database, folder=tmp_path).intake.take_folder_due() == 1
    assert (tmp_path / "refused" / "large.eml").exists()
    assert MailDesk(database).intake.take_folder_due() == 0
