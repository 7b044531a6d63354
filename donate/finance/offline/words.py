"""The texts on the pages for offline gifts, as msgids."""

from collections.abc import Mapping
from typing import Final

from donate.errors import N_
from donate.gifts.offline.models import EntryState


class TypedForm(dict[str, str]):
    """The fields of a form for a template. A field that was not sent counts as empty."""

    def __missing__(self, name: str) -> str:
        """Return "" for a field that was not sent."""
        return ""


STATE_NAMES: Final[Mapping[EntryState, str]] = {
    EntryState.DRAFT: N_("Draft"),
    EntryState.RECORDED: N_("Received"),
    EntryState.UNDONE: N_("Undone"),
    EntryState.REMOVED: N_("Removed"),
}
SAME_CHEQUE: Final = N_(
    "A cheque with this number, bank, amount and donor was entered on %(day)s (%(where)s)."
)
STALE_CHEQUE: Final = N_(
    "This cheque was more than six months old when you received it. Banks may refuse it."
)
