"""Searches gifts by everything that staff may type: names, references, amounts, ids, notes."""

import re
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from sqlmodel import Session

from donate.bank.received_transfers import bank_reference_key
from donate.errors import BadInput
from donate.finance.search.queries import (
    gifts_with_donors,
    gifts_with_references,
    notes_in_gifts,
    page_of_event,
    tributes_of,
)
from donate.finance.search.words import Matched
from donate.gifts.models import Donor, Gift
from donate.gifts.search_index.contents import (
    SHORTEST_PART,
    amount_key,
    is_stripe_id,
    reference_word,
)
from donate.gifts.search_index.folding import Piece, mark_words, split_at, typed_words
from donate.gifts.search_index.models import KeyKind, WordKind
from donate.gifts.search_index.queries import (
    gifts_with_email,
    gifts_with_key,
    gifts_with_key_beginning,
    gifts_with_words,
)
from donate.money import Money, format_money, read_amount
from donate.references import find_references, is_reference, tidy_reference
from donate.regions.modes import Mode
from donate.regions.regions import Regions
from donate.web.languages import LANGUAGES

# Long enough for a whole line from a bank statement.
MAX_SEARCHED: Final = 300
HITS_OF_A_KIND: Final = 50
# Fetch one more gift than the page shows, to find out whether there are more.
_LIMIT: Final = HITS_OF_A_KIND + 1
MATCHES_READ: Final = 1_000
# A card or account as pages show it, such as "Visa ending in 4242" or "•••• 4242".
_ENDS_IN_FOUR_DIGITS: Final = re.compile(r"[^0-9]{0,40}([0-9]{4})")
# If there is a single hit and it is of one of these kinds, it is certainly the gift that was meant.
_NAMES_ONE_GIFT: Final = (Matched.REFERENCE, Matched.STRIPE, Matched.BANK)


@dataclass(frozen=True, slots=True)
class Hit:
    """A gift that was found.

    `text` is the text that matches, split into pieces. The pieces that were typed are marked.
    """

    gift: Gift
    donor: Donor
    text: list[Piece]


