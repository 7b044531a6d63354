"""The pack of a month has the same bytes on both databases, and all its files agree."""

import csv
import io
import json
import re
import subprocess
import zipfile
from collections import Counter
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from donate.books.chart import Chart
from donate.books.journal_files.programs import JournalProgram
from donate.books.months.queries import pack_content
from donate.books.pack.summary_page import SummaryBlock, SummaryPage, SummaryRow, write_summary
from donate.gifts.facts import FactKind
from donate.storage.database import Database
from tests.books.months.month_world import (
    APRIL_3,
    IN_MARCH,
    RULES,
    ZOE,
    close,
    copy_rows,
    record_lines,
    record_march,
    stripe_records,
)
from tests.finance.money_samples import LATE_IN_MARCH, MARCH, give, move, pay
from tests.real_parts import Postgres, Sqlite
from tests.stripe_gateway.balance.payouts import payout, record, transaction

REASONS = {
    "line_undecided": "The bank looks for it",
    "not_at_stripe": "Stripe shows them tomorrow",
}


def pack_of(database: Database) -> bytes:
    with database.reading() as session:
        content = pack_content(session, IN_MARCH)
    assert content is not None
    return content


def files_of(pack: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(pack)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rows_of(files: dict[str, bytes], name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files[name].decode("utf-8-sig"), newline="")))


def summed(rows: list[dict[str, str]], column: str) -> dict[str, Decimal]:
    sums: Counter[str] = Counter()
    for row in rows:
        sums[row["currency"]] += Decimal(row[column] or 0)  # type: ignore[assignment]
    return dict(sums)  # type: ignore[arg-type]


def record_more(database: Database) -> None:
    """Add what makes a pack hard: yen, a dispute, a payout in transit, and an open line."""
    yen = give(database, "yen", code="LWJPN", amount_minor=7_000)
    pay(database, yen)
    disputed = give(database, "disputed", name="Łukasz, “le Grand”\t+1")
    pay(database, disputed)
    move(database, disputed, FactKind.DISPUTE_OPENED, "dp_1", 5_000, LATE_IN_MARCH)
    arrives = int(APRIL_3.timestamp())
    record(
        database,
        payout(4_800, id="po_2", status="in_transit", arrival_date=arrives),
        is_complete=False,
    )
    record_lines(database, [(30, 900, "=SUM(A1)", None)])


def test_both_databases_give_the_same_bytes(sqlite: Sqlite, postgres: Postgres) -> None:
    """The same records give the same pack on SQLite and PostgreSQL, to the byte."""
    packs = []
    with (
        closing(Database(sqlite.fresh_url())) as first,
        closing(Database(postgres.fresh_url())) as second,
    ):
        record_march(first)
        record_more(first)
        copy_rows(first, second)
        for database in (first, second):
            close(database, by=ZOE, reasons=REASONS)
            packs.append(pack_of(database))
    assert files_of(packs[0]) == files_of(packs[1])
    assert packs[0] == packs[1]


def test_the_order_of_rows_does_not_matter(database: Database) -> None:
    """Transactions that Stripe told in another order stand in the pack by time and id."""
    record_march(database)
    created = int(MARCH.timestamp())
    for number in (9, 8):
        fee = transaction(-100, 0, kind="stripe_fee", category="fee", id=f"txn_{number}")
        stripe_records(database, [fee | {"created": created}])
    close(database)
    rows = rows_of(files_of(pack_of(database)), "stripe-transactions.csv")
    ids = [row["transaction_id"] for row in rows if row["kind"] == "fee"]
    assert ids == ["txn_8", "txn_9"]


def test_all_files_agree(database: Database) -> None:
    """Register, movements, journal and control totals have the same sums in each currency."""
    record_march(database)
    record_more(database)
    close(database, reasons=REASONS)
    files = files_of(pack_of(database))
    wanted = {"CAD": Decimal("223.45"), "JPY": Decimal(7_000)}
    assert summed(rows_of(files, "gifts.csv"), "net") == wanted
    assert summed(rows_of(files, "movements.csv"), "amount") == wanted
    journal = rows_of(files, "journal/general.csv")
    assert summed(journal, "debit") == summed(journal, "credit")
    income = [row for row in journal if row["account"].startswith("40")]
    credit, debit = summed(income, "credit"), summed(income, "debit")
    assert {each: credit[each] - debit.get(each, 0) for each in credit} == wanted
    control = json.loads(files["control-totals.json"])
    nets = [one for one in control["figures"]["gifts"] if one["figure"] == "net"]
    assert {one["currency"]: Decimal(one["amount"]) for one in nets} == wanted
    assert [check["check"] for check in control["checks"] if not check["agrees"]] == []
    (one_payout,) = (r for r in rows_of(files, "payouts.csv") if r["payout_id"] == "po_1")
    assert one_payout["amount"] == one_payout["sum_of_transactions"] == "116.00"
    parts = [r for r in rows_of(files, "payout-transactions.csv") if r["payout_id"] == "po_1"]
    assert summed(parts, "net") == {"CAD": Decimal("116.00")}
    (fees,) = rows_of(files, "fees.csv")
    assert (fees["number"], fees["fee"], fees["tax"]) == ("2", "3.54", "0.46")
    booked = [row for row in journal if row["account"] in ("5620", "5630")]
    assert summed(booked, "debit") == {"CAD": Decimal("4.00")}


