"""Typed amounts are read exactly, or refused with a message at the field."""

import pytest

from tests.donors.visitor import Visitor, error_at, value_of, words_of

_THOUSAND_FR = "Veuillez inscrire au plus 2 décimales. Pour mille, écrivez 1\u00a0000,00."


@pytest.mark.parametrize(
    ("code", "lang", "typed", "amount_minor"),
    [
        ("LWCAN", "en-CA", "50", 5_000),
        ("LWCAN", "en-CA", " $50 ", 5_000),
        ("LWCAN", "en-CA", "12,50", 1_250),
        ("LWCAN", "en-CA", "1,000.00", 100_000),
        ("LWCAN", "en-CA", "1,000", 100_000),
        ("LWCAN", "fr-CA", "1 000,00", 100_000),
        ("LWCAN", "fr-CA", "1\u202f000,00 $", 100_000),
        ("LWCAN", "fr-CA", "1\u00a0000", 100_000),
        ("LWCAN", "en-CA", "0" * 5_000 + "50", 5_000),
        ("LWJPN", "en", "5000", 5_000),
        ("LWJPN", "en", "5,000", 5_000),
        ("LWKWT", "en", "5.120", 5_120),
        ("LWKWT", "en", "5", 5_000),
    ],
)
def test_taken_exactly(
    visitor: Visitor, code: str, lang: str, typed: str, amount_minor: int
) -> None:
    """An amount in the notation of the page's language is read exactly."""
    country = {"LWCAN": "CA", "LWJPN": "JP", "LWKWT": "KW"}[code]
    gift = visitor.open_gift(code, lang=lang, amount=typed, mode="giving_code", country=country)
    assert gift.amount_minor == amount_minor


@pytest.mark.parametrize(
    ("code", "lang", "typed", "sentence"),
    [
        ("LWCAN", "en-CA", "", "Please enter an amount."),
        ("LWCAN", "en-CA", "-5", "The amount must be more than zero."),
        ("LWCAN", "en-CA", "\u22125", "The amount must be more than zero."),
        ("LWCAN", "en-CA", "0", "The amount must be more than zero."),
        ("LWCAN", "en-CA", "0.001", "Please enter no more than 2 decimal places."),
        ("LWCAN", "en-CA", "0.50", "The minimum for this payment method is $1.00."),
        ("LWCAN", "en-CA", "1e2", "Please enter the amount in digits, such as 50.00."),
        ("LWCAN", "en-CA", "NaN", "Please enter the amount in digits, such as 50.00."),
        ("LWCAN", "en-CA", "true", "Please enter the amount in digits, such as 50.00."),
        ("LWCAN", "en-CA", "1_000", "Please enter the amount in digits, such as 50.00."),
        ("LWCAN", "en-CA", "\uff15\uff10", "Please enter the amount in digits, such as 50.00."),
        (
            "LWCAN",
            "en-CA",
            "1000000000000",
            "That’s more than we can accept online. Please write to us.",
        ),
        ("LWCAN", "fr-CA", "1,000", _THOUSAND_FR),
        ("LWCAN", "fr-CA", "abc", "Veuillez inscrire le montant en chiffres, par exemple 50,00."),
        ("LWJPN", "en", "50.00", "Please leave out the decimals: this currency has none."),
        ("LWKWT", "en", "5.125", "Please enter the amount in digits, such as 50.000."),
    ],
)
def test_a_bad_amount_is_refused_at_its_field(
    visitor: Visitor, code: str, lang: str, typed: str, sentence: str
) -> None:
    """A bad amount gets a message at its field, opens no gift, and stays in the form."""
    answer = visitor.give(code, lang=lang, amount=typed, mode="giving_code")
    assert answer.status_code == 422
    assert error_at(answer.text, "amount") == sentence
    assert value_of(answer.text, "amount") == typed
    assert visitor.gifts() == []


@pytest.mark.parametrize(
    ("mode", "typed", "sentence"),
    [
        ("card", "1.99", "The minimum for this payment method is $2.00."),
        ("card", "25000.01", "The maximum for this payment method is $25,000.00."),
    ],
)
def test_limits_of_the_mode(visitor: Visitor, mode: str, typed: str, sentence: str) -> None:
    """Each mode has its own smallest and largest amount."""
    answer = visitor.give(mode=mode, amount=typed)
    assert (answer.status_code, error_at(answer.text, "amount")) == (422, sentence)


def test_a_preset_is_one_of_the_regions(visitor: Visitor) -> None:
    """A form with a preset amount that the region does not have is refused."""
    assert visitor.open_gift(preset="2500", amount="").amount_minor == 2_500
    answer = visitor.give(preset="1", amount="")
    assert error_at(answer.text, "amount") == "Please enter an amount."


def test_a_link_may_bring_the_amount(visitor: Visitor) -> None:
    """A link to the form can fill in amount and mode; invalid values are ignored."""
    assert value_of(visitor.get("/give/LWCAN?amount=75").text, "amount") == "75"
    page = visitor.get("/give/LWCAN?amount=25.00&mode=interac").text
    assert 'id="preset-2500" value="2500" checked' in page
    assert "checked" in page.split('id="mode-interac"')[1].split(">")[0]
    assert value_of(visitor.get("/give/LWCAN?amount=%3Cb%3E&mode=gold").text, "amount") == ""


def test_french_writes_money_in_french(visitor: Visitor) -> None:
    """French pages write amounts as Canadian French does, such as 1 000,00 $."""
    assert "25\u00a0$" in words_of(visitor.get("/give/LWCAN", "fr-CA").text)
    answer = visitor.give(lang="fr-CA", amount="0,50")
    assert error_at(answer.text, "amount").endswith("1,00\u00a0$.")
