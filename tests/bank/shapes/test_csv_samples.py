"""Each CSV shape of a bank is recognised by itself and read exactly."""

from itertools import pairwise
from typing import Final

import pytest

from donate.bank.shapes.reader import BUILT_IN, KNOWN_SHAPES
from tests.bank.shapes.reading import CARD, lines_of, read, refusals, said, sample, skips

READ: Final = {
    "rbc-en.csv": (
        "rbc-en",
        [
            (2, "2026-07-09", 2500, "E-TRANSFER - AUTODEPOSIT JANE EXAMPLE"),
            (3, "2026-07-10", -12050, "CHEQUE"),
            (4, "2026-07-13", 4000, "Online transfer received J MARK EXAMPLE"),
        ],
    ),
    "rbc-fr.csv": (
        "rbc-fr",
        [
            (
                2,
                "2026-07-09",
                2500,
                "Dépôt auto - virements par courriel AMÉLIE EXEMPLE CA7QzWvk",
            ),
            (3, "2026-12-07", -600, "Frais mensuels"),
        ],
    ),
    "rbc-without-header.csv": (
        "rbc-without-header",
        [
            (1, "2026-07-09", 2500, "e-Transfer - Autodeposit JANE EXAMPLE CAu3wqe5"),
            (2, "2026-07-10", 3000, "Online transfer received MARIE EXEMPLE"),
        ],
    ),
    "td.csv": (
        "td",
        [
            (1, "2026-07-09", 2500, "E-TRANSFER ***uJP"),
            (2, "2026-07-10", -1095, "MONTHLY ACCOUNT FEE"),
            (3, "2026-07-13", 31240, "STRIPE MSP"),
        ],
    ),
    "td-iso.csv": (
        "td",
        [
            (1, "2026-02-05", -300000, "SEND E-TFR ***JSx"),
            (2, "2026-02-06", 2000, "E-TRANSFER ***9Qa"),
        ],
    ),
    "scotiabank.csv": (
        "scotiabank",
        [
            (2, "2026-03-05", 2500, "DEPOSIT FREE INTERAC E-TRANSFER"),
            (3, "2026-03-06", -495, "SERVICE CHARGE"),
        ],
    ),
    "scotiabank-account.csv": (
        "scotiabank-account",
        [
            (2, "2026-03-05", 2500, "DEPOSIT FREE INTERAC E-TRANSFER"),
            (3, "2026-03-06", -495, "SERVICE CHARGE"),
        ],
    ),
    "scotiabank-old.csv": (
        "scotiabank-old",
        [
            (1, "2026-07-09", 2500, "DEPOSIT FREE INTERAC E-TRANSFER"),
            (2, "2026-07-10", -495, "SERVICE CHARGE"),
        ],
    ),
    "bmo.csv": (
        "bmo",
        [
            (
                6,
                "2026-04-17",
                5000,
                "[CW]INTERAC ETRNSFR AD RECVD JANE EXAMPLE 20261070155ZED8ZN",
            ),
            (7, "2026-04-18", -2200, "[SO]MONTHLY FEE"),
            (11, "2026-04-20", -5000, "[DN]EXAMPLE INSURANCE"),
        ],
    ),
    "cibc-4.csv": (
        "cibc",
        [
            (1, "2026-07-09", 2500, "Internet Banking E-TRANSFER 000000001234 JANE EXAMPLE"),
            (2, "2026-07-10", -1500, "Internet Banking E-TRANSFER 000000001235 Bob, Example"),
        ],
    ),
    "cibc-5.csv": (
        "cibc",
        [
            (1, "2026-07-09", 2500, "E-TRANSFER 016633447755 jane example"),
            (2, "2026-07-10", -695, "SERVICE CHARGE"),
        ],
    ),
    "simplii.csv": (
        "simplii",
        [
            (2, "2026-07-09", 2500, "E-TRANSFER 016633447755, JANE EXAMPLE"),
            (3, "2026-07-10", -150, "SERVICE CHARGE"),
        ],
    ),
    "tangerine.csv": (
        "tangerine",
        [
            (2, "2026-07-09", 2500, "INTERAC e-Transfer From: JANE EXAMPLE Transferred"),
            (3, "2026-07-10", -1050, "EFT Withdrawal to EXAMPLE"),
        ],
    ),
    "tangerine-card.csv": (
        "tangerine-card",
        [(2, "2026-07-09", -501, "EXAMPLE SHOP OTTAWA ON Rewards earned: 0.10")],
    ),
    "desjardins.csv": (
        "desjardins",
        [
            (1, "2026-07-09", 2500, "Virement Interac de /Amélie Exemple /"),
            (2, "2026-07-10", -695, "Frais d'utilisation"),
        ],
    ),
    "enriched-sheet.csv": (
        "enriched-sheet",
        [
            (
                2,
                "2026-07-09",
                102500,
                "E-TRANSFER AUTODEPOSIT e-Transfer Jane Example jane@example.org",
            ),
            (3, "2026-07-10", -495, "FEE"),
        ],
    ),
}


