"""Checks what staff typed about a cheque or cash. All functions are pure.

Each wrong field gets a problem of its own, and no value is guessed.
"""

import hashlib
import json
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final

from donate.clock import local_date, read_day
from donate.errors import N_, BadInput, BadInputs, check_field
from donate.gifts.choosing.choice import MAX_NAME, normalized_email, tidy_name
from donate.gifts.choosing.options import MAX_NOTE, check_words, tidy_words
from donate.gifts.donor_profiles.models import DonorProfile
from donate.money import Money, read_amount
from donate.regions.modes import OFFLINE, Mode
from donate.regions.regions import Region, Regions

# A day longer ago than this is refused, because the year must be a typing error.
MAX_DAYS_AGO: Final = 400
# Canadian banks may refuse a cheque that is older than six months.
STALE_AFTER_DAYS: Final = 183
MAX_CHEQUE_NUMBER: Final = 40
MAX_BANK_NAME: Final = 100
ANONYMOUS, NEW = "anonymous", "new"
"""The values that the field `donor` can have instead of a donor's number."""
MAX_FORM_KEY: Final = 60


@dataclass(frozen=True, slots=True, repr=False)
class EnteredGift:
    """A cheque or an amount of cash that passed all checks.

    `donor_name` is empty if the donor is anonymous. `profile_id` is set if the donor gave before.
    """

    code: str
    mode: Mode
    fund: str
    amount: Money
    received_on: date
    profile_id: int | None
    donor_name: str
    donor_email: str
    donor_address: str
    language: str
    sends_thanks: bool
    cheque_number: str
    cheque_day: date | None
    bank_name: str
    note: str

    @property
    def cheque_key(self) -> str:
        """The letters and digits of the cheque's number."""
        return letters_and_digits(self.cheque_number)

    def form_key(self, nonce: str) -> str:
        """Return a key that depends on the form's nonce and on everything that was typed.

        A form that is sent twice gives the same key. A changed form gives another key.
        """
        values = json.dumps(astuple(self), default=str)
        return f"{nonce[:MAX_FORM_KEY]}:{hashlib.sha256(values.encode()).hexdigest()[:40]}"


def check_entry(
    regions: Regions,
    typed: Mapping[str, str],
    *,
    donor: DonorProfile | None,
    language: str,
    now: datetime,
    day: date | None = None,
) -> EnteredGift:
    """Check the form of a cheque or cash. Raises BadInputs with one sentence for each wrong field.

    `donor` is the donor whose number was chosen, if there is one. `language` is the language of the
    user who types. `day` is the day of the batch; without a batch, the form has the day on which
    the money was received.
    """
    region = regions.get(typed.get("code", ""))
    if region is None:
        raise BadInputs([BadInput("code", N_("Please choose a code from the list."))])
    problems: list[BadInput] = []
    checked = partial(check_field, problems)
    mode = checked(lambda: _check_mode(typed.get("mode", "")))
    amount = checked(lambda: read_amount(typed.get("amount", ""), region.currency, language))
    received_on = checked(
        lambda: (
            day
            or check_received_day(typed.get("received_on", ""), time_zone=region.time_zone, now=now)
        )
    )
    fund = checked(lambda: check_fund(region, typed.get("fund", "")))
    who = checked(lambda: check_giver(typed, donor))
    name, email, address, speaks = who or ("", "", "", "")
    thanks = typed.get("thanks") == "yes"
    if thanks and who and not email:
        sentence = N_("Without an e-mail address we can’t send thanks. Please clear this box.")
        problems.append(BadInput("thanks", sentence))
    number = checked(lambda: _check_number(mode, typed.get("cheque_number", "")))
    dated = checked(lambda: _check_cheque_day(mode, typed.get("cheque_day", ""), region, now))
    bank = checked(lambda: _check_bank(mode, typed.get("bank_name", "")))
    note = checked(lambda: _check_line("note", tidy_words(typed.get("note", "")), MAX_NOTE))
    if problems or mode is None or amount is None or received_on is None:
        raise BadInputs(problems)
    return EnteredGift(
        code=region.code,
        mode=mode,
        fund=fund or "",
        amount=amount,
        received_on=received_on,
        profile_id=donor.id if donor else None,
        donor_name=name,
        donor_email=email,
        donor_address=address,
        language=speaks or region.language(typed.get("language", "")),
        sends_thanks=thanks,
        cheque_number=number or "",
        cheque_day=dated[0] if dated else None,
        bank_name=bank or "",
        note=note or "",
    )


