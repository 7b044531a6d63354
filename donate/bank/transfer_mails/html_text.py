"""Turns the HTML of an e-mail into lines of text, as a person would read them."""

import re
from typing import Final

from lxml import etree, html

from donate.errors import N_, BadInput

_INVISIBLE: Final = frozenset({"head", "script", "style", "title", "template", "noscript"})
_INLINE: Final = frozenset(
    "a abbr b big cite code em font i img mark s small span strong sub sup u wbr".split()
)
_HIDDEN: Final = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_MAX_STEPS: Final = 100_000


def text_of_html(source: str) -> str:
    """Return the visible text of a page. Each block and each table cell begins a new line.

    Raises BadInput if the page has too many elements, or cannot be read.
    """
    # `huge_tree` stays off, so that the parser itself limits depth and sizes.
    parser = html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True)
    try:
        root = html.document_fromstring(source.encode("utf-8"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        raise BadInput("mail", N_("The page in this e-mail can’t be read.")) from None
    pieces: list[str] = []
    hidden = None
    steps = etree.iterwalk(root, events=("start", "end"))
    for number, (event, element) in enumerate(steps):
        if number > _MAX_STEPS:
            raise BadInput("mail", N_("The page in this e-mail can’t be read."))
        is_block = element.tag not in _INLINE
        if event == "start":
            if hidden is None and _is_hidden(element):
                hidden = element
            if is_block and hidden is None:
                pieces.append("\n")
            if hidden is None:
                pieces.append(_spaced(element.text))
        else:
            if hidden is element:
                hidden = None
            if hidden is None:
                pieces.append("\n" * is_block + _spaced(element.tail))
    return re.sub(r"(?: ?\n ?)+", "\n", "".join(pieces))


def _is_hidden(element: etree._Element) -> bool:
    style = element.get("style") or ""
    is_hidden = element.tag in _INVISIBLE or _HIDDEN.search(style)
    return bool(is_hidden) or not isinstance(element.tag, str)


def _spaced(text: str | None) -> str:
    return re.sub(r"[ \t\r\n\f]+", " ", text or "")