@dataclass(frozen=True, slots=True)
class HitGroup:
    """The newest gifts that match in one way, such as by a name, and whether there are more."""

    matched: Matched
    hits: list[Hit]
    has_more: bool


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The result of a search.

    If only one page can have been meant, `path` is the path of that page.
    """

    groups: list[HitGroup] = field(default_factory=list)
    path: str | None = None
    unknown_reference: str | None = None


def tidy_search(typed: str) -> str:
    """Return the typed text without spaces around it and without unprintable characters."""
    text = typed[: 2 * MAX_SEARCHED].encode("utf-8", "replace").decode()
    printable = "".join(c if c.isprintable() else " " for c in text)
    return printable.strip()[:MAX_SEARCHED]


def search_everything(
    session: Session, typed: str, regions: Regions, language: str
) -> SearchResult:
    """Search for the typed text.

    `typed` must be a result of `tidy_search` and must not be empty.
    """
    references = references_in(typed, list(regions))
    if references:
        gift_ids = gifts_with_references(session, references)
        if len(gift_ids) == 1:
            return SearchResult(path=_path_of(gift_ids[0]))
        if gift_ids:
            found = {Matched.REFERENCE: dict.fromkeys(gift_ids, "")}
            return SearchResult(_groups(session, found, typed))
    if is_stripe_id(typed):
        path = page_of_event(session, typed)
        gift_ids = gifts_with_key(session, KeyKind.STRIPE, typed, limit=_LIMIT)
        if path or len(gift_ids) == 1:
            return SearchResult(path=path or _path_of(gift_ids[0]))
    groups = _groups(session, _matches(session, typed, regions, language), typed)
    all_hits = {hit.gift.id for group in groups for hit in group.hits}
    if len(all_hits) == 1 and groups[0].matched in _NAMES_ONE_GIFT:
        return SearchResult(groups, path=_path_of(all_hits.pop()))
    return SearchResult(groups, unknown_reference=next(iter(references), None))


def search_gifts(
    session: Session, typed: str, regions: Regions, language: str, modes: Collection[Mode]
) -> list[tuple[Gift, Donor]]:
    """Return gifts of these modes that match in any way, newest first, each with its donor.

    Of each way to match, the newest MATCHES_READ gifts of any mode are read.
    """
    gift_ids = gifts_with_references(session, references_in(typed, list(regions)))
    if not gift_ids:
        found = _matches(session, typed, regions, language, limit=MATCHES_READ)
        gift_ids = [gift_id for ids in found.values() for gift_id in ids]
    rows = gifts_with_donors(session, set(gift_ids), modes).values()
    return sorted(rows, key=lambda row: row[0].opened_at, reverse=True)


def _path_of(gift_id: uuid.UUID) -> str:
    return f"/finance/gifts/{gift_id}"


def references_in(typed: str, codes: Sequence[str]) -> list[str]:
    """Return the gift references in a text, such as a line from a bank statement."""
    reference = tidy_reference(typed)
    whole = is_reference(reference) and reference.replace("-", "").isalnum()
    # If several words were typed, look for references between the words. If the spaces were
    # removed, the words before a reference would look like part of its giving code.
    is_line = len(typed.split()) > 1
    references = find_references(typed, codes) if is_line or not whole else []
    return [reference] if whole and not references else references


Found = dict[uuid.UUID, str]
"""The ids of the gifts found, each with the key that matches, or with ""."""


def _matches(
    session: Session, typed: str, regions: Regions, language: str, *, limit: int = _LIMIT
) -> Mapping[Matched, Found]:
    """Return the gifts found, grouped by the part that matches."""
    words = typed_words(typed)
    part = part_of_reference(typed, regions)

    def with_words(kind: WordKind, searched: Sequence[str]) -> Found:
        return dict.fromkeys(gifts_with_words(session, kind, searched, limit=limit), "")

    def with_key(kind: KeyKind, beginning: str) -> Found:
        return dict(gifts_with_key_beginning(session, kind, beginning, limit=limit))

    bank = bank_reference_key(typed)
    return {
        Matched.REFERENCE: with_words(
            WordKind.REFERENCE, [part] if len(part) >= SHORTEST_PART else []
        ),
        Matched.STRIPE: with_key(KeyKind.STRIPE, typed) if is_stripe_id(typed) else {},
        Matched.BANK: with_key(KeyKind.BANK, bank) if len(bank) >= SHORTEST_PART else {},
        Matched.CARD: dict.fromkeys(
            gifts_with_key(session, KeyKind.CARD, last_four(typed), limit=limit), ""
        ),
        Matched.AMOUNT: {
            gift_id: format_money(amount, language)
            for amount in read_amounts(typed, regions)
            for gift_id in gifts_with_key(session, *amount_key(amount), limit=limit)
        },
        Matched.NAME: with_words(WordKind.NAME, words),
        Matched.EMAIL: dict.fromkeys(gifts_with_email(session, typed, limit=limit), ""),
        Matched.TRIBUTE: with_words(WordKind.TRIBUTE, words),
        Matched.NOTE: with_words(WordKind.NOTE, words),
    }


def last_four(typed: str) -> str:
    """Return the last four digits of a card or bank account, if the text can mean them, or ""."""
    match = _ENDS_IN_FOUR_DIGITS.fullmatch(typed)
    return match[1] if match else ""


def part_of_reference(typed: str, codes: Iterable[str]) -> str:
    """Return a typed part of a reference as the index stores it, without the giving code."""
    part = reference_word(typed)
    code = next((word for word in map(reference_word, codes) if part.startswith(word)), "")
    return part.removeprefix(code)


def read_amounts(typed: str, regions: Regions) -> list[Money]:
    """Return every amount that the text can mean, read in each region's currency and language."""
    amounts: dict[Money, None] = {}
    for currency in sorted({region.currency for region in regions.values()}):
        for language in LANGUAGES:
            with suppress(BadInput):
                amounts[read_amount(typed, currency, language)] = None
    return list(amounts)


