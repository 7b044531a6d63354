"""Detects forms that another site has sent."""

from fastapi import Request


def is_cross_site(request: Request) -> bool:
    """Return whether the browser's headers say that another site sent this request.

    If the headers are missing, return False. Our pages send no referrer, so browsers send `Origin:
    null` with our own forms too. In that case only Sec-Fetch-Site can show that another site sent
    the form. Browsers send this header over https and on localhost.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin", "null")
    return origin != "null" and origin.partition("://")[2] != request.headers.get("host")
