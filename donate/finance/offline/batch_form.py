"""The forms that start a batch of offline gifts, and that change its expected count and sum."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any, Final

from donate.errors import N_, BadInput, BadInputs, check_field
from donate.finance.offline.words import TypedForm
from donate.gifts.choosing.choice import tidy_name
from donate.gifts.choosing.options import check_words
from donate.gifts.offline.batches import MAX_IN_A_BATCH
from donate.gifts.offline.models import OfflineBatchTotal
from donate.gifts.offline.rules import check_received_day
from donate.money import format_amount, read_amount
from donate.regions.regions import Regions

MAX_BATCH_NAME: Final = 100

Expected = Mapping[str, tuple[int, int]]
"""For each currency, the number of gifts that a batch should have, and their sum in minor units."""


@dataclass(frozen=True, slots=True)
class NewBatch:
    """The details of a new batch, as staff typed them, after all checks."""

    name: str
    day: date
    expected: Expected


def currencies_of(regions: Regions) -> list[str]:
    """Return the currencies of all regions, each once."""
    return sorted({region.currency for region in regions.values()})


def check_batch(
    regions: Regions, typed: Mapping[str, str], *, language: str, now: datetime
) -> NewBatch:
    """Check the form that starts a batch. Raises BadInputs."""
    problems: list[BadInput] = []
    checked = partial(check_field, problems)
    name = checked(lambda: _check_batch_name(typed.get("batch_name", "")))
    time_zone = next(iter(regions.values())).time_zone
    day = checked(
        lambda: check_received_day(typed.get("received_on", ""), time_zone=time_zone, now=now)
    )
    try:
        expected = check_expected(regions, typed, language=language)
    except BadInputs as more:
        raise BadInputs([*problems, *more.problems]) from None
    if problems or name is None or day is None:
        raise BadInputs(problems)
    return NewBatch(name, day, expected)


def check_expected(regions: Regions, typed: Mapping[str, str], *, language: str) -> Expected:
    """Return the expected count and sum for each currency that was filled in. Raises BadInputs."""
    expected: dict[str, tuple[int, int]] = {}
    problems: list[BadInput] = []
    for currency in currencies_of(regions):
        count, total = (typed.get(f"{name}_{currency}", "").strip() for name in ("count", "sum"))
        if not count and not total:
            continue
        try:
            expected[currency] = _check_numbers(currency, count, total, language)
        except BadInput as problem:
            problems.append(problem)
    if not expected and not problems:
        first = currencies_of(regions)[0]
        sentence = N_("Please enter how many gifts you expect, and their sum.")
        problems.append(BadInput(f"count_{first}", sentence))
    if problems:
        raise BadInputs(problems)
    return expected


def _check_numbers(currency: str, count: str, total: str, language: str) -> tuple[int, int]:
    if not re.fullmatch("[0-9]{1,4}", count) or not 1 <= int(count) <= MAX_IN_A_BATCH:
        sentence = N_("Please enter a number from 1 to %(most)s.")
        raise BadInput(f"count_{currency}", sentence, {"most": str(MAX_IN_A_BATCH)})
    try:
        amount = read_amount(total, currency, language)
    except BadInput as problem:
        raise BadInput(f"sum_{currency}", problem.message, problem.values) from None
    return int(count), amount.amount_minor


def _check_batch_name(text: str) -> str:
    name = tidy_name(text)
    if not any(map(str.isprintable, name)):
        raise BadInput("batch_name", N_("Please enter a name, such as “Sunday offering”."))
    problem = check_words("batch_name", name, MAX_BATCH_NAME)
    if problem:
        raise problem
    return name


def batch_form(
    regions: Regions,
    typed: Mapping[str, str] | None,
    problems: Sequence[BadInput] = (),
    *,
    today: date,
) -> dict[str, Any]:
    """Return the variables for the template of the form that starts a batch."""
    key = (typed or {}).get("form_key", "")
    return {
        "typed": TypedForm({"received_on": today.isoformat()} if typed is None else typed),
        "problems": {problem.field: problem for problem in problems},
        "currencies": currencies_of(regions),
        "today": today.isoformat(),
        "form_key": key or secrets.token_urlsafe(16),
        "is_open": typed is not None,
    }


def typed_expected(totals: Sequence[OfflineBatchTotal], language: str) -> TypedForm:
    """Return the expected counts and sums of a batch, as values for the form's fields."""
    typed = TypedForm()
    for total in totals:
        if total.expected_count:
            typed[f"count_{total.currency}"] = str(total.expected_count)
            typed[f"sum_{total.currency}"] = format_amount(total.expected, language)
    return typed
