"""The links to the exports, which stand on the pages that list the same gifts or movements."""

from collections.abc import Mapping
from urllib.parse import urlencode

from donate.finance.models import Role
from donate.finance.sessions import SignedIn

_FILES = (("CSV", "csv"), ("Excel", "xlsx"), ("Control totals", "control.json"))


def export_links(name: str, typed: Mapping[str, str], staff: SignedIn) -> list[tuple[str, str]]:
    """Return a label and a link for each file with these filters; none if staff may not export."""
    if not staff.may(Role.FINANCE):
        return []
    query = urlencode({key: value for key, value in typed.items() if value})
    return [
        (label, f"/finance/{name}.{ending}" + (f"?{query}" if query else ""))
        for label, ending in _FILES
    ]