def test_every_program_has_its_journal(database: Database) -> None:
    """There is a journal for each of the four programs, with one file for each currency."""
    record_march(database)
    record_more(database)
    close(database, reasons=REASONS)
    names = files_of(pack_of(database)).keys()
    for program in JournalProgram:
        made = [name for name in names if name.startswith(f"journal/{program.value}-")]
        assert {name.split("-")[3].split(".")[0] for name in made} == {"CAD", "JPY"}, program


def test_nothing_of_the_pack_is_a_formula(database: Database) -> None:
    """Names and bank texts that begin as a formula get an apostrophe; accents stay."""
    record_march(database)
    record_more(database)
    close(database, reasons=REASONS)
    files = files_of(pack_of(database))
    donors = {row["donor_name"] for row in rows_of(files, "gifts.csv")}
    assert {"'=HYPERLINK(1)", "Zoë Côté"} <= donors
    (line,) = rows_of(files, "unmatched-lines.csv")
    assert (line["text"], line["unexplained"]) == ("'=SUM(A1)", "9.00")
    open_items = {row["kind"]: row["reason"] for row in rows_of(files, "open-items.csv")}
    assert open_items["line_undecided"] == "The bank looks for it"
    assert open_items["payout_in_transit"] == ""


def test_sha256sum_accepts_the_pack(database: Database, tmp_path: Path) -> None:
    """`sha256sum --check` says that every file is as it was packed, and notices a change."""
    record_march(database)
    close(database)
    with zipfile.ZipFile(io.BytesIO(pack_of(database))) as archive:
        archive.extractall(tmp_path)
        count = len(archive.namelist()) - 1
    check = ["sha256sum", "--check", "--strict", "SHA256SUMS.txt"]
    done = subprocess.run(check, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.count(": OK\n")) == (0, count)
    (tmp_path / "gifts.csv").write_bytes(b"changed")
    assert subprocess.run(check, cwd=tmp_path, capture_output=True, check=False).returncode == 1


def texts_of(pdf: bytes) -> list[str]:
    """Return the texts that a page shows, in their order."""
    shown = re.findall(rb"\((.*?)(?<!\\)\) Tj", pdf)
    octal = re.compile(rb"\\([0-7]{3})")
    return [
        octal.sub(lambda found: bytes([int(found[1], 8)]), text).decode("cp1252") for text in shown
    ]


def test_the_summary_is_one_page_in_the_language_of_the_closer(database: Database) -> None:
    """The PDF is one page without fonts or the time of now, and its accents are right."""
    record_march(database)
    close(database, by=ZOE)
    pdf = files_of(pack_of(database))["summary.pdf"]
    assert len(re.findall(rb"/Type /Page\b(?!s)", pdf)) == 1
    assert b"/FontFile" not in pdf
    assert re.findall(rb"/(?:CreationDate|ModDate) \(D:(\d{8})", pdf) == [b"20000101", b"20000101"]
    texts = texts_of(pdf)
    assert texts[0] == "Sommaire de 2026-03"
    assert texts[1].startswith("Fermé par Zoé Côté le 3 avr. 2026")
    place = texts.index("Dons, net")
    assert texts[place + 1 : place + 3] == ["4", "223,45 $"]


def test_rows_that_do_not_fit_are_counted() -> None:
    """A summary of many rows stays one page, and says how many rows are left out."""
    rows = [SummaryRow(f"Account {number} 中") for number in range(200)]
    block = SummaryBlock("Balances", rows)
    pdf = write_summary(SummaryPage("March", [], [block], "%(count)s more rows.", "en-CA"))
    texts = texts_of(pdf)
    assert texts[2] == "Account 0 ?"
    shown = sum(text.startswith("Account") for text in texts)
    assert texts[-1] == f"{200 - shown} more rows."
    assert len(re.findall(rb"/Type /Page\b(?!s)", pdf)) == 1


def test_a_program_that_refuses_does_not_stop_the_month(database: Database) -> None:
    """If a program would not take the journal, the pack has the reason instead of its files."""
    record_march(database)
    accounts = RULES.chart.model_dump()
    accounts["accounts"]["donations"]["number"] = "GIFTS"
    close(database, rules=replace(RULES, chart=Chart.model_validate(accounts)))
    files = files_of(pack_of(database))
    assert "“Donations”" in files["journal/sage50-2026-03-CAD-not-made.txt"].decode()
    assert "journal/sage50-2026-03-CAD.txt" not in files
    assert "journal/xero-2026-03-CAD.csv" in files


def test_a_currency_that_a_program_cannot_take_says_so_in_the_pack(database: Database) -> None:
    """Of yen, each program has its file, or the reason why not; the files in dollars are there."""
    record_march(database)
    record_more(database)
    close(database, reasons=REASONS)
    files = files_of(pack_of(database))
    journals = {name.removeprefix("journal/") for name in files if "2026-03" in name}
    assert journals == {
        *("quickbooks-2026-03-CAD.csv", "quickbooks-2026-03-JPY.csv"),
        *("gnucash-2026-03-CAD.csv", "gnucash-2026-03-JPY.csv"),
        *("xero-2026-03-CAD.csv", "xero-2026-03-JPY-not-made.txt"),
        *("sage50-2026-03-CAD.txt", "sage50-2026-03-JPY-not-made.txt"),
    }
    said = files["journal/xero-2026-03-JPY-not-made.txt"].decode()
    assert "it would import JPY as CAD" in said
    assert "enter the entries in JPY by hand" in said
