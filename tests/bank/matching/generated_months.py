"""Generates a month of transfers: gifts, what the bank wrote, Interac's e-mails, and the truth."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random
from typing import Final

from donate.bank.matching.candidates import MatchingWorld
from donate.bank.matching.inputs import Band, BankLine, OpenGift, TransferMail
from donate.bank.matching.reasons import MAIL_BY_COUNT
from donate.bank.matching.suggestions import LineMatch, PayGift
from donate.money import Money
from donate.references import new_reference
from tests.bank.matching.corpus_reader import gift_id

FIRST_DAY: Final = date(2026, 4, 1)
FIRST_NAMES: Final = (
    "Jane Peter Hélène Amina Oluwaseun Mei François Grace Daniel Chloé Samuel Ngozi Luc Ruth Omar"
    " Elena David Thandiwe Marie-Ève Isaac Aisha Noah Priya Liam Sofia Kofi Anne Yusuf Claire Ivan"
).split()
LAST_NAMES: Final = (
    "Example Smith Roy Tremblay Okafor Nguyen Côté Singh Martin Gagnon O'Brien Adeyemi Lévesque"
    " Chan Brown Bouchard Mensah Smith-Roy Wilson Pelletier Haddad Kim Fraser Silva Boateng"
    " Lavoie Ross Diallo Novak Morin Fortin Khan Mbeki Larsen Dubois Rossi Tanaka Ali Schmidt Cyr"
    " Girard Park Lopez Campbell Thériault Okonkwo Petrov Ibrahim Leblanc Murray"
).split()
AMOUNTS: Final = (2_500, 5_000, 10_000, 25_000)

BARE: Final = "E-TRANSFER"
SCOTIABANK: Final = "DEPOSIT FREE INTERAC E-TRANSFER"

Write = Callable[[str, str, date, Random], str]
SHAPES: Final[Mapping[str, Write]] = {
    "RBC": lambda name, tail, _day, _r: f"e-Transfer - Autodeposit {name} {tail}",
    "RBC without reference": lambda name, _t, _day, _r: f"E-TRANSFER - AUTODEPOSIT {name}",
    "RBC in French": lambda name, tail, _day, _r: (
        f"Depot auto - virements par courriel {name} {tail}"
    ),
    "TD": lambda _n, tail, _day, _r: f"E-TRANSFER ***{tail[-3:]}",
    "TD bare": lambda _n, _t, _day, _r: BARE,
    "BMO": lambda name, _t, day, r: (
        f"[CW]INTERAC ETRNSFR AD RECVD {name:<20} {day:%Y%j}{r.randrange(24):02}"
        f"{r.randrange(60):02}{''.join(r.choices('0123456789ABCDEFXYZ', k=6))}"
    ),
    "CIBC": lambda name, _t, _day, r: (
        f"Internet Banking E-TRANSFER {r.randrange(10**12):012} {name}"
    ),
    "Scotiabank": lambda _n, _t, _day, _r: SCOTIABANK,
    "Tangerine": lambda name, _t, _day, _r: f"INTERAC e-Transfer From: {name} Transferred",
    "Desjardins": lambda name, _t, _day, _r: f"Virement Interac de /{name} /",
}
"""How a bank writes a transfer, from the account's name, Interac's reference and the day."""
NAMED: Final = (
    *("RBC", "RBC without reference", "RBC in French", "BMO", "CIBC", "Tangerine", "Desjardins"),
)


@dataclass(frozen=True)
class Mix:
    """How many of 100 transfers or gifts are of each kind."""

    has_mail: int = 100
    has_message: int = 98
    """The e-mail's message has the reference, as the instructions ask for."""
    own_amount: int = 40
    """The donor typed an amount; the others took one of the four that are offered."""
    own_name: int = 92
    """The account is in the donor's own name; the others' are a spouse's or another person's."""
    said_sent: int = 0
    """The donor said on the day of the transfer, or a day later, that it was sent."""
    only_said: int = 0
    """Of the gifts that are never paid: the donor said that it was sent."""
    unannounced: int = 1
    """Nobody opened a gift for the transfer."""
    few_names: bool = False
    """All donors share four names, and all amounts are one of four. This is no percentage."""


