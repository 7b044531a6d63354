"""Seals: made daily and by hand, mailed, and compared with the chain later."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import col, select

from donate.cli import main
from donate.clock import FixedClock
from donate.letters.sending.batches import Carrier
from donate.letters.sending.seal_mail import SealMailer
from donate.storage.chain.models import ChainSeal
from donate.storage.chain.seals import DailySeals, Seal, seals_in
from donate.storage.database import Database
from tests.chain.chained import fill, link_all, problems, unguarded
from tests.gifts.samples import NOW
from tests.letters.mailer import SENDER, run_mail_server, smtp_to
from tests.settings import load, refusal

TORONTO = "America/Toronto"


def daily(database: Database, clock: FixedClock) -> DailySeals:
    return DailySeals(database, clock, TORONTO, is_mailed=True)


def mailer(
    database: Database, clock: FixedClock, carrier: Carrier, language: str = "en-CA"
) -> SealMailer:
    return SealMailer(
        *(database, clock, carrier),
        sender=SENDER,
        recipient="board@example.org",
        language=language,
        time_zone=TORONTO,
    )


def seals(database: Database) -> list[ChainSeal]:
    with database.reading() as session:
        return list(session.exec(select(ChainSeal).order_by(col(ChainSeal.id))))


def test_the_chain_is_sealed_once_a_day(database: Database) -> None:
    """Each day of the region's time zone gets one seal, however many processes try."""
    clock = FixedClock(NOW)
    first, second = daily(database, clock), daily(database, clock)
    assert first.seal_due() == 0  # there is nothing to seal yet
    fill(database, 2)
    link_all(database)
    assert [first.seal_due(), second.seal_due(), first.seal_due()] == [1, 0, 0]
    clock.instant += timedelta(hours=17)  # five in the morning in UTC, midnight in Toronto
    assert [second.seal_due(), first.seal_due()] == [1, 0]
    assert [str(seal.day) for seal in seals(database)] == ["2026-03-01", "2026-03-02"]
    assert {(seal.position, seal.row_count) for seal in seals(database)} == {(2, 7)}


def test_a_seal_is_mailed_once(database: Database) -> None:
    """A seal is mailed to SEAL_TO, once; the seal can be read from the e-mail."""
    clock = FixedClock(NOW)
    fill(database, 2)
    link_all(database)
    daily(database, clock).seal_due()
    with run_mail_server() as server:
        job = mailer(database, clock, smtp_to(server))
        assert [job.mail_due(), job.mail_due()] == [1, 0]
        (message,) = server.messages
    assert server.recipients == ["board@example.org"]
    assert message["Subject"] == "Digital seal of the donation records, 2026-03-01"
    (seal,) = seals_in(message.get_content())
    (stored,) = seals(database)
    assert (seal.position, seal.row_count, seal.hash) == (2, 7, stored.hash)
    assert stored.mailed_at == NOW
    assert problems(database, seal) == []


def test_a_seal_that_cannot_be_mailed_is_mailed_later(database: Database) -> None:
    """If the mail server is busy or refuses the seal, it is mailed again after a pause."""
    clock = FixedClock(NOW)
    fill(database, 2)
    link_all(database)
    daily(database, clock).seal_due()
    with run_mail_server() as server:
        job = mailer(database, clock, smtp_to(server))
        server.data_answers += ["451 busy", "554 no"]
        assert [job.mail_due(), job.mail_due()] == [0, 0]
        clock.instant += timedelta(minutes=1)
        assert [job.mail_due(), job.mail_due()] == [0, 0]
        clock.instant += timedelta(days=1)
        assert [job.mail_due(), job.mail_due()] == [1, 0]
        assert len(server.messages) == 1


def test_a_cut_end_is_found_by_a_seal(database: Database) -> None:
    """If the newest links and rows are deleted, only a seal kept outside the database shows it."""
    fill(database, 2)
    link_all(database)
    daily(database, FixedClock(NOW)).seal_due()
    (stored,) = seals(database)
    seal = Seal(NOW.date(), stored.position, stored.row_count, stored.hash)
    assert problems(database, seal) == []
    with unguarded(database, keeps=True) as session:
        session.execute(text("DELETE FROM chain_link WHERE position > 1"))
        session.execute(text("DELETE FROM staff_act"))
        session.execute(text("DELETE FROM chain_seal"))
    assert problems(database) == []
    (found,) = problems(database, seal)
    assert "its end was cut off" in found


def test_a_chain_made_anew_is_found_by_a_seal(database: Database) -> None:
    """If a fact is changed and all links are made again, only a seal kept elsewhere shows it."""
    fill(database, 2)
    link_all(database)
    daily(database, FixedClock(NOW)).seal_due()
    (stored,) = seals(database)
    seal = Seal(NOW.date(), stored.position, stored.row_count, stored.hash)
    with unguarded(database, keeps=True) as session:
        session.execute(text("DELETE FROM chain_link"))
        session.execute(text("DELETE FROM chain_seal"))
        session.execute(text("UPDATE gift_fact SET actor = 'staff:9' WHERE id = 1"))
    link_all(database)
    assert problems(database) == []
    (found,) = problems(database, seal)
    assert "made anew" in found


def test_a_seal_is_found_in_any_text() -> None:
    """A seal can be read from a reply that quotes it, and from several in one file."""
    seal = Seal(NOW.date(), 17, 12_345, bytes(range(32)))
    quoted = "> " + str(seal).replace("\n", "\r\n> ")
    assert list(seals_in(str(seal))) == [seal]
    assert list(seals_in(" ".join(str(seal).split()))) == [seal]
    assert list(seals_in(f"Hello,\n{quoted}\n{seal}")) == [seal, seal]
    assert list(seals_in("donate seal 2026-03-01 link 1 rows 2 sha256 abc")) == []


def test_seals_on_the_command_line(
    environment: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`donate seal` prints a seal, and `donate audit --seal` takes it as a text or as a file."""
    database = Database(environment["DATABASE_URL"])
    fill(database, 2)
    assert main(["seal"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("donate seal 20")
    kept = tmp_path / "seal.eml"
    kept.write_text(f"Subject: seal\n\n{printed}")
    assert main(["audit", "--seal", printed, "--seal", str(kept)]) == 0
    assert "over 7 facts and acts; 0 are not chained yet" in capsys.readouterr().out
    forged = printed.replace("rows 7", "rows 8")
    assert main(["audit", "--seal", forged]) == 1
    assert "does not fit: it counts 8 rows" in capsys.readouterr().out
    assert main(["audit", "--seal", "something else"]) == 1
    assert "neither a seal nor a file" in capsys.readouterr().err
    database.close()


@pytest.mark.usefixtures("environment")
def test_nothing_to_seal(capsys: pytest.CaptureFixture[str]) -> None:
    """`donate seal` exits with 1 if there are neither facts nor acts."""
    assert main(["seal"]) == 1
    assert "nothing to seal" in capsys.readouterr().err


def test_where_seals_are_mailed_to() -> None:
    """SEAL_TO has to be an e-mail address, and needs a way to send e-mails."""
    smtp = {"smtp_url": "smtp://127.0.0.1:25", "mail_from": SENDER}
    assert load(**smtp, seal_to="board@église.example").seal_to == "board@xn--glise-9ra.example"
    assert refusal(**smtp, seal_to="board").startswith("SEAL_TO must be a plain e-mail address")
    assert refusal(seal_to="board@example.org").startswith("SEAL_TO is set, but")
