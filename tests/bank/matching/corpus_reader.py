"""Reads the corpus of the matcher: what is known, what the bank wrote, and what is right."""

import tomllib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from donate.bank.matching.candidates import MatchingWorld
from donate.bank.matching.inputs import (
    BankLine,
    KnownPayer,
    MarkedTransfer,
    MoveKind,
    OpenGift,
    StripeMove,
    TransferMail,
)
from donate.bank.matching.suggestions import PayGift, Suggestion, TiePayout, TieTopUp, TieTransfer
from donate.money import Money

CORPUS: Final = Path(__file__).parent / "corpus"


@dataclass(frozen=True)
class Scenario:
    """What is known, the lines, and for each line what the matcher has to say."""

    name: str
    world: MatchingWorld = field(repr=False)
    lines: list[BankLine] = field(repr=False)
    expected: list[dict[str, Any]] = field(repr=False)


def gift_id(reference: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_URL, reference)


def money(text: str) -> Money:
    return Money(int(Decimal(text) * 100), "CAD")


def scenarios() -> Iterator[Scenario]:
    for file in sorted(CORPUS.glob("*.toml")):
        for number, stored in enumerate(tomllib.loads(file.read_text())["scenario"], 1):
            yield _scenario(f"{file.stem} {number}: {stored['name']}", stored)


def in_words(suggestion: Suggestion) -> list[str]:
    """Return the parts of a suggestion as the corpus writes them."""
    return sorted(map(_part_in_words, suggestion.parts))


def _part_in_words(part: object) -> str:
    match part:
        case PayGift():
            return f"{_NAMES[part.gift_id]} {part.amount.decimal}"
        case TieTransfer():
            return f"marked {_NAMES[part.gift_id]} {part.amount.decimal}"
        case TiePayout():
            name = "return" if part.is_return else "payout"
            return f"{name} {part.payout_id} {part.amount.decimal}"
        case TieTopUp():
            return f"top-up {part.top_up_id} {part.amount.decimal}"
    raise TypeError(part)


_NAMES: dict[uuid.UUID, str] = {}


def _scenario(name: str, stored: dict[str, Any]) -> Scenario:
    gifts = [_gift(number, gift) for number, gift in enumerate(stored.get("gifts", []), 1)]
    profiles = {gift.reference: gift.profile_id for gift in gifts}
    world = MatchingWorld(
        gifts=gifts,
        mails=[_mail(number, mail) for number, mail in enumerate(stored.get("mails", []), 1)],
        marked=[
            MarkedTransfer(
                gift_id=gift_id(marked["gift"]),
                source_id=f"transfer-{number}",
                bank_reference=marked.get("bank_reference", ""),
                day=marked["day"],
                amount=money(marked["amount"]),
            )
            for number, marked in enumerate(stored.get("marked", []), 1)
        ],
        payers=[
            KnownPayer(payer["name"], profiles[payer["gives"]])
            for payer in stored.get("payers", [])
        ],
        moves=[
            StripeMove(
                id=number,
                day=move["arrives"],
                amount=money(move["amount"]),
                kind=MoveKind(move.get("kind", "payout")),
                trace_id=move.get("trace", ""),
            )
            for number, move in enumerate(stored.get("payouts", []), 1)
        ],
        read_until={int(key): day for key, day in stored.get("read_until", {}).items()},
    )
    lines = [
        BankLine(
            id=number,
            day=line["day"],
            amount=money(line["amount"]),
            open=money(line.get("open", line["amount"])),
            text=line["text"],
            bank_reference=line.get("bank_reference", ""),
            account=line.get("account", 0),
            was_undone=line.get("was_undone", False),
        )
        for number, line in enumerate(stored["lines"], 1)
    ]
    return Scenario(name, world, lines, stored["lines"])


def _gift(number: int, stored: dict[str, Any]) -> OpenGift:
    reference = stored["reference"]
    _NAMES[gift_id(reference)] = reference
    donor = stored["donor"]
    return OpenGift(
        id=gift_id(reference),
        reference=reference,
        code=reference.partition("-")[0],
        chosen_on=stored["chosen"],
        amount=money(stored["amount"]),
        missing=money(stored.get("missing", stored["amount"])),
        donor_name=donor,
        donor_email=stored.get("email", f"donor{number}@example.org"),
        profile_id=stored.get("profile", number),
        said_sent_on=stored.get("said_sent"),
    )


def _mail(number: int, stored: dict[str, Any]) -> TransferMail:
    return TransferMail(
        id=number,
        day=stored["day"],
        amount=money(stored["amount"]),
        interac_reference=stored["interac"],
        sender_name=stored["sender"],
        sender_email=stored.get("email", "somebody@example.org"),
        message=stored.get("message", ""),
    )
