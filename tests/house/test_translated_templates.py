"""Every text of a template is translated, by `_()` or `{% trans %}`."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import pytest
from jinja2 import Environment, nodes

TEMPLATES: Final = Path(__file__).parent.parent.parent / "donate/templates"
# The demo's list of e-mails is a tool for developers, and exists in English only.
CHECKED: Final = sorted(path for path in TEMPLATES.rglob("*.html") if path.parent.name != "demo")
# Attributes whose values people read or hear.
READ: Final = {"alt", "aria-label", "title", "placeholder", "data-label"}
# Texts that are the same in all languages: names, an example of a reference, and `yes`, which a
# macro returns to other templates.
NAMES: Final = {"Interac", "UTC", "Demo", "LWCAN-7KQ4M2X", "yes"}
# Template blocks whose content is part of an attribute that nobody reads.
UNREAD_BLOCKS: Final = {"body_class"}
GETTEXT: Final = {"_", "gettext", "ngettext"}
EXPRESSION: Final = "\N{OBJECT REPLACEMENT CHARACTER}"
# A string in an expression counts as a text if it has a capitalized word or several words.
LOOKS_LIKE_TEXT: Final = re.compile(r"[A-Z][a-z]|[A-Za-z,.]+ [A-Za-z]")


class BareText(HTMLParser):
    """Collects a page's texts, and the values of the attributes in READ."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._untranslated = 0
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("input", "img", "link", "meta", "br", "hr"):
            # An element with its own `lang` or `translate` attribute needs no translation.
            own = tag != "html" and any(name in ("lang", "translate") for name, _ in attrs)
            self._inside.append("own" if own else tag)
        self.texts += [value or "" for name, value in attrs if name in READ]

    def handle_endtag(self, tag: str) -> None:
        if self._inside:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not {"own", "script", "style"} & set(self._inside):
            self.texts.append(data)


def texts_without_translation(source: str) -> list[str]:
    """Return the texts of a template that are not translated."""
    environment = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    tree = environment.parse(source)
    markup, constants = "", []
    for block in tree.find_all(nodes.Block):
        if block.name in UNREAD_BLOCKS:
            block.body = []
    for output in tree.find_all(nodes.Output):
        for node in output.nodes:
            markup += node.data if isinstance(node, nodes.TemplateData) else EXPRESSION
    for child in tree.iter_child_nodes():
        constants += untranslated_constants(child)
    reader = BareText()
    reader.feed(markup)
    # Attributes that a macro writes are outside of a tag here, so the parser takes them for text.
    texts = [re.sub(r'[\w-]+="[^"]*"', "", text.replace(EXPRESSION, " ")) for text in reader.texts]
    read = [" ".join(text.split()) for text in texts]
    bare = [text for text in read if re.search(r"[^\W\d_]{2}", text) and text not in NAMES]
    return bare + [text for text in constants if LOOKS_LIKE_TEXT.search(text)]


def untranslated_constants(node: nodes.Node) -> list[str]:
    """Return the strings in a template's expressions that no translation function translates."""
    function = node.node if isinstance(node, nodes.Call) else None
    if isinstance(function, nodes.Name) and function.name in GETTEXT:
        assert isinstance(node, nodes.Call)
        values = [pair.value for pair in node.kwargs]
        return [text for value in values for text in untranslated_constants(value)]
    if isinstance(node, nodes.Const):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, nodes.Compare | nodes.FromImport | nodes.Import | nodes.Extends):
        return []
    return [text for child in node.iter_child_nodes() for text in untranslated_constants(child)]


@pytest.mark.parametrize("path", CHECKED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_template_has_no_text_of_one_language(path: Path) -> None:
    """All texts of a template are translated, in the markup, in attributes and in expressions."""
    assert texts_without_translation(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "<p>Gifts</p>",
        "<p>{{ _('Gifts') }} are here</p>",
        '<nav aria-label="Staff"></nav>',
        '<td data-label="Kind"></td>',
        "<p>{{ 'Open' if x else y }}</p>",
        "{{ choice('kind', 'Any kind', options) }}",
        "{% set title = 'Not sent' %}",
        "{{ _('By %(name)s', name='This service') }}",
    ],
)
def test_a_text_of_one_language_is_found(source: str) -> None:
    """The check finds texts in markup, attributes, expressions and arguments."""
    assert texts_without_translation(source) != []


def test_translated_texts_and_names_are_accepted() -> None:
    """The check accepts translated texts, values, and elements in a language of their own."""
    source = """
    {% extends "finance/frame.html" %}{% set here = "set-aside" %}
    <p>{{ _("Gifts") }} {% trans %}For staff only.{% endtrans %} {{ gift.reference }}</p>
    <a lang="fr" href="/">Bonjour</a><input placeholder="LWCAN-7KQ4M2X" name="reference">
    {{ ngettext("Send it again", "Send them again", rows|length) }}
    """
    assert texts_without_translation(source) == []