@dataclass
class Month:
    """Lines with their world, and the gift that each line pays; no entry if it pays none."""

    lines: list[BankLine] = field(default_factory=list)
    mails: list[TransferMail] = field(default_factory=list)
    gifts: list[OpenGift] = field(default_factory=list)
    truth: dict[int, str] = field(default_factory=dict)
    read_until: dict[int, date] = field(default_factory=dict)
    """The last day of each account's statement; if empty, the statements end with the last line."""

    def right(self, line_id: int) -> set[str]:
        """Return the gift that a line pays; empty if it pays none."""
        return {self.truth[line_id]} if line_id in self.truth else set()

    @property
    def world(self) -> MatchingWorld:
        return MatchingWorld(mails=self.mails, gifts=self.gifts, read_until=self.read_until)

    def goes_on(self) -> "Month":
        """Return the month with statements that go on until no line of it can be missing."""
        accounts = {line.account for line in self.lines}
        return replace(self, read_until=dict.fromkeys(accounts, FIRST_DAY + timedelta(34)))

    def certain_gifts(self, found: Mapping[int, LineMatch]) -> dict[int, set[str]]:
        """Return the references of the gifts of each certain line."""
        named = {gift.id: gift.reference for gift in self.gifts}
        return {
            line: {
                named[part.gift_id]
                for part in match.suggestions[0].parts
                if isinstance(part, PayGift)
            }
            for line, match in found.items()
            if match.band is Band.CERTAIN
        }

    def wrong_lines(self, found: Mapping[int, LineMatch]) -> list[int]:
        """Return the certain lines whose gift they do not pay.

        Lines that are certain together, because they look alike, are compared as a set: none of
        their gifts may be one that no line of this look pays.
        """
        wrong = []
        certain = self.certain_gifts(found)
        paid: dict[Hashable, Counter[str]] = defaultdict(Counter)
        for line in self.lines:
            paid[look_of(line)].update(self.right(line.id))
        for line in self.lines:
            gifts = certain.get(line.id)
            if gifts is None:
                continue
            counted = any(
                reason.message == MAIL_BY_COUNT for reason in found[line.id].suggestions[0].reasons
            )
            if not counted:
                wrong += [line.id] if gifts != self.right(line.id) else []
            elif not all(paid[look_of(line)][gift] for gift in gifts):
                wrong.append(line.id)
            paid[look_of(line)].subtract(gifts)
        return wrong

    def unpaid_lines(self, found: Mapping[int, LineMatch]) -> list[int]:
        """Return the likely lines with a gift that no line of this amount and look pays.

        Lines without a name look alike, at whichever bank they are.
        """

        def look(line: BankLine) -> Hashable:
            is_bare = line.text.startswith(("E-TRANSFER *", SCOTIABANK)) or line.text == BARE
            return (line.amount, "") if is_bare else look_of(line)

        named = {gift.id: gift.reference for gift in self.gifts}
        paid: dict[Hashable, set[str]] = defaultdict(set)
        for line in self.lines:
            paid[look(line)] |= self.right(line.id)
        return [
            line.id
            for line in self.lines
            if found[line.id].band is Band.LIKELY
            and any(
                isinstance(part, PayGift) and named[part.gift_id] not in paid[look(line)]
                for part in found[line.id].suggestions[0].parts
            )
        ]


def look_of(line: BankLine) -> Hashable:
    """Return what a bank shows of a line, without its day and without words that have digits."""
    words = [word for word in line.text.split() if not re.search(r"\d", word)]
    return line.account, line.amount, " ".join(words)


def generate_month(
    random: Random, shapes: list[str], transfers: int, mix: Mix, *, unpaid: int = 0
) -> Month:
    """Return a month with `transfers` lines and, besides their gifts, `unpaid` gifts."""
    month = Month()
    for number in range(1, transfers + 1):
        day = FIRST_DAY + timedelta(random.randrange(30))
        name = _name(random, mix)
        amount = _amount(random, mix)
        account = name if random.randrange(100) < mix.own_name else _name(random, mix)
        gift = None
        if random.randrange(100) >= mix.unannounced:
            gift = _gift(random, f"g{number}", name, amount, day)
            if mix.said_sent and random.randrange(100) < mix.said_sent:
                said_on = day + timedelta(random.choice((0, 0, 0, 0, 1)))
                gift = replace(gift, said_sent_on=said_on)
            month.gifts.append(gift)
        interac = f"CA{''.join(random.choices('0123456789abcdefgHJKLMNPQRStuvwxyz', k=6))}"
        posted = day + timedelta(random.choice((0, 0, 0, 1, 1, 2)))
        shape = random.choice(shapes)
        month.lines.append(
            BankLine(
                id=number,
                day=posted,
                amount=amount,
                open=amount,
                text=SHAPES[shape](account.upper(), interac, day, random),
                account=sorted(SHAPES).index(shape),
            )
        )
        if gift:
            month.truth[number] = gift.reference
        if random.randrange(100) < mix.has_mail:
            knows = gift is not None and random.randrange(100) < mix.has_message
            month.mails.append(
                TransferMail(
                    id=number,
                    day=day,
                    amount=amount,
                    interac_reference=interac,
                    sender_name=account.upper(),
                    sender_email=gift.donor_email if gift else "somebody@example.org",
                    message=f"Merci {gift.reference}" if gift and knows else "",
                )
            )
    for number in range(unpaid):
        day = FIRST_DAY + timedelta(random.randrange(-20, 30))
        gift = _gift(random, f"u{number}", _name(random, mix), _amount(random, mix), day)
        if mix.only_said and random.randrange(100) < mix.only_said:
            gift = replace(gift, said_sent_on=gift.chosen_on)
        month.gifts.append(gift)
    return month


def _name(random: Random, mix: Mix) -> str:
    if mix.few_names:
        return random.choice(("Jane Smith", "Jane Smith-Roy", "Hélène Côté", "Peter Smith"))
    return f"{random.choice(FIRST_NAMES)} {random.choice(LAST_NAMES)}"


def _amount(random: Random, mix: Mix) -> Money:
    if random.randrange(100) < mix.own_amount and not mix.few_names:
        return Money(random.randrange(10, 400) * 100, "CAD")
    return Money(random.choice(AMOUNTS), "CAD")


def _gift(random: Random, key: str, name: str, amount: Money, day: date) -> OpenGift:
    reference = new_reference("LWCAN", random)
    return OpenGift(
        id=gift_id(reference),
        reference=reference,
        code="LWCAN",
        chosen_on=day - timedelta(random.choice((0, 0, 0, 1, 2, 5, 12))),
        amount=amount,
        missing=amount,
        donor_name=name,
        donor_email=f"{key}@example.org",
        profile_id=int(key[1:]) * 2 + (key[0] == "u"),
    )
