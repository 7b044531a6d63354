"""Makes the database rows of example gifts, and inserts them in bulk."""

import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from hashlib import blake2b
from random import Random
from typing import Any, Final, NamedTuple

from stdnum.iso7064 import mod_37_2

from donate.demo.bulk_loader import bulk_loader
from donate.demo.names import example_donor, example_email
from donate.demo.plots import Plot, ids_of
from donate.gifts.donor_profiles.rules import email_key, name_words
from donate.gifts.facts import Fact
from donate.gifts.ledger import pledge_columns
from donate.gifts.monthly.pledge_copy import copy_of_pledge
from donate.gifts.movements.recorder import GiftTerms, TotalKey, pledge_total_key, total_rows
from donate.gifts.search_index.contents import donor_words, note_words, reference_words
from donate.money import Money
from donate.references import ALPHABET, LENGTH
from donate.regions.regions import Region
from donate.regions.terms import Frequency

STAFF: Final = "staff:1"
"""The actor of all facts that staff record."""
_BODY: Final = LENGTH - 1
_COLUMNS: Final = {
    "donor_profile": (
        *("id", "email", "email_key", "name", "kind", "first_name", "initial", "language"),
        *("street", "city", "province", "postal_code", "country", "version", "created_at"),
    ),
    "donor_name_word": ("word", "profile_id"),
    "donor": ("id", "name", "email", "country", "language"),
    "gift": (
        *("id", "reference", "link_name", "form_key", "code", "mode", "frequency", "fund"),
        *("amount_minor", "currency", "language", "time_zone", "donor_id", "profile_id"),
        *("pledge_id", "opened_at", "opened_on", "status", "received_minor", "returned_minor"),
        *("net_minor", "received_on", "flags", "transfer_announced"),
    ),
    "gift_wish": (
        *("gift_id", "is_anonymous", "note", "tribute_kind", "tribute_name"),
        "fee_cover_minor",
    ),
    "gift_fact": (
        *("gift_id", "kind", "source_id", "amount_minor", "currency", "happened_at"),
        *("recorded_at", "actor", "evidence"),
    ),
    "gift_movement": (
        *("gift_id", "kind", "cause", "source_id", "amount_minor", "currency", "day"),
        *("happened_at", "recorded_at", "profile_id", "fund"),
    ),
    "search_document": ("gift_id", "words"),
    "search_key": ("kind", "key", "gift_id"),
}


class ExampleTerms(NamedTuple):
    """The terms of an example gift: `donor` is a row's id, `person` an example person's number."""

    amount_minor: int
    donor: int
    person: int
    fund: str


class ExampleGift(NamedTuple):
    """A gift that was added. `pledge` is the id of the gift that began its pledge, if any."""

    id: uuid.UUID
    pledge: uuid.UUID | None
    day: date
    terms: ExampleTerms
    plot: Plot


