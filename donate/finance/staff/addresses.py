"""URLs of staff pages: the page that sent a request, and the page to show after a form."""

from typing import Final

from starlette.requests import Request

HOME: Final = "/finance"
SIGN_IN: Final = "/finance/sign-in"
_LONGEST: Final = 500


def page_behind(request: Request) -> str:
    """Return the URL of the page in the browser: the requested page, or the page of the sent form.

    A form posts to a URL one level below the URL of its page.
    """
    path = request.url.path
    if request.method != "GET":
        return safe_next(path.rpartition("/")[0])
    return safe_next(f"{path}?{request.url.query}" if request.url.query else path)


def safe_next(target: str) -> str:
    """Return `target` if it is the URL of one of our staff pages, otherwise HOME."""
    path, _, query = target.partition("?")
    parts = path.split("/")
    ours = parts[:2] == ["", "finance"] and not {".", ".."} & set(parts) and "//" not in path
    plain = all(c.isascii() and c.isprintable() and c not in "\\#" for c in path + query)
    short = len(target) <= _LONGEST
    if ours and plain and short and not path.startswith((SIGN_IN, "/finance/sign-out")):
        return target
    return HOME
