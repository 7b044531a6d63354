"""Books a year of e-Transfers and fees at the demo's bank, and creates Interac's e-mails."""

from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

from donate.bank.received_transfers import Transfer, mark_received
from donate.bank.transfer_mails.models import TransferMailKey
from donate.clock import local_date
from donate.demo.article import CODE
from donate.demo.levers import SandboxLevers
from donate.finance.models import Staff
from donate.gifts.models import Donor, Gift
from donate.regions.modes import Mode
from donate.wiring.parts import Parts

_MONTHLY_FEE_MINOR: Final = -495
_OWN_TRANSFER_MINOR: Final = -100_000
_UNANNOUNCED_MINOR: Final = 7_500
_SHARE_WITH_REFERENCE: Final = 0.6


class BankYear:
    """Books lines at the pretend bank.

    The user of the demo can record the transfers of last month and this month: they are on the
    bank's statement, and Interac's e-mails about them are in `mail_folder`. Staff have marked all
    earlier transfers as received.
    """

    def __init__(
        self,
        parts: Parts,
        sandbox: SandboxLevers,
        staff: Staff,
        today: datetime,
        random: Random,
        *,
        mail_folder: Path,
    ) -> None:
        self._parts = parts
        self._sandbox = sandbox
        self._staff = staff
        self._today = today
        self._random = random
        self._mail_folder = mail_folder
        # Around midnight at the end of a month, the charity's day is in another month than in UTC.
        self._local_day = local_date(today, parts.regions[CODE].time_zone)
        last_day_before = self._local_day.replace(day=1) - timedelta(days=1)
        self.month_before: Final = last_day_before.replace(day=1)
        """The first day of the charity's last month, from which bank lines are left to the user."""

    def receive(self, gift: Gift, chosen_at: datetime) -> None:
        """Book the donor's transfer, some hours after the gift was chosen."""
        arrived = chosen_at + timedelta(hours=self._random.randrange(1, 40))
        day = local_date(arrived, gift.time_zone)
        bank_reference = f"C1A{self._random.randrange(10**8):08}"
        tells_reference = self._random.random() < _SHARE_WITH_REFERENCE
        if arrived >= self._today:
            return
        with self._parts.database.reading() as session:
            donor = session.get_one(Donor, gift.donor_id).name
        line = self._sandbox.pull(
            "bank/transfers",
            name=donor,
            amount=gift.amount_minor,
            message=gift.reference if tells_reference else "",
            reference=bank_reference,
            day=day.isoformat(),
        )
        if day >= self.month_before:
            self._write_mail(int(line["number"]), gift)
            return
        transfer = Transfer(day, gift.amount, bank_reference, "Example: on the bank statement")
        with self._parts.database.writing() as session:
            mark_received(session, gift, transfer, actor=f"staff:{self._staff.id}", now=arrived)

    def book_other_lines(self, first: date) -> None:
        """Book a fee in each month since `first`, and two unusual lines in the last month."""
        month = first.replace(day=1)
        while (month := (month + timedelta(days=32)).replace(day=1)) <= self._local_day:
            self._book("fee", _MONTHLY_FEE_MINOR, month)
        self._book("own_transfer", _OWN_TRANSFER_MINOR, self.month_before + timedelta(days=9))
        self._sandbox.pull(
            "bank/transfers",
            name="Odile Marchand",
            amount=_UNANNOUNCED_MINOR,
            day=(self.month_before + timedelta(days=12)).isoformat(),
        )

    def trust_mails(self) -> None:
        """Store the public key with which the pretend Interac signs its e-mails."""
        key = self._sandbox.read("bank/interac-key").json()
        with self._parts.database.writing() as session:
            session.add(
                TransferMailKey(
                    selector=key["selector"], record=key["record"], fetched_at=self._today
                )
            )

    def _book(self, kind: str, amount_minor: int, day: date) -> None:
        self._sandbox.pull("bank/lines", kind=kind, amount=amount_minor, day=day.isoformat())

    def _write_mail(self, number: int, gift: Gift) -> None:
        send_to = self._parts.regions[gift.code].modes[Mode.INTERAC].send_to
        language = "fr" if gift.language.startswith("fr") else "en"
        mail = self._sandbox.read(
            f"bank/transfers/{number}/mail", to=send_to or "", language=language
        )
        (self._mail_folder / f"interac-{number}.eml").write_bytes(mail.content)
