"""Says which forms come from our own pages."""

from fastapi import Request


def is_cross_site(request: Request) -> bool:
    """Return whether the browser's headers say that another site sent this request.

    If there are no such headers, the answer is False. Our pages send no referrer, so browsers send
    `Origin: null` with our forms. Then only Sec-Fetch-Site can show another site; browsers send it
    over https and on localhost.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin", "null")
    return origin != "null" and origin.partition("://")[2] != request.headers.get("host")
