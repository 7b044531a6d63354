"""Adds e-mails of Interac to a database, with the tests' key or without any."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlmodel import select

from donate.bank.transfer_mails.examining import ExaminedMail, MailExaminer
from donate.bank.transfer_mails.intake import TransferMailIntake
from donate.bank.transfer_mails.keys import FetchKey, MailKeys
from donate.bank.transfer_mails.models import InteracTransfer, TransferMailFile
from donate.bank.transfer_mails.recorder import MailImport
from donate.clock import FixedClock
from donate.regions.regions import load_regions
from donate.storage.database import Database
from tests.bank.transfer_mails.mail_writer import OUR_ADDRESS, SELECTOR, public_record

NOW = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
TIME_ZONE = "America/Toronto"


def examine(content: bytes, keys: dict[str, str] | None = None) -> list[ExaminedMail]:
    """Examine one file with the tests' key, or with these."""
    known = {SELECTOR: public_record()} if keys is None else keys
    examiner = MailExaminer(MailKeys(known), addresses=[OUR_ADDRESS], time_zone=TIME_ZONE)
    return examiner.examine_files([("mail.eml", content)])


def problem_of(content: bytes) -> str:
    """Return the sentence with which a file is refused."""
    (examined,) = examine(content)
    assert examined.problem, f"was not refused: {examined.reading}"
    return examined.problem.message % dict(examined.problem.values)


class MailDesk:
    """Adds e-mails, and reads what was recorded."""

    def __init__(
        self,
        database: Database,
        *,
        keys: dict[str, str] | None = None,
        fetch: FetchKey | None = None,
        folder: Path | None = None,
    ) -> None:
        self.database = database
        self.clock = FixedClock(NOW)
        self.intake = TransferMailIntake(
            database,
            load_regions(),
            self.clock,
            operator_keys={SELECTOR: public_record()} if keys is None else keys,
            fetch=fetch,
            folder=folder,
        )

    def add(self, *contents: bytes) -> MailImport:
        files = [(f"{number}.eml", content) for number, content in enumerate(contents)]
        return self.intake.add(files, actor="staff:1")

    def outcomes(self, *contents: bytes) -> list[str]:
        return [str(result.outcome) for result in self.add(*contents).results]

    def transfers(self) -> list[InteracTransfer]:
        with self.database.reading() as session:
            return list(session.exec(select(InteracTransfer).order_by(InteracTransfer.id)))  # type: ignore[arg-type]

    def files(self) -> list[TransferMailFile]:
        with self.database.reading() as session:
            return list(session.exec(select(TransferMailFile).order_by(TransferMailFile.id)))  # type: ignore[arg-type]


def answering(*answers: str | None) -> tuple[FetchKey, Callable[[], int]]:
    """Return a DNS that gives these answers in turn, and how often it was asked."""
    asked: list[str] = []

    def fetch(selector: str) -> str | None:
        asked.append(selector)
        return answers[min(len(asked), len(answers)) - 1]

    return fetch, lambda: len(asked)
