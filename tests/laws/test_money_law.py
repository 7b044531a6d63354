"""Amounts are written and read without loss, and each day starts at its first moment."""

from datetime import date, timedelta
from zoneinfo import available_timezones

import pytest
from babel.numbers import list_currencies
from hypothesis import given, settings, strategies as st

from donate.clock import local_date, start_of_day
from donate.errors import BadInput
from donate.money import (
    MAX_AMOUNT_MINOR,
    Money,
    format_amount,
    format_money,
    minor_step,
    read_amount,
)

MANY = settings(max_examples=200, deadline=None)
CURRENCIES = st.sampled_from(sorted(list_currencies()))
LANGUAGES = ["en-CA", "fr-CA"]


def typeable() -> st.SearchStrategy[Money]:
    """Return a Hypothesis strategy for amounts that a donor may type and that Stripe accepts."""
    return st.tuples(CURRENCIES, st.integers(1, MAX_AMOUNT_MINOR)).map(
        lambda pair: Money(max(pair[1] // minor_step(pair[0]), 1) * minor_step(pair[0]), pair[0])
    )


@pytest.mark.parametrize("language", LANGUAGES)
@MANY
@given(typeable())
def test_a_formatted_amount_is_read_back(language: str, money: Money) -> None:
    """An amount that is formatted and read again is unchanged, in each language."""
    assert read_amount(format_amount(money, language), money.currency, language) == money


@pytest.mark.parametrize("currency", sorted(list_currencies()))
def test_every_currency_is_read_back(currency: str) -> None:
    """In every currency, a formatted amount is read back unchanged in both languages."""
    for amount_minor in (100, 5_000, 123_400, 123_456_700, MAX_AMOUNT_MINOR // 100 * 100):
        money = Money(amount_minor, currency)
        for language in LANGUAGES:
            assert read_amount(format_amount(money, language), currency, language) == money


@pytest.mark.parametrize("language", LANGUAGES)
@MANY
@given(typeable())
def test_money_is_shown_with_all_its_digits(language: str, money: Money) -> None:
    """An amount is shown with all its digits, without rounding."""
    shown = "".join(c for c in format_money(money, language) if c.isdigit())
    assert shown.lstrip("0") == str(money.amount_minor)


@MANY
@given(st.text(), CURRENCIES, st.sampled_from(LANGUAGES))
def test_any_text_is_an_amount_or_refused(text: str, currency: str, language: str) -> None:
    """Any text is read as a valid amount above zero, or refused with a message."""
    answer: Money | BadInput
    try:
        answer = read_amount(text, currency, language)
    except BadInput as problem:
        answer = problem
    if isinstance(answer, BadInput):
        assert answer.field == "amount"
    else:
        assert 0 < answer.amount_minor <= MAX_AMOUNT_MINOR
        assert answer.amount_minor % minor_step(currency) == 0


@MANY
@given(st.text("0123456789., $-'\u00a0", max_size=14), st.sampled_from(LANGUAGES))
def test_reading_keeps_every_digit(text: str, language: str) -> None:
    """An amount that is accepted has exactly the digits that were typed."""
    try:
        amount_minor = read_amount(text, "CAD", language).amount_minor
    except BadInput:
        return
    digits = "".join(c for c in text if c.isdigit()).lstrip("0")
    assert digits.rstrip("0") == str(amount_minor).rstrip("0")
    assert amount_minor in {int(digits) * 10**missing for missing in (0, 1, 2)}


ZONES = sorted(available_timezones() - {"localtime", "Factory"})


@MANY
@given(st.sampled_from(ZONES), st.dates(date(2012, 1, 1), date(2036, 12, 31)))
def test_a_day_begins_at_its_first_instant(zone: str, day: date) -> None:
    """In every time zone, the start of a day is its first moment, also when clocks change."""
    start = start_of_day(day, zone)
    assert local_date(start, zone) == day
    assert local_date(start - timedelta(microseconds=1), zone) < day
