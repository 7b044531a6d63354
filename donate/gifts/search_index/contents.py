"""The words and keys under which a gift is stored in the search index. Pure functions."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from donate.gifts.facts import Fact, FactKind
from donate.gifts.search_index.folding import stored_words
from donate.gifts.search_index.models import KeyKind, WordKind
from donate.money import Money
from donate.references import LENGTH

Key = tuple[KeyKind, str]
"""The kind of a search key, and the key itself."""

# The shortest part of a reference that is searched for.
SHORTEST_PART: Final = 3
_STRIPE_ID: Final = re.compile(r"[a-z]{2,16}_[A-Za-z0-9_]{1,238}")
# The keys of a fact's evidence that hold ids of Stripe objects. Texts under other keys may look
# like such ids too, so they are not read.
_ID_FIELDS: Final = frozenset(
    {
        *("session", "agreement", "invoice", "payment", "payment_intent", "subscription"),
        "request_id",
    }
)
_LAST_FOUR: Final = re.compile(r"[0-9]{4}")
_NOT_IN_REFERENCES: Final = re.compile("[^0-9A-Z]")
# Both databases would split words at these characters, so store a similar character for each.
_INSIDE_A_WORD: Final = {
    code: code + 0xFEE0 for code in range(0x21, 0x7F) if not chr(code).isalnum()
}


def gift_words(
    *, name: str, email: str, reference: str, tribute: str = "", note: str = ""
) -> set[str]:
    """Return the words under which a gift is stored, each with the letter of its kind in front."""
    tribute_words = {WordKind.TRIBUTE + word for word in stored_words(tribute)}
    return (
        donor_words(name=name, email=email)
        | reference_words(reference)
        | tribute_words
        | note_words(note)
    )


def donor_words(*, name: str, email: str) -> set[str]:
    """Return the words under which the gifts of a donor are stored."""
    domain = email.rpartition("@")[2]
    return {
        *(WordKind.NAME + word for word in stored_words(name)),
        WordKind.EMAIL + email_word(email),
        WordKind.EMAIL + email_word(f"@{domain}"),
    }


def reference_words(reference: str) -> set[str]:
    """Return the endings of a reference, but not its giving code, which many gifts share."""
    bare = reference_word(reference)
    return {WordKind.REFERENCE + bare[-length:] for length in range(SHORTEST_PART, LENGTH + 1)}


def note_words(note: str) -> set[str]:
    """Return the words under which a note is stored."""
    return {WordKind.NOTE + word for word in stored_words(note)}


def email_word(text: str) -> str:
    """Return a whole address, the beginning of one, or an @ and a domain, as one stored word."""
    return text.casefold().translate(_INSIDE_A_WORD)


def reference_word(text: str) -> str:
    """Return a reference, or a part of one, in its stored form: only letters and digits."""
    return _NOT_IN_REFERENCES.sub("", text.upper()).lower()


def new_keys(before: Iterable[Fact], new: Iterable[Fact]) -> set[Key]:
    """Return the search keys that new facts add to a gift, except those that it already has."""
    keys = {key for fact in new for key in fact_keys(fact)}
    return keys - {key for fact in before for key in fact_keys(fact)}


def fact_keys(fact: Fact) -> Iterator[Key]:
    """Yield the search keys that a fact adds to its gift."""
    if fact.amount_minor is not None and fact.currency:
        yield amount_key(Money(fact.amount_minor, fact.currency))
    if fact.kind == FactKind.TRANSFER_RECEIVED:
        # The source is the bank's reference; a # and the number of times that the transfer was
        # undone may follow.
        yield KeyKind.BANK, fact.source_id.partition("#")[0]
    digits = fact.evidence.get("last4", "")
    if _LAST_FOUR.fullmatch(digits):  # not of an erased donor
        yield KeyKind.CARD, digits
    ids = (fact.evidence.get(name) for name in _ID_FIELDS & fact.evidence.keys())
    for text in (fact.source_id, *ids):
        # After a Stripe id, a colon may follow, with the round of a dispute or the number of an
        # attempt.
        name = str(text or "").partition(":")[0]
        if is_stripe_id(name):
            yield KeyKind.STRIPE, name


def is_stripe_id(text: str) -> bool:
    """Whether a text looks like an id of an object at Stripe, or like the beginning of one."""
    return bool(_STRIPE_ID.fullmatch(text))


def amount_key(amount: Money) -> Key:
    """Return the key of an amount, such as `5000 CAD`."""
    return KeyKind.AMOUNT, f"{amount.amount_minor} {amount.currency}"
