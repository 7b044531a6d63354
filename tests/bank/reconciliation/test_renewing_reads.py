"""The worker's look for something new reads no table as a whole, however many gifts there are."""

import re

from donate.bank.reconciliation.matching_runs import what_to_compare
from donate.storage.database import Database
from tests.finance.statements import plans, selects

LARGE = ("bank_line", "gift_fact", "transfer_mail_file")


def test_a_look_reads_only_indexes_of_large_tables(database: Database) -> None:
    """Lines, facts and e-mails are looked up in an index; only the few payouts are counted."""
    with selects() as statements, database.reading() as session:
        what_to_compare(session)
    assert len(statements) == 6
    for plan in plans(database, statements):
        whole = re.search(rf"(?:SCAN|Seq Scan on) (?:{'|'.join(LARGE)})\b(?! USING)", plan)
        assert not whole, plan
