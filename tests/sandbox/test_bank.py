"""The pretend bank: what it books, and its statements and e-mails, read with other programs."""

import csv
import io
from datetime import date
from email import message_from_bytes
from email.policy import default
from typing import Any

import dkim
import httpx
import pytest

from tests.sandbox.paid_account import PaidAccount
from tests.sandbox.running import RunningSandbox
from tests.sandbox.statement_readers import NAME, READERS

MESSAGE = "For the roof LWCAN-7KQ4M2X"


class Branch:
    """The sandbox's bank: books lines and returns its statements."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        self.sandbox = sandbox

    def transfer(self, **fields: Any) -> Any:
        values = {"name": NAME, "amount": 2_500, "message": MESSAGE, "day": "2026-08-04"}
        return self.sandbox.control("POST", "/_sandbox/bank/transfers", **(values | fields))

    def line(self, **fields: Any) -> Any:
        values = {"day": "2026-08-05"}
        return self.sandbox.control("POST", "/_sandbox/bank/lines", **(values | fields))

    def lines(self) -> list[Any]:
        return list(self.sandbox.control("GET", "/_sandbox/bank/lines"))

    def statement(self, shape: str, **query: str) -> bytes:
        answer = self.sandbox.http.get(
            "/_sandbox/bank/statement", params={"shape": shape, "to": "2026-08-31", **query}
        )
        answer.raise_for_status()
        return answer.content

    def mail(self, number: int, **query: str) -> bytes:
        answer = self.sandbox.http.get(f"/_sandbox/bank/transfers/{number}/mail", params=query)
        answer.raise_for_status()
        return answer.content


@pytest.fixture
def branch(fresh_sandbox: RunningSandbox) -> Branch:
    """A bank with a transfer, a fee, an own transfer, and a transfer of more than 1,000."""
    branch = Branch(fresh_sandbox)
    branch.transfer(reference="C1AVzjTtqR")
    branch.line(kind="fee", amount=-600)
    branch.line(kind="own_transfer", amount=-50_000)
    branch.transfer(amount=123_456, name="Example Ltd", day="2026-08-06")
    return branch


@pytest.mark.parametrize("shape", READERS)
def test_a_statement_has_every_line(branch: Branch, shape: str) -> None:
    """Each shape of statement has the day and amount of every line, to the cent."""
    booked = [(date.fromisoformat(line["day"]), line["amount"]) for line in branch.lines()]
    assert READERS[shape](branch.statement(shape)) == booked
    assert sum(amount for _, amount in booked) == 75_356


@pytest.mark.parametrize("shape", READERS)
def test_no_statement_has_the_message(branch: Branch, shape: str) -> None:
    """As at real banks, the message of a transfer is in no statement."""
    content = branch.statement(shape).decode("cp1252")
    assert "roof" not in content
    assert "7KQ4M2X" not in content


def test_each_bank_writes_another_part_of_a_transfer(branch: Branch) -> None:
    """RBC writes a name and the start of the reference, TD its end, BMO a name and the time."""
    assert b"HELENE O'EXAMPLE-TREMBLAY C1AVzjTt," in branch.statement("rbc")
    assert b"E-TRANSFER ***tqR," in branch.statement("td")
    assert b"HELENE" not in branch.statement("td")
    assert b"AD RECVD HELENE O'EXAMPLE-TREMBLAY" in branch.statement("bmo")
    assert b"2026216" in branch.statement("bmo")


def test_a_statement_covers_only_its_days(branch: Branch) -> None:
    """A statement has the lines from its first to its last day, and begins with their balance."""
    days = {"from": "2026-08-05", "to": "2026-08-05"}
    content = branch.statement("td", **days).decode()
    assert [row.split(",")[-1] for row in content.splitlines()] == ["1019.00", "519.00"]


def test_rbc_writes_both_currencies(branch: Branch) -> None:
    """RBC's statement has dollars of the United States in a column of their own."""
    branch.line(kind="other", amount=4_200, currency="usd")
    rows = csv.reader(io.StringIO(branch.statement("rbc").decode()))
    assert ["", "42.00", ""] in [row[6:] for row in rows]
    assert b"42.00" not in branch.statement("td")
    assert b"42.00" in branch.statement("td", currency="usd")