class GiftRows:
    """Collects database rows, until `insert` inserts them in bulk."""

    def __init__(self, url: str, region: Region, random: Random) -> None:
        self._loader = bulk_loader(url)
        self._indexes = self._loader.drop_indexes()
        self._zone = "" if url.startswith("sqlite") else "+00"
        self._region = region
        self._random = random
        self._rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in _COLUMNS}
        self._pledges: list[dict[str, Any]] = []
        self._counts: Counter[TotalKey] = Counter()
        self._amounts: Counter[TotalKey] = Counter()
        self._donors = self._people = self._gifts = 0

    @property
    def waiting(self) -> int:
        """How many gifts wait to be inserted."""
        return len(self._rows["gift"])

    @property
    def gifts(self) -> int:
        """How many gifts were added."""
        return self._gifts

    def add_donor(self, person: int, day: date) -> int:
        """Add a person's details as typed with a gift, and a profile if the person is new."""
        name, language = example_donor(person)
        email, country = example_email(person), self._region.country
        if person > self._people:
            self._people = person
            moment = f"{day} 12:00:00.000000{self._zone}"
            self._rows["donor_profile"].append(
                (
                    *(person, email, email_key(email), name, "unknown", "", "", language),
                    *("", "", "", "", country, 1, moment),
                )
            )
            self._rows["donor_name_word"] += [(word, person) for word in _words_of(name)]
        self._donors += 1
        self._rows["donor"].append((self._donors, name, email, country, language))
        return self._donors

    def add_gift(
        self,
        plot: Plot,
        day: date,
        terms: ExampleTerms,
        *,
        note: str = "",
        pledge: uuid.UUID | None = None,
    ) -> ExampleGift:
        """Add the rows of a gift. For a later monthly payment, `pledge` is the first gift's id."""
        self._gifts += 1
        gift_id = _gift_id(day, self._gifts, self._random)
        key, stored = _key_of(gift_id), self._loader.as_stored(gift_id)
        ids = ids_of(gift_id, key, STAFF)
        received_on = None
        if plot.received_after is not None:
            received_on = str(day + timedelta(days=plot.received_after))
        begun = gift_id if plot.story.frequency == Frequency.MONTHLY else None
        gift = ExampleGift(gift_id, pledge or begun, day, terms, plot)
        pledge_id = self._loader.as_stored(gift.pledge) if gift.pledge else None
        region, cached = self._region, plot.cache
        reference = _reference(region.code, self._gifts)
        self._rows["gift"].append(
            (
                *(stored, reference, key[:22]),
                *(f"month:{ids['invoice']}" if pledge else f"example:{key}", region.code),
                *(plot.story.mode, plot.story.frequency, terms.fund, terms.amount_minor),
                *(region.currency, region.languages[0], region.time_zone, terms.donor),
                *(terms.person, pledge_id, f"{day} {plot.time}{self._zone}", str(day)),
                *(cached["status"], cached["received_minor"], cached["returned_minor"]),
                *(cached["net_minor"], received_on, cached["flags"]),
                cached["transfer_announced"],
            )
        )
        if note:
            self._rows["gift_wish"].append((stored, False, note, "", "", 0))
        words = _words_of_donor(terms.person) | reference_words(reference) | note_words(note)
        self._rows["search_document"].append((stored, " ".join(sorted(words))))
        self._add_facts(gift, stored, ids)
        self._count(gift)
        return gift

    def add_facts(self, gift: ExampleGift, later: Plot, day: date) -> None:
        """Add the facts of another plot, which begins on `day`, except its `gift_opened`."""
        ids = ids_of(gift.id, _key_of(gift.id), STAFF)
        stored = self._loader.as_stored(gift.id)
        self._rows["gift_fact"] += [
            self._fact_row(fact, stored, ids, day) for fact in later.facts[1:]
        ]
        known = set(gift.plot.keys)
        self._rows["search_key"] += [
            (kind, text.format_map(ids), stored)
            for kind, text in later.keys
            if (kind, text) not in known
        ]

    def add_pledge(self, gift: ExampleGift, later: Sequence[Fact]) -> None:
        """Add the pledge that a gift began. `later` are the facts after its first payment."""
        region, plot = self._region, gift.plot
        chosen = Money(gift.terms.amount_minor, region.currency)
        facts = [*plot.facts_on(gift.day), *later]
        copy = copy_of_pledge(facts, chosen, region.time_zone, plot.cache["status"])
        terms = self._terms_of(gift)
        opened_at = facts[0].happened_at
        row = pledge_columns(terms, opened_at, copy)
        row["id"] = self._loader.as_stored(gift.id)
        row["started_at"] = f"{opened_at:%Y-%m-%d %H:%M:%S}.000000{self._zone}"
        self._pledges.append({k: str(v) if isinstance(v, date) else v for k, v in row.items()})
        key = pledge_total_key(terms, copy)
        self._counts[key] += 1
        self._amounts[key] += copy.amount_minor

    def insert(self) -> None:
        """Insert the rows that wait, and commit."""
        for table, rows in self._rows.items():
            self._loader.insert(table, _COLUMNS[table], rows)
            rows.clear()
        self._loader.commit()

    def finish(self) -> None:
        """Insert the remaining rows and the totals, and close the connection."""
        self.insert()
        totals = list(total_rows(self._counts, self._amounts, is_merged=True))
        for table, rows in (("day_total", totals), ("pledge", self._pledges)):
            if rows:
                self._loader.insert(table, list(rows[0]), [tuple(row.values()) for row in rows])
        for table in ("donor", "donor_profile"):
            self._loader.count_on(table)
        for index in self._indexes:
            self._loader.execute(index)
        self._loader.commit()
        self._loader.maintain()
        self._loader.close()

    def _add_facts(self, gift: ExampleGift, stored: str, ids: dict[str, str]) -> None:
        """Add the facts of a gift, its movements and its search keys."""
        plot, day = gift.plot, gift.day
        facts = [self._fact_row(fact, stored, ids, day) for fact in plot.facts]
        self._rows["gift_fact"] += facts
        for movement, number, after, clock_time in plot.movements:
            moment = f"{day + timedelta(days=plot.facts[number][3])} {clock_time}{self._zone}"
            self._rows["gift_movement"].append(
                (
                    *(stored, movement.kind, movement.cause, facts[number][2]),
                    *(movement.amount_minor, movement.currency),
                    *(str(day + timedelta(days=after)), moment, moment),
                    *(gift.terms.person, gift.terms.fund),
                )
            )
        self._rows["search_key"] += [
            (kind, text.format_map(ids), stored) for kind, text in plot.keys
        ]

    def _fact_row(
        self, fact: tuple[Any, ...], gift_id: str, ids: dict[str, str], day: date
    ) -> tuple[Any, ...]:
        kind, source, amount, after, clock_time, actor, evidence = fact
        moment = f"{day + timedelta(days=after)} {clock_time}{self._zone}"
        currency = None if amount is None else self._region.currency
        return (
            *(gift_id, kind, source.format_map(ids), amount, currency, moment, moment),
            *(actor.format_map(ids), evidence.format_map(ids)),
        )

    def _count(self, gift: ExampleGift) -> None:
        """Count a gift in the totals by day."""
        for key, amount in gift.plot.shares(self._terms_of(gift)):
            self._counts[key] += 1
            self._amounts[key] += amount

    def _terms_of(self, gift: ExampleGift) -> GiftTerms:
        return GiftTerms(
            id=gift.id,
            code=self._region.code,
            mode=gift.plot.story.mode,
            fund=gift.terms.fund,
            amount_minor=gift.terms.amount_minor,
            currency=self._region.currency,
            time_zone=self._region.time_zone,
            opened_on=gift.day,
            profile_id=gift.terms.person,
            pledge_id=gift.pledge,
        )


