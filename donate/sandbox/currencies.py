"""Stripe's rules for amounts in each currency.

https://docs.stripe.com/currencies
"""

from donate.sandbox.errors import Refusal, invalid_parameter

ZERO_DECIMAL = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split())
THREE_DECIMAL = frozenset("bhd jod kwd omr tnd".split())
# Currencies without decimals whose amounts must nevertheless have two decimals in requests to
# Stripe, and these must be 00.
TWO_EMPTY_DECIMALS = frozenset("isk ugx".split())

TWO_DECIMAL = frozenset(
    "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bmd bnd bob brl bsd bwp byn bzd cad cdf "
    "chf cny cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg "
    "huf idr ils inr jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr "
    "mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr "
    "sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah usd uyu uzs wst xcd yer zar "
    "zmw".split()
)
KNOWN = ZERO_DECIMAL | THREE_DECIMAL | TWO_EMPTY_DECIMALS | TWO_DECIMAL

# Minimum amounts in minor units. Those before the blank line are from the table in Stripe's
# documentation. For other currencies, Stripe requires about 0.50 USD; the rest are estimates.
MINIMUM_PAYMENT = {
    "aed": 200, "aud": 50, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50,
    "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200,
    "nok": 300, "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000, "usd": 50,

    "bhd": 190, "isk": 7000, "jod": 360, "krw": 700, "kwd": 160, "omr": 200, "tnd": 1600,
    "ugx": 190_000, "vnd": 13_000, "xaf": 300, "xof": 300, "clp": 480,
}  # fmt: skip
DEFAULT_MINIMUM = 50
MAX_AMOUNT = 99_999_999  # Stripe's limit: eight digits


def decimals_of(currency: str) -> int:
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def currency_code(value: object, path: str) -> str:
    code = str(value).lower()
    if code not in KNOWN:
        raise invalid_parameter(path, f"Invalid currency: {value}. It is not a known currency.")
    return code


def refuse_odd_amount(amount: int, currency: str, path: str) -> None:
    """Refuse an amount with more decimals than Stripe accepts in this currency."""
    if currency in THREE_DECIMAL and amount % 10:
        raise invalid_parameter(
            path,
            f"Invalid amount: {currency} amounts must be rounded to the nearest ten.",
            code="parameter_invalid_integer",
        )
    if currency in TWO_EMPTY_DECIMALS and amount % 100:
        raise invalid_parameter(
            path,
            f"Invalid amount: {currency} amounts must be evenly divisible by 100.",
            code="parameter_invalid_integer",
        )


def refuse_small_total(total: int, currency: str) -> None:
    minimum = MINIMUM_PAYMENT.get(currency, DEFAULT_MINIMUM)
    if total < minimum:
        raise Refusal(
            "The Checkout Session's total amount due must add up to at least "
            f"{format_amount(minimum, currency)} {currency}",
            code="amount_too_small",
            param="line_items",
        )


def refuse_large_total(total: int) -> None:
    if total > MAX_AMOUNT:
        raise Refusal(
            f"The Checkout Session's total amount must be no more than {MAX_AMOUNT}.",
            code="amount_too_large",
            param="line_items",
        )


def format_amount(amount: int, currency: str, decimal_mark: str = ".") -> str:
    """Return an amount in minor units as people write it: 2500 cad is 25.00."""
    places = decimals_of(currency)
    if places == 0:
        return str(amount)
    whole, part = divmod(abs(amount), 10**places)
    return f"{'-' if amount < 0 else ''}{whole}{decimal_mark}{part:0{places}d}"
