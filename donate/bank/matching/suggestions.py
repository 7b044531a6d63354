"""The matcher's suggestions for a bank line, with their reasons. They can all be stored as JSON."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from donate.bank.matching.inputs import Band, LineClass
from donate.money import Money

ReasonValue = str | Money | date


@dataclass(frozen=True, slots=True)
class Reason:
    """A sentence for staff that gives evidence for a suggestion, or against it.

    `values` are the values of its %(name)s placeholders. Pages write amounts and days in the
    reader's language.
    """

    message: str
    values: Mapping[str, ReasonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PayGift:
    """Part of a suggestion: the money pays a gift, and nobody has recorded it yet."""

    gift_id: uuid.UUID
    amount: Money


@dataclass(frozen=True, slots=True)
class TieTransfer:
    """Part of a suggestion: the money is a transfer that staff have already marked as received."""

    gift_id: uuid.UUID
    source_id: str
    amount: Money


@dataclass(frozen=True, slots=True)
class TiePayout:
    """Part of a suggestion: the money is a Stripe payout, or Stripe's debit if it is negative.

    `is_return` says whether the bank took the payout back. Then the amount has the opposite sign.
    """

    payout_id: int
    amount: Money
    is_return: bool = False


@dataclass(frozen=True, slots=True)
class TieTopUp:
    """Part of a suggestion: the money is a top-up of Stripe's balance, or its reversal.

    `top_up_id` is the id of its balance transaction.
    """

    top_up_id: int
    amount: Money


SuggestedPart = PayGift | TieTransfer | TiePayout | TieTopUp


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One possible explanation of a line. Its parts add up to no more than the line's open amount.

    `mail_id` is the id of Interac's e-mail about the same transfer, if one was found.
    """

    parts: tuple[SuggestedPart, ...]
    reasons: tuple[Reason, ...]
    mail_id: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the suggestion as values that can be stored as JSON."""
        return {
            "parts": [_part_to_json(part) for part in self.parts],
            "reasons": [
                {"message": reason.message, "values": _values_to_json(reason.values)}
                for reason in self.reasons
            ],
            "mail_id": self.mail_id,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Suggestion":
        """Return the suggestion that `to_json` turned into these values."""
        return cls(
            parts=tuple(_part_from_json(part) for part in stored["parts"]),
            reasons=tuple(
                Reason(reason["message"], _values_from_json(reason["values"]))
                for reason in stored["reasons"]
            ),
            mail_id=stored["mail_id"],
        )


@dataclass(frozen=True, slots=True)
class LineMatch:
    """The kind of a line, how sure that is, and at most five suggestions, the best one first."""

    line_class: LineClass
    band: Band
    suggestions: tuple[Suggestion, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the match as values that can be stored as JSON."""
        return {
            "line_class": self.line_class.value,
            "band": self.band.value,
            "suggestions": [suggestion.to_json() for suggestion in self.suggestions],
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "LineMatch":
        """Return the match that `to_json` turned into these values."""
        return cls(
            LineClass(stored["line_class"]),
            Band(stored["band"]),
            tuple(Suggestion.from_json(suggestion) for suggestion in stored["suggestions"]),
        )


def _values_to_json(values: Mapping[str, ReasonValue]) -> dict[str, Any]:
    return {name: _value_to_json(value) for name, value in values.items()}


def _value_to_json(value: ReasonValue) -> Any:
    match value:
        case Money():
            return {"amount_minor": value.amount_minor, "currency": value.currency}
        case date():
            return {"day": value.isoformat()}
        case text:
            return text


def _values_from_json(stored: Mapping[str, Any]) -> dict[str, ReasonValue]:
    return {name: _value_from_json(value) for name, value in stored.items()}


def _value_from_json(stored: Any) -> ReasonValue:
    if isinstance(stored, str):
        return stored
    if "day" in stored:
        return date.fromisoformat(stored["day"])
    return Money(stored["amount_minor"], stored["currency"])


def _part_to_json(part: SuggestedPart) -> dict[str, Any]:
    amount = {"amount_minor": part.amount.amount_minor, "currency": part.amount.currency}
    match part:
        case PayGift():
            return {"kind": "gift", "gift_id": str(part.gift_id), **amount}
        case TieTransfer():
            named = {"gift_id": str(part.gift_id), "source_id": part.source_id}
            return {"kind": "marked_transfer", **named, **amount}
        case TiePayout():
            of_payout = {"payout_id": part.payout_id, "is_return": part.is_return}
            return {"kind": "payout", **of_payout, **amount}
        case TieTopUp():
            return {"kind": "top_up", "top_up_id": part.top_up_id, **amount}


def _part_from_json(stored: Mapping[str, Any]) -> SuggestedPart:
    amount = Money(stored["amount_minor"], stored["currency"])
    match stored["kind"]:
        case "gift":
            return PayGift(uuid.UUID(stored["gift_id"]), amount)
        case "marked_transfer":
            return TieTransfer(uuid.UUID(stored["gift_id"]), stored["source_id"], amount)
        case "payout":
            return TiePayout(stored["payout_id"], amount, stored.get("is_return", False))
        case "top_up":
            return TieTopUp(stored["top_up_id"], amount)
        case unknown:
            raise ValueError(f"unknown kind of part {unknown!r}")
