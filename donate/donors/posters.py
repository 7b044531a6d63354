"""Short addresses and QR codes that lead to the Give form, for posters and newsletters."""

import io
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

import segno
from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from donate.donors.first_step import redirect_to
from donate.donors.languages import language_of
from donate.regions.regions import Region, Regions, UnknownCode
from donate.web.languages import languages_beside
from donate.web.security_headers import ANY_SITE
from donate.web.templating import Pages

_PREFILLED: Final = ("amount", "frequency", "mode", "fund", "lang")
"""The fields of the Give form that an address can fill in."""
_MAX_LENGTH: Final = 32
# A poster may be creased or printed badly: with level Q, a quarter of the code can be unreadable.
_ERROR_LEVEL: Final = "q"


class PosterPages:
    """The routes of short addresses and posters. `public_url` is the address of the service."""

    def __init__(self, regions: Regions, pages: Pages, public_url: str) -> None:
        self._regions = regions
        self._pages = pages
        self._public_url = public_url
        self.router = APIRouter(include_in_schema=False)
        for path, answer in (
            ("/give/{code}/poster", self.poster),
            ("/give/{code}/qr.svg", self.qr_code),
            ("/{code}", self.short_address),
        ):
            self.router.add_api_route(path, answer, methods=["GET"], response_model=None)

    def short_address(self, request: Request, code: str) -> Response:
        """Redirect from `/LWCAN` to the Give form. A misspelled code leads to its suggestion."""
        try:
            region = self._regions.find(code)
        except UnknownCode as unknown:
            if unknown.suggestion:
                return redirect_to(_with_fields(f"/give/{code}", request.query_params))
            raise HTTPException(404) from unknown
        return redirect_to(_with_fields(f"/give/{region.code}", request.query_params))

    def poster(self, request: Request, code: str) -> Response:
        """Show a page to print: a QR code and the short address."""
        region = self._region(code)
        language = language_of(request, region.languages)
        address = self._address(region, request.query_params)
        return self._pages.render(
            "donors/poster.html",
            language,
            region=region,
            address=self._address(region, {}).partition("://")[2],
            qr_code=_qr_code(address).svg_inline(
                border=1, omitsize=True, svgclass=None, lineclass=None
            ),
            languages=languages_beside(language, region.languages),
        )

    def qr_code(self, request: Request, code: str) -> Response:
        """Answer with the QR code alone, as an SVG image."""
        address = self._address(self._region(code), request.query_params)
        image = io.BytesIO()
        _qr_code(address).save(image, kind="svg", scale=8)
        return Response(
            image.getvalue(),
            media_type="image/svg+xml; charset=utf-8",
            headers={"Cache-Control": "public, max-age=86400", **ANY_SITE},
        )

    def _region(self, code: str) -> Region:
        try:
            return self._regions.find(code)
        except UnknownCode as unknown:
            raise HTTPException(404) from unknown

    def _address(self, region: Region, fields: Mapping[str, str]) -> str:
        return _with_fields(f"{self._public_url}/{region.code}", fields)


def _qr_code(address: str) -> segno.QRCode:
    return segno.make_qr(address, error=_ERROR_LEVEL)


def _with_fields(address: str, fields: Mapping[str, str]) -> str:
    """Return an address with the fields of the Give form that are among `fields`."""
    filled = {name: fields[name][:_MAX_LENGTH] for name in _PREFILLED if fields.get(name)}
    return f"{address}?{urlencode(filled)}" if filled else address
