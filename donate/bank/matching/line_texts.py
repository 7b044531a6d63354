"""Reads a bank line: its kind, its payer, and the piece of Interac's reference in it.

The patterns follow the wording of RBC, TD, BMO, CIBC, Scotiabank, Tangerine and Desjardins in their
exports. Only the sign of the amount decides whether money came in or went out, because CIBC and TD
write the same text for both.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from donate.bank.matching.inputs import BankLine, LineClass
from donate.gifts.search_index.folding import fold, typed_words

_TRANSFER: Final = re.compile(
    r"\be-? ?(?:tr?ans?fe?rs?|trnsfr|tfrs?)\b|\binterac\b|\bvirements? (?:en ligne )?recue?s?\b"
    r"|\bvirement en ligne\b|\bvirements par courriel\b|\bonline transfer received\b"
)
_CANCELLED: Final = re.compile(r"\b(?:cancel\w*|annul\w+|expired?|declined)\b")
_STRIPE: Final = re.compile(r"\bstripe\b")
_OWN: Final = re.compile(
    r"\b(?:transfer|tfr|trsf|xfer)[ -]?(?:to|from)\b|\binternet transfer\b|\bbetween accounts\b"
    r"|\bentre comptes\b|\bonline banking transfer\b|\bvirement interne\b|\bto savings\b"
)
_RETURNED: Final = re.compile(
    r"\bnsf\b|\breturn(?:ed)?\b|\brtd\b|\bchargeback\b|\breversal\b|\binsufficient\b"
    r"|\bsans provision\b|\bretourne\w*\b|\bimpaye\w*\b"
)
_MAY_BE_STRIPES: Final = frozenset(
    {LineClass.STRIPE_PAYOUT, LineClass.STRIPE_DEBIT, LineClass.RETURNED_ITEM}
)
_FEE: Final = re.compile(
    r"\bfees?\b|\bservice charges?\b|\bs/?c\b|\bfrais\b|\bmonthly plan\b|\bactivity charge\b"
)

# What banks write around a payer's name, in normalized form.
_BANKS_WORDS: Final = re.compile(
    r"\[[a-z]{2}\]|\binternet banking\b|\bdeposit free\b|\bdirect deposit\b"
    r"|\bvirements?(?: interac)?(?: en ligne)?(?: par courriel)?(?: de(?=\s*/))?"
    r"|\bdepot(?: auto\w*)?|\bautodeposit\b|\bad recvd\b|\b(?:recvd|received|recue?s?)\b"
    r"|\b(?:inter|e-? ?)(?:ac\b|tr?ans?fe?rs?\b|trnsfr\b|tfrs?\b)"
    r"|\bonline transfer\b|\btransfer(?:red)?\b|\bfrom\b|\bdeposit\b|\bsend\b|\bcredit memo\b"
)
_DIGIT: Final = re.compile(r"\d")
_NO_NAMES: Final = frozenset(
    "mr mrs ms miss dr mme mlle rev pastor pasteur jr sr ii iii and et the of de".split()
)

_WORD: Final = re.compile(r"[^\W_]+")
_MONTHS: Final = frozenset(
    "january february march april may june july august september october november december "
    "jan feb mar apr jun jul aug sep sept oct nov dec "
    "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre "
    "janv fev fevr avr juil".split()
)

_TD_TAIL: Final = re.compile(r"\*{3}\s*(\w{3})\b")
_SHORT_REFERENCE: Final = re.compile(r"(?<!\w)C[A1][A-Za-z0-9]{6,10}\s*$")
_BMO_CODE: Final = re.compile(r"(20\d\d)(\d{3})([01]\d|2[0-3])([0-5]\d)([0-9A-Z]{6})\s*$")
_LONG_TOKEN: Final = re.compile(r"[A-Za-z0-9]{8,}")
# A bank posts a transfer within a few days. If a code gives a day further away, it is not a date.
_MOST_DAYS_TO_POST: Final = 7


@dataclass(frozen=True, slots=True)
class LineClues:
    """The clues in a line's text. `words` are the words of the payer's name, normalized.

    `piece` is the piece of Interac's reference that the bank shows, normalized: at TD its last
    three characters, at RBC a word of eight or more characters. `tokens` are all long words,
    normalized; one of them may be Interac's whole reference. `day` is the day of the transfer if
    the text has BMO's code, otherwise the day of the line. `may_be_gift` is false for money out,
    for transfers between the charity's own accounts, and for transfers that came back.
    `names_stripe` says whether Stripe moved the money: its name is there, and it is no e-Transfer.
    """

    line_class: LineClass
    words: frozenset[str]
    piece: str
    tokens: frozenset[str]
    day: date
    may_be_gift: bool
    names_stripe: bool = False


def read_line(line: BankLine, codes: Iterable[str] = ()) -> LineClues:
    """Return the clues in a line's text. Giving codes are not taken for words of a name."""
    folded = fold(line.text)
    line_class = _line_class(folded, is_credit=line.amount.amount_minor > 0)
    return LineClues(
        line_class=line_class,
        words=frozenset(payer_words(line.text)) - {fold(code) for code in codes},
        piece=_reference_piece(line.text),
        tokens=frozenset(
            token.casefold()
            for text in (line.text, line.bank_reference)
            for token in _LONG_TOKEN.findall(text)
        ),
        day=_transfer_day(line),
        may_be_gift=line_class is LineClass.INCOMING_TRANSFER
        or (line_class is LineClass.OTHER_CREDIT and not _CANCELLED.search(folded)),
        names_stripe=line_class in _MAY_BE_STRIPES and bool(_STRIPE.search(folded)),
    )


