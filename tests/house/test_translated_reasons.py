"""Reasons that are stored in English have a French translation for the staff pages."""

import ast
from pathlib import Path
from typing import Final

from donate.finance.set_aside.reasons import EVENT_REASONS
from donate.finance.words import LETTER_REASONS
from donate.web.templating import translate_stored

DONATE: Final = Path(__file__).parent.parent.parent / "donate"
GATEWAY: Final = DONATE / "stripe_gateway"
# The functions and exceptions that get a reason as an argument.
REASONS_OF: Final = {"UnusableEvent", "IrrelevantEvent", "_set_aside", "try_again_later", "_end"}


def text_of(node: ast.expr) -> str | None:
    """Return a string or f-string, with `x` for each expression; None for any other code."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=values):
            return "".join(text_of(value) or "x" for value in values)
        case _:
            return None


def name_of(call: ast.Call) -> str:
    return getattr(call.func, "id", "") or getattr(call.func, "attr", "")


def texts_in(tree: ast.AST) -> list[str]:
    """Return the reasons in calls of REASONS_OF, and in variables called `reason` or `mismatch`."""
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Call() if name_of(node) in REASONS_OF:
                found += node.args
            case ast.Assign(targets=[ast.Name(id="reason" | "mismatch")]):
                found.append(node.value)
    return [text for node in found if (text := text_of(node)) and " " in text]


def reasons_of_events() -> list[str]:
    found = [text for file in GATEWAY.rglob("*.py") for text in texts_in(parsed(file))]
    for node in ast.walk(parsed(GATEWAY / "webhooks/checks.py")):
        if isinstance(node, ast.Return) and node.value:
            branches = (
                [node.value.body, node.value.orelse]
                if isinstance(node.value, ast.IfExp)
                else [node.value]
            )
            found += [text for branch in branches if (text := text_of(branch))]
    return found


def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def test_every_reason_of_an_event_has_its_french() -> None:
    """Each reason for which the gateway sets an event aside has a French translation."""
    reasons = reasons_of_events()
    assert len(reasons) >= 40
    left = [text for text in reasons if translate_stored("fr-CA", text, EVENT_REASONS) == text]
    assert left == []


def test_every_reason_of_an_email_has_its_french() -> None:
    """Each reason for which an e-mail was not sent has a French translation."""
    reasons = texts_in(parsed(DONATE / "letters/sending/outbox.py"))
    assert len(reasons) >= 4
    left = [text for text in reasons if translate_stored("fr-CA", text, LETTER_REASONS) == text]
    assert left == []


def test_a_stored_text_keeps_its_values() -> None:
    """A translated reason keeps its values; a text that is no known reason is not translated."""
    stored = "its reference is LWCAN-AAAAAAA, the gift's is LWCAN-7KQ4M2X"
    french = translate_stored("fr-CA", stored, EVENT_REASONS)
    assert french == "sa référence est LWCAN-AAAAAAA, et celle du don, LWCAN-7KQ4M2X"
    assert translate_stored("en-CA", stored, EVENT_REASONS) == stored
    assert translate_stored("fr-CA", "100% odd", EVENT_REASONS) == "100% odd"