def test_a_payout_reaches_the_bank_on_its_day(account: PaidAccount) -> None:
    """The bank books a payout on its arrival date, with the trace id that Stripe tells later."""
    account.pay(2_500)
    account.wait(10)
    (payout,) = account.payouts()
    (line,) = Branch(account.sandbox).lines()
    assert (line["kind"], line["amount"], line["day"]) == ("payout", payout.amount, "2026-08-07")
    assert payout.trace_id.value == line["reference"]
    account.sandbox.control("POST", f"/_sandbox/payouts/{payout.id}/fail")
    assert [line["amount"] for line in Branch(account.sandbox).lines()] == [2_397, -2_397]


def test_a_payout_that_fails_on_its_way_is_never_booked(account: PaidAccount) -> None:
    """The bank has no line of a payout that fails before it arrives."""
    account.pay(2_500)
    account.wait(3)
    (payout,) = account.payouts()
    account.sandbox.control("POST", f"/_sandbox/payouts/{payout.id}/fail")
    account.sandbox.control("POST", "/_sandbox/payouts/schedule", interval="manual")
    account.wait(10)
    assert Branch(account.sandbox).lines() == []


@pytest.mark.parametrize(
    ("kind", "language", "subject"),
    [
        ("claim", "en", f"Interac e-Transfer: {NAME} sent you $1,025.00. Claim your deposit!"),
        (
            "deposited",
            "en",
            (
                f"Interac e-Transfer: You've received $1,025.00 from {NAME} and it has been "
                "automatically deposited."
            ),
        ),
        (
            "deposited",
            "fr",
            (
                f"Virement Interac\u00a0: Vous avez reçu 1025,00\u00a0$ de {NAME} et ce montant a "
                "été déposé automatiquement."
            ),
        ),
    ],
)
def test_interac_writes_about_a_transfer(
    branch: Branch, kind: str, language: str, subject: str
) -> None:
    """Interac's e-mail has the reference; only the one about a deposit has the message."""
    booked = branch.transfer(amount=102_500, email="h.example@example.org")
    raw = branch.mail(booked["number"], kind=kind, language=language)
    mail = message_from_bytes(raw, policy=default)
    assert mail["Subject"] == subject
    assert mail["X-PaymentKey"] == booked["reference"]
    assert mail["Reply-To"] == "h.example@example.org"
    for shape in ("plain", "html"):
        body: Any = mail.get_body((shape,))
        text = body.get_content()
        assert booked["reference"] in text
        assert (MESSAGE in text) is (kind == "deposited")


def test_the_signature_of_an_e_mail_holds(branch: Branch) -> None:
    """The e-mails are signed with DKIM; a changed e-mail fails with the published key."""
    key = branch.sandbox.control("GET", "/_sandbox/bank/interac-key")
    raw = branch.mail(1, kind="reminder", language="fr")

    def lookup(name: bytes, **_: Any) -> bytes:
        assert name.decode() == key["name"]
        return str(key["record"]).encode()

    assert dkim.verify(raw, dnsfunc=lookup)
    assert not dkim.verify(raw.replace(b"25,00", b"95,00"), dnsfunc=lookup)
    assert not dkim.verify(branch.mail(1, signature="broken"), dnsfunc=lookup)
    assert b"DKIM-Signature" not in branch.mail(1, signature="none")
    assert b"d=mailer.example.net" in branch.mail(1, signature="foreign")


def test_only_a_transfer_has_an_e_mail(branch: Branch) -> None:
    """An e-mail about a line that is no transfer is refused."""
    with pytest.raises(httpx.HTTPStatusError):
        branch.mail(2)
