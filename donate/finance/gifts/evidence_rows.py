"""The evidence of a fact as pages show it to staff: names and texts."""

import json
from collections.abc import Mapping
from typing import Any

from donate.finance.words import EVIDENCE, actor_name
from donate.gifts.models import GiftFact


def evidence_rows(fact: GiftFact, names: Mapping[str, str], language: str) -> list[tuple[str, str]]:
    """Return the name and the text of each part of a fact's evidence. Names are msgids."""
    return [
        (
            EVIDENCE.get(name, name.replace("_", " ")),
            readable(actor_name(value, names, language) if name == "tied_by" else value),
        )
        for name, value in fact.evidence.items()
        if value not in (None, "", [], {})
    ]


def readable(value: Any) -> str:
    """Return a JSON value as text for a page. UTF-8 has no lone surrogates, so replace them."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    return text.encode("utf-8", "replace").decode()
