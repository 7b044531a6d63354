"""Finds a donor's names and e-mail addresses in other texts, and takes them out."""

import json
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final
from urllib.parse import quote, quote_plus

from sqlalchemy import ColumnElement, String, and_, cast, false, func, or_

from donate.personal_data.erasing.rules import ERASED
from donate.personal_data.stripe_fields import PERSONAL_KEYS

# A shorter name, or one of a single word, also stands in texts about other people.
_SHORTEST_NAME: Final = 6
_RUN: Final = re.compile(r"[a-z0-9]+")
# A text may follow the escape of a space, quote or bracket in a URL, or of a line's end in JSON.
_AFTER_ESCAPE: Final = r"(?<=%2[0-9acf])|(?<=%3[a-f])|(?<=\\[nrt])"
_END: Final = r"(?![\w-]|\.\w)"


class Traces:
    """The e-mail addresses and whole names of a donor, in each form in which they are stored.

    They count only as whole words: lee@x.example.com does not stand in ashlee@x.example.com.
    """

    def __init__(self, addresses: Iterable[str], names: Iterable[str]) -> None:
        whole = {name for name in names if len(name) >= _SHORTEST_NAME and " " in name.strip()}
        self._addresses = {address.strip() for address in addresses} - {""}
        self._plain = self._addresses | {name.strip() for name in whole}
        self.texts: Sequence[str] = _forms_of(self._plain)
        self._address_forms = _forms_of(self._addresses)
        self._pattern = _pattern(self.texts)
        self._address_pattern = _pattern(self._address_forms)

    def are_in(self, text: str) -> bool:
        """Whether a text has one of the donor's texts."""
        return bool(self._pattern.search(text))

    def has_address(self, text: str) -> bool:
        """Whether a text has one of the donor's addresses."""
        return bool(self._address_pattern.search(text))

    def taken_out(self, value: Any) -> Any:
        """Return a text, or a value of JSON, without the donor's texts."""
        return _replaced(value, self._pattern)

    def found_in(self, *columns: ColumnElement[Any]) -> ColumnElement[bool]:
        """Return a condition: one of these columns may contain a name or address of the donor."""
        return _condition(columns, self._plain)

    def address_found_in(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        """Return a condition: a column may contain one of the donor's addresses."""
        return _condition([column], self._addresses)

    def address_found_in_bytes(
        self, column: ColumnElement[Any], dialect: str
    ) -> ColumnElement[bool]:
        """Return a condition: bytes may contain one of the donor's addresses.

        It looks for an address as typed, in lower case and in capitals.
        """
        typed = [form for text in self._addresses for form in (text, text.lower(), text.upper())]
        forms = {form.encode() for text in typed for form in _escaped(text)}
        if dialect == "sqlite":
            return or_(false(), *(func.instr(column, form) > 0 for form in sorted(forms)))
        escaped = (re.sub(rb"([\\%_])", rb"\\\1", form) for form in sorted(forms))
        return or_(
            false(),
            *(column.op("LIKE", is_comparison=True)(b"%" + form + b"%") for form in escaped),
        )

    def without_addresses(self, text: str) -> str:
        """Return a text without the donor's addresses; names stay."""
        return self._address_pattern.sub(ERASED, text)

    def out_of_payload(self, payload: bytes) -> bytes:
        """Return the body of an event of the donor's gift without what it says about the person."""
        try:
            content = json.loads(payload)
        except ValueError:
            return b"" if self.are_in(payload.decode(errors="replace")) else payload
        cleaned = self.taken_out(_without_personal_keys(content))
        return payload if cleaned == content else json.dumps(cleaned).encode()

    def out_of_other_payload(self, payload: bytes) -> bytes:
        """Return the body of any other event without the donor, if it has one of the addresses.

        The event may be about somebody else. So only an object with the donor's own address loses
        its personal fields.
        """
        try:
            content = json.loads(payload)
        except ValueError:
            return b"" if self.has_address(payload.decode(errors="replace")) else payload
        if _replaced(content, self._address_pattern) == content:
            return payload
        return json.dumps(self.taken_out(self._without_own_objects(content))).encode()

    def _without_own_objects(self, content: Any) -> Any:
        if isinstance(content, dict):
            own: Collection[str] = ()
            if self._is_address(content.get("email")):
                own = PERSONAL_KEYS
            elif self._is_address(content.get("customer_email")):
                own = {key for key in PERSONAL_KEYS if key.startswith("customer_")}
            return {
                key: None if key in own else self._without_own_objects(each)
                for key, each in content.items()
            }
        if isinstance(content, list):
            return [self._without_own_objects(each) for each in content]
        return content

    def _is_address(self, value: object) -> bool:
        return isinstance(value, str) and bool(self._address_pattern.fullmatch(value.strip()))


def _pattern(forms: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(_bounded, forms)) or "(?!)", re.IGNORECASE)


def _bounded(form: str) -> str:
    # A plus stands for a space, except within an address that is not written for a URL.
    before = r"[\w.+-]" if "@" in form else r"[\w.-]" if "%40" in form else r"[\w-]"
    return f"(?:(?<!{before})|{_AFTER_ESCAPE}){re.escape(form)}{_END}"


def _replaced(value: Any, pattern: re.Pattern[str]) -> Any:
    match value:
        case str():
            return pattern.sub(ERASED, value)
        case dict():
            return {
                _replaced(key, pattern): _replaced(each, pattern) for key, each in value.items()
            }
        case list():
            return [_replaced(each, pattern) for each in value]
    return value


def _condition(columns: Iterable[ColumnElement[Any]], texts: Iterable[str]) -> ColumnElement[bool]:
    folded = [func.lower(cast(column, String)) for column in columns]
    return or_(false(), *(_may_have(each, text) for each in folded for text in texts))


def _may_have(folded: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Return a condition: a column in lower case has each run of plain letters of a text.

    These are the same in URLs and JSON, and SQLite can't write other letters in lower case.
    """
    runs = [run for run in _RUN.findall(text.lower()) if len(run) > 1]
    if runs:
        return and_(*(folded.contains(run) for run in runs))
    forms = sorted({each for form in _forms(text) for each in (form, form.lower())})
    return or_(*(folded.contains(form, autoescape=True) for form in forms))


def _forms_of(texts: Iterable[str]) -> Sequence[str]:
    """Return the forms of texts, the longest first, and only one if they differ only in case."""
    forms = {form.lower(): form for text in sorted(texts) for form in _forms(text)}
    return sorted(forms.values(), key=len, reverse=True)


def _forms(text: str) -> Iterable[str]:
    """Yield the forms of a text. Escapes of É and é differ, so each case has its own."""
    for each in (text, text.lower(), text.upper(), text.title()):
        yield from _escaped(each)


def _escaped(text: str) -> Iterable[str]:
    """Yield a text as it is, as it stands in JSON, and as it stands in a URL."""
    yield text
    yield json.dumps(text)[1:-1]
    yield quote(text, safe="")
    yield quote_plus(text)


def _without_personal_keys(content: Any) -> Any:
    if isinstance(content, dict):
        return {
            key: None if key in PERSONAL_KEYS else _without_personal_keys(value)
            for key, value in content.items()
        }
    if isinstance(content, list):
        return [_without_personal_keys(each) for each in content]
    return content
