"""Reads the texts of a page as a person sees or hears them."""

from html.parser import HTMLParser

NOT_READ = {"script", "style", "pre"}
EMPTY = {"area", "base", "br", "hr", "img", "input", "link", "meta", "source", "wbr"}
SPOKEN = ("alt", "aria-label", "data-elsewhere", "data-not-monthly", "data-copied", "data-label")


class PageTexts(HTMLParser):
    """Collects a page's visible texts, and the labels that a screen reader speaks.

    Texts marked as not to be translated are left out, and so are codes in a fixed-width font.
    """

    def __init__(self) -> None:
        super().__init__()
        self.read: set[str] = set()
        self._inside: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        is_code = "mono" in (given.get("class") or "").split() or given.get("translate") == "no"
        if tag not in EMPTY:
            self._inside.append((tag, is_code or tag in NOT_READ))
        self.read |= {given[name] or "" for name in SPOKEN if given.get(name)}

    def handle_endtag(self, tag: str) -> None:
        if any(tag == name for name, _ in self._inside):
            while self._inside.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        if any(map(str.isalpha, text)) and not any(is_code for _, is_code in self._inside):
            self.read.add(text)


def texts(page: str) -> set[str]:
    """Return the texts of a page."""
    reader = PageTexts()
    reader.feed(page)
    return reader.read