def check_received_day(text: str, *, time_zone: str, now: datetime) -> date:
    """Return the typed day on which money was received. Raises BadInput for an impossible day."""
    day, today = read_day(text.strip()), local_date(now, time_zone)
    if day is None:
        raise BadInput("received_on", N_("Please enter the day, such as 2026-03-31."))
    if day > today:
        raise BadInput("received_on", N_("This day is in the future."))
    if day < today - timedelta(days=MAX_DAYS_AGO):
        raise BadInput("received_on", N_("This is more than a year ago. Please check the year."))
    return day


def is_stale(entered: EnteredGift) -> bool:
    """Whether the cheque was so old when it was received that a bank may refuse it."""
    if entered.cheque_day is None:
        return False
    return entered.cheque_day < entered.received_on - timedelta(days=STALE_AFTER_DAYS)


def letters_and_digits(text: str) -> str:
    """Return only the letters and digits of a text, in upper case, so that all spellings match."""
    whole = unicodedata.normalize("NFKC", text).upper()
    return "".join(c for c in whole if c.isalnum()).lstrip("0")


def _check_mode(text: str) -> Mode:
    if text not in OFFLINE:
        raise BadInput("mode", N_("Please choose cheque or cash."))
    return Mode(text)


def check_fund(region: Region, text: str) -> str:
    """Return the key of the chosen fund, or "". Raises BadInput if the region has no such fund."""
    if text and text not in region.funds:
        raise BadInput("fund", N_("Please choose a fund from the list."))
    return text


def check_giver(typed: Mapping[str, str], donor: DonorProfile | None) -> tuple[str, str, str, str]:
    """Return the donor's name, e-mail address, postal address and language. Raises BadInput.

    `donor` is the donor whose number was chosen. All of them are empty if the donor is anonymous.
    """
    chosen = typed.get("donor", "")
    if donor is not None:
        return donor.name, donor.email, "", donor.language
    if chosen == ANONYMOUS:
        return "", "", "", ""
    if chosen != NEW:
        raise BadInput("donor", N_("Please choose who gave it."))
    problems: list[BadInput] = []
    checked = partial(check_field, problems)
    name = checked(lambda: _check_donor_name(tidy_name(typed.get("name", ""))))
    email = checked(lambda: _check_address(typed.get("email", "").strip()))
    address = checked(lambda: _check_line("address", tidy_words(typed.get("address", "")), 500))
    if name is None or email is None or address is None:
        raise problems[0]
    return name, email, address, ""


def _check_donor_name(name: str) -> str:
    if not any(map(str.isprintable, name)):
        raise BadInput("name", N_("Please enter the donor’s name."))
    return _check_line("name", name, MAX_NAME)


def _check_address(email: str) -> str:
    normal = normalized_email(email) if email else ""
    if normal is None:
        message = N_("Please enter an e-mail address such as name@example.com.")
        raise BadInput("email", message)
    return normal


def _check_line(field: str, text: str, most: int) -> str:
    problem = check_words(field, text, most) if text else None
    if problem:
        raise problem
    return text


def _only_on_cheques(check: Callable[[str], str], field: str, mode: Mode | None, text: str) -> str:
    text = tidy_name(text)
    if mode is Mode.CASH and text:
        raise BadInput(field, N_("Cash has none. Please choose cheque, or clear this field."))
    return check(text) if mode is Mode.CHEQUE else text


def _check_number(mode: Mode | None, text: str) -> str:
    def check(number: str) -> str:
        if not letters_and_digits(number):
            raise BadInput("cheque_number", N_("Please enter the number on the cheque."))
        return _check_line("cheque_number", number, MAX_CHEQUE_NUMBER)

    return _only_on_cheques(check, "cheque_number", mode, text)


def _check_bank(mode: Mode | None, text: str) -> str:
    return _only_on_cheques(
        lambda bank: _check_line("bank_name", bank, MAX_BANK_NAME), "bank_name", mode, text
    )


def _check_cheque_day(
    mode: Mode | None, text: str, region: Region, now: datetime
) -> tuple[date | None]:
    """Return the date on the cheque, in a tuple because a cheque may have none."""
    text = _only_on_cheques(str, "cheque_day", mode, text)
    if not text:
        return (None,)
    day, today = read_day(text.strip()), local_date(now, region.time_zone)
    if day is None:
        raise BadInput("cheque_day", N_("Please enter the day, such as 2026-03-31."))
    if day > today:
        sentence = N_("This cheque is dated in the future. Keep it, and enter it on that day.")
        raise BadInput("cheque_day", sentence)
    if day < today - timedelta(days=5 * 366):
        raise BadInput("cheque_day", N_("This is many years ago. Please check the year."))
    return (day,)
