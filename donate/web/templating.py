"""Renders pages in the reader's language, with Jinja templates and Babel catalogues.

Catalogues are compiled from the `.po` files on first use, so that they are never outdated.
"""

import gettext
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from types import CodeType
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_time
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from jinja2.bccache import Bucket, BytecodeCache
from starlette.responses import HTMLResponse

from donate.clock import local_date
from donate.errors import Msgid
from donate.money import Money, format_briefly, format_money
from donate.web.assets.looks import LinkedLook, standard_look
from donate.web.assets.static_files import StaticFiles

PACKAGE: Final = Path(__file__).parent.parent
LOCALES: Final = PACKAGE / "locale"
TEMPLATES: Final = PACKAGE / "templates"


@cache
def translations(language: str) -> gettext.NullTranslations:
    """Return the translations for a language, from `fr.po` for `fr-CA`. English needs no file."""
    catalogue = LOCALES / f"{language[:2]}.po"
    if not catalogue.exists():
        return gettext.NullTranslations()
    compiled = BytesIO()
    with catalogue.open("rb") as file:
        write_mo(compiled, read_po(file))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def translate(language: str, message: str, values: Mapping[str, str] | None = None) -> str:
    """Translate a message, and fill in its %(name)s placeholders."""
    return translations(language).gettext(message) % dict(values or {})


def translate_stored(language: str, text: str, messages: Sequence[str]) -> str:
    """Translate an English text that was stored with its placeholders already filled in.

    `messages` are the msgids from which the text may have been made. If none of them matches, the
    text is returned unchanged.
    """
    for message in messages:
        match = _filled_in(message).fullmatch(text)
        if match:
            return translate(language, message, match.groupdict())
    return text


@cache
def _filled_in(message: str) -> re.Pattern[str]:
    """Return a pattern that matches a message whose placeholders are filled in."""
    parts = re.split(r"%\((\w+)\)s", message)
    pattern = [
        f"(?P<{part}>.*)" if number % 2 else re.escape(part) for number, part in enumerate(parts)
    ]
    return re.compile("".join(pattern), re.DOTALL)


class HasMessage(Protocol):
    """Anything with a msgid and the values of its placeholders, such as the error BadInput.

    The values are texts, msgids (Msgid), Money or dates.
    """

    @property
    def message(self) -> str:
        """The msgid."""

    @property
    def values(self) -> Mapping[str, Any]:
        """The values of the %(name)s placeholders."""


@cache
def _locale_of(language: str) -> Locale:
    return Locale.parse(language, sep="-")


