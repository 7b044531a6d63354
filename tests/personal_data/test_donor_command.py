"""`donate donor`: finds one donor, and writes what is held about them to a file, or erases it."""

import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import select

from donate.cli import main
from donate.finance.models import StaffAct
from donate.gifts.donor_profiles.models import DonorProfile
from donate.gifts.facts import FactKind
from donate.gifts.models import Gift
from donate.storage.database import Database
from tests.gifts.samples import fact, open_gift_of, record


@pytest.fixture
def stored(environment: dict[str, str]) -> Iterator[Database]:
    """Open the database of the command line."""
    database = Database(environment["DATABASE_URL"])
    yield database
    database.close()


@pytest.fixture
def gift(stored: Database) -> Gift:
    """Open a gift of Ann Lee."""
    return open_gift_of(stored)


@pytest.mark.parametrize("by_address", [True, False])
def test_a_donor_is_named_by_address_or_reference(
    by_address: bool, gift: Gift, stored: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both find the donor; the file is named after a number, and only its owner may read it."""
    named = " ANN@example.com" if by_address else gift.reference.lower()
    assert main(["donor", "export", named]) == 0
    file = Path(f"donor-{gift.profile_id}.zip")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "Ann Lee" in zipfile.ZipFile(file).read("data-en.html").decode()
    said = capsys.readouterr()
    assert "ann@example.com" not in said.out + said.err
    with stored.reading() as session:
        act = session.exec(select(StaffAct)).one()
    assert (act.act, act.about) == ("donor_data_exported", f"donor {gift.profile_id}")
    assert "ann" not in str(act.detail)


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("zoe@example.com", "No donor has this e-mail address."),
        ("ann@example", "No donor has this e-mail address."),
        ("LWCAN-5TQ7FEX", "No gift has this reference."),
        ("Ann Lee", "by an e-mail address or a gift’s reference"),
        ("%", "by an e-mail address or a gift’s reference"),
    ],
)
def test_nobody_is_found_by_a_part(
    named: str, said: str, stored: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    """A part of an address or a name finds nobody; nothing is written, and nothing recorded."""
    open_gift_of(stored)
    assert main(["donor", "export", named]) == 1
    assert said in capsys.readouterr().err
    assert list(Path().glob("*.zip")) == []
    with stored.reading() as session:
        assert session.exec(select(StaffAct)).all() == []


def test_a_folder_that_is_not_there_is_named(
    gift: Gift, capsys: pytest.CaptureFixture[str]
) -> None:
    """If the file cannot be written, the command says which."""
    assert main(["donor", "export", gift.reference, "--out", "nowhere/data.zip"]) == 1
    assert "nowhere/data.zip" in capsys.readouterr().err


@pytest.mark.parametrize("by_address", [True, False])
def test_a_donor_is_erased_after_a_question(
    by_address: bool,
    gift: Gift,
    stored: Database,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The command says what goes and what stays, asks for the reference, and records the act."""
    command = ["donor", "anonymise", "ann@example.com" if by_address else gift.reference]
    monkeypatch.setattr("builtins.input", lambda _: "yes")
    assert main(command) == 1
    monkeypatch.setattr("builtins.input", lambda _: gift.reference)
    assert main([*command, "--reason", "letter of 3 May"]) == 0
    said = capsys.readouterr().out
    assert "Nothing was erased." in said
    assert "Kept:\n" in said
    assert "ann" not in said.lower()
    with stored.reading() as session:
        profile = session.get_one(DonorProfile, gift.profile_id)
        act = session.exec(select(StaffAct)).one()
    assert (profile.name, profile.email, profile.email_key) == ("", "", "")
    assert (act.act, act.about) == ("donor_anonymised", f"donor {gift.profile_id}")
    assert act.detail["request"] == "letter of 3 May"
    assert main(["donor", "anonymise", gift.reference, "--yes"]) == 0


def test_a_running_monthly_gift_stands_in_the_way(
    stored: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command names it, and exits with 1."""
    gift = open_gift_of(stored, frequency="monthly")
    record(stored, gift, fact(FactKind.PLEDGE_STARTED, "sub_1"))
    assert main(["donor", "anonymise", gift.reference, "--yes"]) == 1
    said = capsys.readouterr().out
    assert f"The monthly gift {gift.reference} still runs. End it first." in said