@cache
def _words_of(name: str) -> tuple[str, ...]:
    return tuple(name_words(name))


@lru_cache(100_000)
def _words_of_donor(person: int) -> set[str]:
    name, _ = example_donor(person)
    return donor_words(name=name, email=example_email(person))


def _gift_id(day: date, number: int, random: Random) -> uuid.UUID:
    """Return an id that begins with the time, as the ids of real gifts do."""
    noon = datetime.combine(day, time(12), UTC)
    millis = int(noon.timestamp() * 1000) + number % 10_000
    return uuid.UUID(int=millis << 80 | 0x7 << 76 | 0x2 << 62 | random.getrandbits(60))


def _key_of(gift_id: uuid.UUID) -> str:
    """Return a random-looking text, from which the link name and the ids at Stripe are derived."""
    return blake2b(gift_id.bytes, digest_size=16).hexdigest()


def _reference(code: str, number: int) -> str:
    """Return the reference of the gift with this number. Each number gives another reference."""
    # The factor shares no divisor with the number of references, so no reference comes twice.
    scattered = number * 98_765_431 % len(ALPHABET) ** _BODY
    body = ""
    for _ in range(_BODY):
        scattered, digit = divmod(scattered, len(ALPHABET))
        body += ALPHABET[digit]
    return f"{code}-{body}{mod_37_2.calc_check_digit(body, alphabet=ALPHABET)}"