def _groups(session: Session, matches: Mapping[Matched, Found], typed: str) -> list[HitGroup]:
    """Return the gifts found as groups for the page, each gift with the text that matches."""
    gifts = gifts_with_donors(session, {gift_id for found in matches.values() for gift_id in found})
    groups = []
    for matched, found in matches.items():
        rows = sorted(
            (gifts[gift_id] for gift_id in found if gift_id in gifts),
            key=lambda row: row[0].opened_at,
            reverse=True,
        )
        shown = rows[:HITS_OF_A_KIND]
        text_of = _texts(session, matched, shown, found, typed)
        hits = [Hit(gift, donor, text_of(gift, donor)) for gift, donor in shown]
        if hits:
            groups.append(HitGroup(matched, hits, len(found) > HITS_OF_A_KIND))
    return groups


def _texts(
    session: Session,
    matched: Matched,
    rows: Iterable[tuple[Gift, Donor]],
    found: Found,
    typed: str,
) -> Callable[[Gift, Donor], list[Piece]]:
    """Return a function that returns a gift's matching text, with the matching pieces marked."""
    ids, words = [gift.id for gift, _ in rows], typed_words(typed)
    match matched:
        case Matched.REFERENCE:
            return lambda gift, _: mark_reference(gift.reference, typed)
        case Matched.STRIPE:
            return lambda gift, _: mark_part(found[gift.id], typed)
        case Matched.BANK:
            return lambda gift, _: mark_part(found[gift.id], bank_reference_key(typed))
        case Matched.CARD:
            return lambda *_: [("•••• ", False), (last_four(typed), True)]
        case Matched.AMOUNT:
            return lambda gift, _: [(found[gift.id], True)]
        case Matched.NAME:
            return lambda _, donor: mark_words(donor.name, words)
        case Matched.EMAIL:
            return lambda _, donor: mark_part(donor.email, typed.casefold())
        case Matched.TRIBUTE | Matched.NOTE:
            texts = (tributes_of if matched is Matched.TRIBUTE else notes_in_gifts)(session, ids)
            # A gift that was pruned in between has no texts any more.
            return lambda gift, _: _best_of(
                [mark_words(each, words) for each in texts.get(gift.id, ())]
            )


def mark_part(text: str, part: str) -> list[Piece]:
    """Mark the typed part of an id or e-mail address, ignoring upper and lower case."""
    start = text.casefold().find(part.casefold())
    return split_at(text, set(range(start, start + len(part))) if start >= 0 else set())


def mark_reference(reference: str, typed: str) -> list[Piece]:
    """Mark the typed part of a reference, ignoring dashes.

    If the reference does not contain the typed text, mark all of it.
    """
    places = [place for place, c in enumerate(reference) if c != "-"]
    part = reference_word(typed)
    start = reference_word(reference).find(part)
    if start < 0:
        return [(reference, True)]
    return split_at(reference, set(range(places[start], places[start + len(part) - 1] + 1)))


def _best_of(texts: Sequence[list[Piece]]) -> list[Piece]:
    """Return the text with the most marked pieces. The unmarked text around them is shortened."""
    best = max(texts, key=lambda pieces: sum(is_marked for _, is_marked in pieces), default=[])
    return [
        (_shortened(text, is_first=not place), is_marked) if not is_marked else (text, True)
        for place, (text, is_marked) in enumerate(best)
    ]


# A note may have 500 characters. Of unmarked text, show only this many characters next to a mark.
_AROUND: Final = 60


def _shortened(text: str, *, is_first: bool) -> str:
    if len(text) <= 2 * _AROUND:
        return text
    return f"…{text[-_AROUND:]}" if is_first else f"{text[:_AROUND]}…"
