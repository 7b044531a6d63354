"""The subjects, labels, amounts and dates in Interac's e-mails, in English and French.

Source: samples of e-mails in public importers. The labels have this order: Message (only if the
sender wrote one), Date, Reference Number, Sent From, Amount. Older e-mails have only Message and
Reference Number; a sentence before them states the amount.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from donate.errors import N_, BadInput
from donate.money import Money, read_amount


class MailKind(StrEnum):
    """What an e-mail of Interac says about a transfer."""

    CLAIM = "claim"  # The transfer waits until the recipient deposits it.
    REMINDER = "reminder"  # It still waits.
    DEPOSITED = "deposited"  # The recipient's bank has deposited it by itself.
    CANCELLED = "cancelled"  # The sender took it back.
    EXPIRED = "expired"  # Nobody deposited it in time.
    DECLINED = "declined"  # The recipient refused it.
    OTHER = "other"  # The e-mail is about something else.


@dataclass(frozen=True, slots=True)
class SubjectLine:
    """What an e-mail's subject says.

    `name` and `amount` are None if the subject does not state them.
    """

    kind: MailKind
    language: str
    name: str | None = None
    amount: Money | None = None


@dataclass(frozen=True, slots=True)
class BodyText:
    """What an e-mail's body says. Fields that the body does not state are None or empty.

    `amount` is the text that Interac wrote.
    """

    reference: str
    message: str
    day: date | None
    name: str | None
    amount: str | None


_EN_AMOUNT: Final = r"\$ ?[0-9][0-9,]*\.[0-9]{2}"
_FR_AMOUNT: Final = r"[0-9][0-9 ]*, ?[0-9]{2} ?\$"
_EN_DEPOSITED: Final = r"and it has been automatically deposited\.?"
_FR_DEPOSITED: Final = r"et ce montant a été déposé automatiquement\.?"
_LANGUAGES: Final = {"interac e-transfer": "en-CA", "virement interac": "fr-CA"}
_BRAND: Final = re.compile(r"(interac e-transfer|virement interac) ?: ?", re.IGNORECASE)
_AGAIN: Final = re.compile(r"(?:reminder|rappel) ?[:-] ?", re.IGNORECASE)
_SUBJECTS: Final = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        (MailKind.CLAIM, rf"(?P<name>.+) sent you (?P<amount>{_EN_AMOUNT})\. Claim your deposit!"),
        (
            MailKind.DEPOSITED,
            rf"You['’]ve received (?P<amount>{_EN_AMOUNT}) from (?P<name>.+) {_EN_DEPOSITED}",
        ),
        (
            MailKind.DEPOSITED,
            r"A money transfer from (?P<name>.+) has been automatically deposited\.?",
        ),
        (
            MailKind.DEPOSITED,
            rf"Vous avez reçu (?P<amount>{_FR_AMOUNT}) de (?P<name>.+) {_FR_DEPOSITED}",
        ),
        (
            MailKind.DEPOSITED,
            r"Un virement de fonds de (?P<name>.+) a été automatiquement déposé\.?",
        ),
        (
            MailKind.CLAIM,
            rf"(?P<name>.+) vous a envoyé (?P<amount>{_FR_AMOUNT})\. .*dépôt.*",
        ),
        # The exact wording of these subjects is not known, so only the kind of e-mail is read from
        # them.
        (MailKind.CANCELLED, r".*\b(?:cancell?ed|annulé)\b.*"),
        (MailKind.EXPIRED, r".*\b(?:expired|expiré)\b.*"),
        (MailKind.DECLINED, r".*\b(?:declined|refusé|décliné)\b.*"),
    )
)

_LABELS: Final[Mapping[str, Mapping[str, str]]] = {
    "en-CA": {
        "message": r"Message",
        "date": r"Date",
        "reference": r"Reference Number",
        "name": r"Sent From",
        "amount": r"Amount",
    },
    "fr-CA": {
        "message": r"Message",
        "date": r"Date",
        "reference": r"Numéro de référence",
        "name": r"Envoyé par",
        "amount": r"Montant",
    },
}
_IN_A_SENTENCE: Final = {
    "en-CA": re.compile(rf"amount of ({_EN_AMOUNT}(?: ?\([A-Z]{{3}}\))?)"),
    "fr-CA": re.compile(rf"montant de ({_FR_AMOUNT}(?: ?\([A-Z]{{3}}\))?)"),
}
_AMOUNT: Final = re.compile(
    rf"(?P<number>{_EN_AMOUNT}|{_FR_AMOUNT})(?: ?\((?P<currency>[A-Z]{{3}})\))?"
)
_REFERENCE: Final = re.compile(r"[A-Za-z0-9]{6,35}")
_MONTHS: Final = {
    name: number
    for names in (
        "january february march april may june july august september october november december",
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "jan feb mar apr - jun jul aug sep oct nov dec",
    )
    for number, name in enumerate(names.split(), 1)
}
_DATES: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?P<month>[a-zéû]+)\.? (?P<day>[0-9]{1,2}), ?(?P<year>[0-9]{4})",
        r"(?P<day>[0-9]{1,2})(?:er)? (?P<month>[a-zéû]+)\.? (?P<year>[0-9]{4})",
    )
)


def read_subject(subject: str) -> SubjectLine:
    """Return what a subject says. Raises BadInput if its amount cannot be read exactly."""
    text = on_one_line(subject)
    again = _AGAIN.match(text)
    text = text[again.end() :] if again else text
    brand = _BRAND.match(text)
    if brand is None:
        return SubjectLine(MailKind.OTHER, "")
    language = _LANGUAGES[brand[1].lower()]
    text = text[brand.end() :]
    again = again or _AGAIN.match(text)
    text = _AGAIN.sub("", text, count=1) if _AGAIN.match(text) else text
    for kind, pattern in _SUBJECTS:
        match = pattern.fullmatch(text)
        if match:
            named = match.groupdict()
            amount = named.get("amount")
            return SubjectLine(
                MailKind.REMINDER if again and kind is MailKind.CLAIM else kind,
                language,
                named.get("name"),
                read_interac_amount(amount) if amount else None,
            )
    return SubjectLine(MailKind.OTHER, language)


def read_body(text: str, language: str) -> BodyText:
    """Return what the lines of a body say. Raises BadInput if their order makes this unclear.

    The sender's message comes before Interac's own lines, and could imitate them. So the last line
    with a reference is Interac's, and the other labels are read only from the lines after it.
    """
    lines = [on_one_line(line) for line in text.split("\n")]
    labels = {
        name: re.compile(rf"{label} ?:(.*)", re.IGNORECASE)
        for name, label in _LABELS[language].items()
    }
    references = [i for i, line in enumerate(lines) if labels["reference"].fullmatch(line)]
    begins = next((i for i, line in enumerate(lines) if labels["message"].fullmatch(line)), None)
    if not references:
        if begins is not None:
            raise _odd_order()
        return BodyText("", "", None, None, _amount_in_a_sentence(lines, language))
    if begins is not None and begins > references[0]:
        raise _odd_order()
    if begins is None and len(references) > 1:
        raise _odd_order()
    last = references[-1]
    after = lines[last:]
    ends, day = _day_before(lines, last, labels["date"])
    message = ""
    if begins is not None:
        if begins >= ends:
            raise _odd_order()
        first = labels["message"].fullmatch(lines[begins])
        assert first
        kept = [first[1], *(line.rstrip() for line in text.split("\n")[begins + 1 : ends])]
        message = "\n".join(kept).strip()
    amount = _value(after, labels["amount"])
    if amount is None:
        amount = _amount_in_a_sentence(lines[: begins if begins is not None else last], language)
    return BodyText(
        _value(after, labels["reference"]) or "",
        message,
        day,
        _value(after, labels["name"]),
        amount,
    )


def _odd_order() -> BadInput:
    return BadInput(
        "mail",
        N_(
            "The lines of this e-mail stand in an order that we don’t know, so we can’t tell "
            "Interac’s words from the sender’s."
        ),
    )


def _day_before(lines: Sequence[str], last: int, label: re.Pattern[str]) -> tuple[int, date | None]:
    """Return the index of the line with the date, and the date.

    The date must come right before line `last`; otherwise return `last` and None.
    """
    filled = [i for i in range(last) if lines[i]]
    for at in filled[-2:][::-1]:
        match = label.fullmatch(lines[at])
        if match:
            value = match[1].strip() or " ".join(lines[at + 1 : last]).strip()
            day = read_interac_date(value)
            if day is not None and (match[1].strip() == "" or at == filled[-1]):
                return at, day
    return last, None


def _value(lines: Sequence[str], label: re.Pattern[str]) -> str | None:
    """Return the text after this label: on its line, or on the next line that is not empty."""
    for at, line in enumerate(lines):
        match = label.fullmatch(line)
        if match:
            rest = (later for later in lines[at + 1 :] if later)
            return match[1].strip() or next(rest, "")
    return None


def _amount_in_a_sentence(lines: Sequence[str], language: str) -> str | None:
    found = {match for line in lines for match in _IN_A_SENTENCE[language].findall(line)}
    return found.pop() if len(found) == 1 else None


def read_interac_amount(text: str) -> Money:
    """Return an amount in Canadian dollars that Interac wrote: `$1,234.56` or `98, 00 $ (CAD)`.

    Raises BadInput for another currency, and for a text that is not an exact amount.
    """
    match = _AMOUNT.fullmatch(on_one_line(text))
    if match is None:
        raise BadInput("mail", N_("The amount in this e-mail can’t be read exactly."))
    if match["currency"] not in (None, "CAD"):
        raise BadInput("mail", N_("The amount in this e-mail is not in Canadian dollars."))
    number = match["number"]
    language = "en-CA" if number.startswith("$") else "fr-CA"
    try:
        return read_amount(re.sub(r"(?<=,) (?=[0-9]{2} ?\$)", "", number), "CAD", language)
    except BadInput:
        raise BadInput("mail", N_("The amount in this e-mail can’t be read exactly.")) from None


def read_interac_date(text: str) -> date | None:
    """Return a date that Interac wrote: `August 31, 2026`, `31 août 2026`; None for other text."""
    for pattern in _DATES:
        match = pattern.fullmatch(text)
        month = _MONTHS.get(match["month"].lower()) if match else None
        if match and month:
            try:
                return date(int(match["year"]), month, int(match["day"]))
            except ValueError:
                return None
    return None


def is_interac_reference(text: str) -> bool:
    """Whether this may be the reference of a transfer, such as `C1AVzjTtqRCM`."""
    return _REFERENCE.fullmatch(text) is not None


def on_one_line(text: str) -> str:
    """Return a text on one line, with single spaces, and without spaces at its ends."""
    return re.sub(r"\s+", " ", text).strip()
