"""Renders pages in the reader's language, with Jinja templates and Babel catalogues.

Catalogues are compiled from the `.po` files on first use, so that they are never outdated.
"""

import gettext
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from types import CodeType
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from jinja2.bccache import Bucket, BytecodeCache
from starlette.responses import HTMLResponse

from donate.errors import BadInput
from donate.money import Money, format_money

PACKAGE: Final = Path(__file__).parent.parent
LOCALES: Final = PACKAGE / "locale"
TEMPLATES: Final = PACKAGE / "templates"
STATIC: Final = PACKAGE / "static"

# All pages exist in these languages. A region may offer fewer.
LANGUAGES: Final = ("en-CA", "fr-CA")


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


class Pages:
    """Renders templates. `site` contains variables for every page, such as the demo's banner."""

    def __init__(self, **site: Any) -> None:
        self.site = site
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
        locale = language.replace("-", "_")

        def money(value: Money) -> str:
            return format_money(value, language)

        def day(value: date) -> str:
            return format_date(value, format="long", locale=locale)

        def moment(value: datetime, time_zone: str) -> str:
            return format_datetime(
                value, format="medium", tzinfo=ZoneInfo(time_zone), locale=locale
            )

        def clock_time(value: datetime, time_zone: str) -> str:
            return f"{value.astimezone(ZoneInfo(time_zone)):%H:%M}"

        def sentence(problem: BadInput) -> str:
            return translate(language, problem.message, problem.values)

        environment.filters.update(
            money=money, day=day, moment=moment, clock_time=clock_time, sentence=sentence
        )
        environment.globals.update(site=self.site, language=language)
        return environment


def language_for(requested: str | None, accepts: str | None, offered: Sequence[str]) -> str:
    """Return the offered language that was requested, otherwise one that the browser prefers."""
    preferred = [part.partition(";")[0] for part in (accepts or "")[:500].split(",")]
    for tag in [requested or "", *preferred]:
        short = tag.strip().lower().partition("-")[0]
        for language in offered:
            if short and language.lower().partition("-")[0] == short:
                return language
    return offered[0]
