"""The regions endpoint: what a region offers. It is public, cacheable, and open to all origins."""

from dataclasses import asdict
from hashlib import sha256
from typing import Annotated, Final

from fastapi import APIRouter, Header, Path, Request
from starlette.responses import Response

from donate.api.description import refusals
from donate.api.schemas import OfferedAccent, OfferedFee, OfferedMode, OfferedRegion
from donate.errors import N_
from donate.money import minor_digits, minor_step
from donate.regions.modes import Mode
from donate.regions.regions import Frequency, ModeTerms, Region, Regions, UnknownCode, offers
from donate.web.languages import LANGUAGES, language_for
from donate.web.problem_documents import problem
from donate.web.templating import translate

# Any web page may read the answer, because the data is public.
_OPEN: Final = {"Access-Control-Allow-Origin": "*"}
# Clients see changed limits within five minutes. The server always checks gifts against its current
# limits.
_CACHED: Final = "public, max-age=300"

_NOTHING_HERE: Final = N_("We couldn’t find what you’re looking for.")
_UNKNOWN_CODE: Final = N_("We couldn’t find that giving code.")


class RegionRoutes:
    """The route `GET /regions/{code}`. The answer for each region is built once, at startup."""

    def __init__(self, regions: Regions, public_url: str) -> None:
        self._regions = regions
        self._offers: dict[str, tuple[bytes, str]] = {}
        for region in regions.values():
            body = _offered(region, public_url).model_dump_json().encode()
            self._offers[region.code] = body, f'"{sha256(body).hexdigest()[:32]}"'
        self.router = APIRouter()
        self.router.add_api_route(
            "/regions/{code}",
            self.show_region,
            methods=["GET"],
            response_model=OfferedRegion,
            response_description="What the region offers.",
            responses={
                200: {"headers": _HEADERS},
                304: {
                    "description": "Not modified.",
                    "headers": _HEADERS,
                },
                **refusals(404),
            },
        )

    def show_region(
        self,
        request: Request,
        code: Annotated[
            str, Path(description="The giving code; case, spaces and dashes do not matter.")
        ],
        if_none_match: Annotated[str | None, Header()] = None,
    ) -> Response:
        """Return what a giving code stands for: currency, modes with limits, and languages."""
        try:
            region = self._regions.find(code)
        except UnknownCode as unknown:
            language = language_for(None, request.headers.get("accept-language"), LANGUAGES)
            more = {"suggestion": unknown.suggestion} if unknown.suggestion else {}
            title, detail = translate(language, _NOTHING_HERE), translate(language, _UNKNOWN_CODE)
            return problem(404, title, detail, _OPEN, **more)
        body, etag = self._offers[region.code]
        headers = {"ETag": etag, "Cache-Control": _CACHED, **_OPEN}
        if _matches(if_none_match, etag):
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type="application/json")


def _matches(if_none_match: str | None, etag: str) -> bool:
    tags = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
    return bool(tags & {etag, "*"})


def _offered(region: Region, public_url: str) -> OfferedRegion:
    return OfferedRegion(
        code=region.code,
        name={"en": region.name.en, "fr": region.name.fr},
        organisation={tag[:2]: region.organisation.name_in(tag) for tag in LANGUAGES},
        purpose=region.organisation.purpose.model_dump() if region.organisation.purpose else {},
        accents={
            "light": OfferedAccent(**asdict(region.look.light)),
            "dark": OfferedAccent(**asdict(region.look.dark)),
        },
        country=region.country,
        currency=region.currency,
        minor_digits=minor_digits(region.currency),
        minor_step=minor_step(region.currency),
        languages=region.languages,
        frequencies=region.frequencies,
        presets_minor=region.presets_minor,
        presets_monthly_minor=region.presets_for(Frequency.MONTHLY),
        modes=[_offered_mode(region, mode, terms) for mode, terms in region.modes.items()],
        options=[name for name, offered in region.options if offered],
        funds={key: name.model_dump() for key, name in region.funds.items()},
        give_url=f"{public_url}/give/{region.code}",
    )


def _offered_mode(region: Region, mode: Mode, terms: ModeTerms) -> OfferedMode:
    has_monthly = Frequency.MONTHLY in region.frequencies

    def why_not(country: str, frequency: Frequency) -> dict[str, str] | None:
        offered = offers(region, country=country, currency=region.currency, frequency=frequency)
        reason = offered[mode].why_not
        return _in_each_language(reason) if reason else None

    return OfferedMode(
        mode=mode,
        name=_in_each_language(mode.facts.name),
        help=_in_each_language(terms.help_for(mode)),
        min_minor=terms.min_minor,
        max_minor=terms.max_minor,
        countries=sorted(terms.countries),
        monthly=mode.facts.monthly and has_monthly,
        not_monthly=why_not(region.country, Frequency.MONTHLY) if has_monthly else None,
        elsewhere=why_not("", region.frequencies[0]),
        fee=OfferedFee(**terms.fee.model_dump()) if terms.fee else None,
    )


def _in_each_language(message: str) -> dict[str, str]:
    return {tag[:2]: translate(tag, message) for tag in LANGUAGES}


_HEADERS: Final = {
    "ETag": {"required": True, "schema": {"type": "string"}},
    "Cache-Control": {"required": True, "schema": {"type": "string"}},
    "Access-Control-Allow-Origin": {
        "description": "Any page may read this.",
        "required": True,
        "schema": {"type": "string", "enum": ["*"]},
    },
}