@dataclass(frozen=True, slots=True)
class Localizer:
    """Writes messages, amounts, dates and numbers in one language.

    Name a variable that holds a Localizer `_`, so that Babel extracts the messages from calls of
    `_`. Do not call `_` among the arguments of `ngettext`: Babel would not find the plural.
    """

    language: str

    @property
    def locale(self) -> Locale:
        """Babel's locale for the language."""
        return _locale_of(self.language)

    def __call__(self, message: str, **values: str) -> str:
        """Translate a message, and fill in its %(name)s placeholders."""
        return translate(self.language, message, values)

    def ngettext(self, one: str, many: str, count: int, /, **values: str) -> str:
        """Translate a message in its singular or plural form, depending on `count`.

        `%(count)s` in the message becomes the count.
        """
        message = translations(self.language).ngettext(one, many, count)
        return message % ({"count": self.number(count)} | values)

    def money(self, value: Money) -> str:
        """Return an amount with its currency: `$50.00`, `50,00 $`."""
        return format_money(value, self.language)

    def brief_money(self, value: Money) -> str:
        """Return an amount without decimals that are zero: `$50`, `50 $`."""
        return format_briefly(value, self.language)

    def number(self, value: int) -> str:
        """Return a number with thousands separators: `1,234`, `1 234`."""
        return str(format_decimal(value, locale=self.locale))

    def percent(self, value: int) -> str:
        """Return a percentage: `12%`, `12 %`."""
        return format_percent(value / 100, locale=self.locale)

    def day(self, value: date) -> str:
        """Return a date: `March 1, 2026`, `1er mars 2026`."""
        day = format_date(value, format="long", locale=self.locale)
        # Babel writes the first of a month as `1`, but French says `1er`.
        is_french_first = value.day == 1 and self.language.startswith("fr")
        return f"1er{day[1:]}" if is_french_first else day

    def local_day(self, value: datetime, time_zone: str) -> str:
        """Return the date of an instant in a time zone."""
        return self.day(local_date(value, time_zone))

    def month(self, value: date, pattern: str = "MMMM y") -> str:
        """Return the month of a date, with its year unless `pattern` leaves it out."""
        return format_date(value, pattern, locale=self.locale)

    def months(self, days: Iterable[date]) -> str:
        """Return a list of the months of these days: `December 2026 and January 2027`."""
        return format_list([self.month(day, "LLLL y") for day in days], locale=self.locale)

    def moment(self, value: datetime, time_zone: str) -> str:
        """Return a date and time to the second."""
        zone = ZoneInfo(time_zone)
        return format_datetime(value, format="medium", tzinfo=zone, locale=self.locale)

    def clock_time(self, value: datetime, time_zone: str) -> str:
        """Return a time of day: `3:04 p.m.`, `15 h 04`."""
        return format_time(value, "short", tzinfo=ZoneInfo(time_zone), locale=self.locale)

    def sentence(self, said: HasMessage) -> str:
        """Return an error or another sentence, translated and filled in."""
        values = {name: self._in_words(value) for name, value in said.values.items()}
        return translate(self.language, said.message, values)

    def _in_words(self, value: Any) -> str:
        match value:
            case Money():
                return self.money(value)
            case date():
                return self.day(value)
            case Msgid():  # it may be a fund's name, which may contain %
                return translations(self.language).gettext(value)
            case text:
                return str(text)

    def name_of_country(self, code: str) -> str:
        """Return the name of a country, or its code if Babel has no name for it."""
        return str(self.locale.territories.get(code, code))

    def name_of_language(self, language: str) -> str:
        """Return the name of a language, such as `French (Canada)`."""
        name = _locale_of(language).get_display_name(self.locale)
        return name or language


class _TemplateCache(BytecodeCache):
    """Caches compiled templates in memory. All languages share them."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code:
            self._code[bucket.key, bucket.checksum] = bucket.code


_TEMPLATE_CACHE: Final = _TemplateCache()
# Templates have these methods of the Localizer as filters.
_FILTERS: Final = (
    *("money", "number", "day", "local_day", "month", "months", "moment", "clock_time"),
    "sentence",
)


class Pages:
    """Renders templates. `site` contains variables for every page, such as the demo's banner.

    Templates call `static` with the name of a file to get its path, and `look_of` with a giving
    code to get the look of its region. An unknown code has the standard look.
    """

    def __init__(
        self,
        static: StaticFiles | None = None,
        looks: Mapping[str, LinkedLook] | None = None,
        **site: Any,
    ) -> None:
        static = static or StaticFiles()
        self.site = site
        standard, found = standard_look(static), looks or {}
        self._globals = {
            "site": site,
            "static": static.path,
            "look_of": lambda code: found.get(code, standard),
            "standard_look": standard,
        }
        self._loader = FileSystemLoader(TEMPLATES)
        self._environments: dict[str, Environment] = {}

    def render(
        self,
        template: str,
        language: str,
        *,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        **context: Any,
    ) -> HTMLResponse:
        """Return a response with the rendered template. An undefined variable raises an error."""
        return HTMLResponse(
            self.text(template, language, **context), status_code=status_code, headers=headers
        )

    def text(self, template: str, language: str, **context: Any) -> str:
        """Return the text of a template, rendered in `language`."""
        return self._environment_for(language).get_template(template).render(**context)

    def _environment_for(self, language: str) -> Environment:
        if language not in self._environments:
            self._environments[language] = self._environment(language)
        return self._environments[language]

    def _environment(self, language: str) -> Environment:
        environment = Environment(
            loader=self._loader,
            bytecode_cache=_TEMPLATE_CACHE,
            autoescape=select_autoescape(disabled_extensions=("txt",), default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        environment.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
        localizer = Localizer(language)
        for name in _FILTERS:
            environment.filters[name] = getattr(localizer, name)
        environment.globals.update(self._globals, language=language)
        return environment