@pytest.mark.parametrize("name", READ)
def test_a_file_of_a_known_bank_is_recognised_and_read(name: str) -> None:
    """A file of each known bank is recognised by itself, and every line has day, amount, text."""
    shape, lines = READ[name]
    statement = read(sample(name))
    assert statement.shape == shape
    assert lines_of(statement) == lines
    assert refusals(statement) == {}
    assert (statement.first_day, statement.last_day) == (
        min(line.day for line in statement.lines),
        max(line.day for line in statement.lines),
    )


@pytest.mark.parametrize("name", READ)
def test_a_chosen_shape_reads_the_same_lines(name: str) -> None:
    """A person who chooses the shape gets the same lines as without choosing."""
    assert read(sample(name), shape=READ[name][0]) == read(sample(name))


def test_every_built_in_shape_has_a_sample() -> None:
    """Each shape in shapes.toml has a sample, and `KNOWN_SHAPES` lists it with its title."""
    assert {shape for shape, _ in READ.values()} == set(BUILT_IN)
    listed = {shape.name: (shape.title, shape.kind) for shape in KNOWN_SHAPES}
    assert listed.pop("ofx")[1] == "ofx"
    assert listed.pop("camt053")[1] == "camt053"
    assert listed == {name: (shape.title, "csv") for name, shape in BUILT_IN.items()}


def test_dollars_of_two_countries_stand_side_by_side() -> None:
    """RBC's CAD and USD columns give lines in two currencies, and accounts are told apart."""
    lines = read(sample("rbc-en.csv")).lines
    assert [(line.amount.currency, line.account) for line in lines] == [
        ("CAD", "*********0001"),
        ("CAD", "*********0001"),
        ("USD", "*********0002"),
    ]
    assert [line.bank_reference for line in lines] == ["", "118", ""]


def test_bmo_writes_the_card_number_and_several_accounts() -> None:
    """BMO's repeated header starts another account; its card numbers are masked everywhere."""
    statement = read(sample("bmo.csv"))
    assert [line.account for line in statement.lines] == [
        "************4242",
        "************4242",
        "************5556",
    ]
    assert statement.heading_rows == (1, 2, 3, 4, 5, 8, 9, 10)
    assert CARD.encode() not in statement.masked
    assert statement.masked == sample("bmo.csv").replace(
        CARD.encode(), b"************4242"
    ).replace(b"4000056655665556", b"************5556")


def test_a_pending_row_is_skipped_with_its_reason() -> None:
    """Scotiabank's pending row is no line, and staff see why."""
    assert skips(read(sample("scotiabank.csv"))) == {4: "The bank has not booked this row yet."}


def test_a_loan_of_desjardins_is_skipped_with_its_reason() -> None:
    """A row of a loan is no line of the account, and the kind of account is kept."""
    statement = read(sample("desjardins.csv"))
    assert skips(statement) == {3: "This row belongs to a loan or a line of credit."}
    assert {line.account for line in statement.lines} == {"PCA **5000 **3456"}
    assert [line.bank_reference for line in statement.lines] == [
        "2026/07/09 00001",
        "2026/07/10 00001",
    ]


@pytest.mark.parametrize("name", ["td.csv", "scotiabank-account.csv", "desjardins.csv"])
def test_the_running_balance_is_read(name: str) -> None:
    """Where the bank gives a running balance, each line has it, and it fits the amounts."""
    lines = read(sample(name)).lines
    for before, after in pairwise(lines):
        assert before.balance_minor is not None
        assert after.balance_minor == before.balance_minor + after.amount.amount_minor


@pytest.mark.parametrize("name", ["rbc-fr.csv", "desjardins.csv"])
def test_accents_in_windows_1252_come_with_a_warning(name: str) -> None:
    """A file in Windows-1252 does not say so: staff are asked to look at an accent."""
    statement = read(sample(name))
    assert statement.encoding == "cp1252"
    assert "Windows-1252. Please check the accents" in said(statement.warnings[0])


@pytest.mark.parametrize("name", sorted(set(READ) - {"bmo.csv"}))
def test_the_evidence_is_the_file_itself(name: str) -> None:
    """A file without card numbers is kept byte for byte."""
    assert read(sample(name)).masked == sample(name)
