"""The evidence of a fact as rows for staff pages, each with a name and a text."""

import json
from collections.abc import Mapping
from typing import Any

from donate.finance.words import EVIDENCE, actor_name
from donate.gifts.models import GiftFact


def evidence_rows(fact: GiftFact, names: Mapping[str, str], language: str) -> list[tuple[str, str]]:
    """Return the name (a msgid) and the text of each part of a fact's evidence."""
    return [
        (
            EVIDENCE.get(name, name.replace("_", " ")),
            readable(actor_name(value, names, language) if name == "tied_by" else value),
        )
        for name, value in fact.evidence.items()
        if value not in (None, "", [], {})
    ]


def readable(value: Any) -> str:
    """Return a JSON value as text for a page.

    Lone surrogates are replaced, because UTF-8 cannot encode them.
    """
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    return text.encode("utf-8", "replace").decode()