def payer_words(text: str) -> list[str]:
    """Return the normalized words in a line's text that may be the payer's name, in order.

    Initials, numbers, Interac's references and the bank's own words are left out.
    """
    bare = _TD_TAIL.sub(" ", _SHORT_REFERENCE.sub(" ", text))
    return list(name_tokens(_BANKS_WORDS.sub(" ", fold(bare))))


def text_without_days(text: str) -> str:
    """Return the folded words of a line's text without numbers and months. May be empty.

    The text of a monthly fee, for example, is the same every month.
    """
    words = _WORD.findall(fold(text))
    return " ".join(word for word in words if not _DIGIT.search(word) and word not in _MONTHS)


def payer_key(text: str) -> str:
    """Return the payer's name in a line's text, as `KnownPayer.name` stores it. May be empty."""
    return " ".join(payer_words(text))


# Cached, because each e-mail is compared with several lines.
@lru_cache(maxsize=16_384)
def name_tokens(name: str) -> tuple[str, ...]:
    """Return the folded words of a name without initials, titles, particles and numbers."""
    return tuple(word for word in typed_words(name) if is_name_word(word))


def is_name_word(word: str) -> bool:
    """Whether a word may be part of a name: not an initial, a title, a particle or a number."""
    return len(word) > 1 and word not in _NO_NAMES and not _DIGIT.search(word)


def _line_class(folded: str, *, is_credit: bool) -> LineClass:
    is_transfer = bool(_TRANSFER.search(folded))
    if is_credit:
        if is_transfer:
            return (
                LineClass.OTHER_CREDIT if _CANCELLED.search(folded) else LineClass.INCOMING_TRANSFER
            )
        if _STRIPE.search(folded):
            return LineClass.STRIPE_PAYOUT
        return LineClass.OWN_TRANSFER if _OWN.search(folded) else LineClass.OTHER_CREDIT
    if _FEE.search(folded):
        return LineClass.BANK_FEE
    if _RETURNED.search(folded):
        return LineClass.RETURNED_ITEM
    if is_transfer:
        return LineClass.OTHER_DEBIT
    if _STRIPE.search(folded):
        return LineClass.STRIPE_DEBIT
    return LineClass.OWN_TRANSFER if _OWN.search(folded) else LineClass.OTHER_DEBIT


def _reference_piece(text: str) -> str:
    if found := _TD_TAIL.search(text):
        return found[1].casefold()
    if found := _SHORT_REFERENCE.search(text):
        has_mark = any(map(str.isdigit, found[0])) or not found[0].isupper()
        return found[0].strip().casefold() if has_mark else ""
    return ""


def _transfer_day(line: BankLine) -> date:
    """Return the day in BMO's code if there is one, otherwise the line's day.

    The code is `YYYY`, the day of the year, `HHMM`, and six characters.
    """
    found = _BMO_CODE.search(line.text)
    if not found:
        return line.day
    day = date(int(found[1]), 1, 1) + timedelta(days=int(found[2]) - 1)
    return day if abs((line.day - day).days) <= _MOST_DAYS_TO_POST else line.day
