"""The links to the exports. They appear on the pages that list the same gifts or movements."""

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

from donate.errors import N_
from donate.finance.roles import Role
from donate.finance.sessions import SignedIn

_FILES = (("CSV", "csv"), ("Excel", "xlsx"), (N_("Control totals"), "control.json"))


def export_links(
    name: str, typed: Mapping[str, str] | Iterable[tuple[str, str]], staff: SignedIn
) -> list[tuple[str, str]]:
    """Return a label and link for each export with these filters; none if staff may not export."""
    if not staff.may(Role.FINANCE):
        return []
    pairs = typed.items() if isinstance(typed, Mapping) else typed
    query = urlencode([(key, value) for key, value in pairs if value])
    return [
        (label, f"/finance/{name}.{ending}" + (f"?{query}" if query else ""))
        for label, ending in _FILES
    ]
