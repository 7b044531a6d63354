"""Plots: the status, movements and facts of a story, computed once for each amount.

All gifts with the same story and amount differ only in day, ids and donor. Computing the rest once
makes a million gifts take minutes instead of hours. All times of a story are minutes or whole days
after noon in Toronto. So if a gift begins some days later, each of its movements is that many days
later too, even across a change of daylight saving time.
"""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, cast

from donate.demo.stories import Story, StoryStep
from donate.gifts.evidence import Evidence
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import cached_copy
from donate.gifts.movements.recorder import GiftTerms, TotalKey, shares_in_totals, shares_of_months
from donate.gifts.movements.rules import Movement, in_order, movements_of
from donate.gifts.search_index.contents import Key, fact_keys
from donate.regions.regions import Region

_NOON: Final = datetime(2024, 1, 10, 17, tzinfo=UTC)


def ids_of(gift: uuid.UUID, key: str, staff: str) -> dict[str, str]:
    """Map the placeholders of stories, such as `payment`, to the ids of one example gift.

    `gift` is the gift's own id. `key` is a random text, from which the ids at Stripe and at the
    bank are made. `staff` is the actor of what staff do.
    """
    return {
        "gift": str(gift),
        "session": f"cs_test_{key}",
        "payment": f"pi_{key[:24]}",
        "refund": f"re_{key[:24]}",
        "dispute": f"du_{key[:24]}",
        "invoice": f"in_{key[:24]}",
        "subscription": f"sub_{key[:24]}",
        "event": f"evt_{key[:24]}",
        "bank": f"C1A{key[:16].upper()}",
        "staff": staff,
    }


_SAMPLES: Final = ids_of(uuid.UUID(int=7), "sample", "staff:7")


@dataclass(frozen=True, slots=True, eq=False)
class Plot:
    """A story for one amount. Everything that does not depend on the day is already computed."""

    story: Story
    amount_minor: int
    time: str
    """The time of day at which the gift begins."""
    cache: Mapping[str, Any]
    received_after: int | None
    """The number of days from the gift's day to the day when its first money came."""
    facts: tuple[tuple[FactKind, str, int | None, int, str, str, str], ...]
    """For each fact: kind, source, amount, days after the gift's day, time, actor and evidence."""
    movements: tuple[tuple[Movement, int, int, str], ...]
    """For each: the movement, its fact's index in `facts`, days after the gift's day, and time."""
    keys: tuple[Key, ...]
    """The search keys of the facts, with placeholders such as `{payment}` for the gift's ids."""
    told: tuple[Fact, ...]
    """The facts of a gift that begins on the day of _NOON, with placeholders in their sources."""

    def facts_on(self, day: date) -> list[Fact]:
        """Return the facts of a gift that begins on this day. Their sources have placeholders."""
        moved = day - _NOON.date()
        return [replace(fact, happened_at=fact.happened_at + moved) for fact in self.told]

    def shares(self, gift: GiftTerms) -> Iterator[tuple[TotalKey, int]]:
        """Yield each total in which a gift with this plot is counted, and its amount there."""
        moved = [
            Movement(*movement[:-1], day=gift.opened_on + timedelta(days=after))
            for movement, _, after, _ in self.movements
        ]
        yield from shares_in_totals(gift, self.cache["status"], moved)
        yield from shares_of_months(gift, moved)


def shortened(story: Story, days: int) -> Story:
    """Return a story without the steps that happen later than `days` after its first day."""
    if all(step.after <= timedelta(days=days) for step in story.steps):
        return story
    return replace(story, steps=tuple(s for s in story.steps if s.after < timedelta(days=days)))


def plot(story: Story, amount_minor: int, region: Region, minutes: int = 0) -> Plot:
    """Compute a story for an amount in minor units. The gift begins `minutes` after noon."""
    currency, time_zone = region.currency, region.time_zone
    noon = _NOON + timedelta(minutes=minutes)
    evidence: Evidence = {"code": region.code, "mode": story.mode, "country": region.country}
    gift_opened = StoryStep(
        FactKind.GIFT_OPENED, "{gift}", share=1.0, actor="donor", evidence=evidence
    )
    facts = []
    steps: Sequence[StoryStep] = (gift_opened, *story.steps)
    for step in steps:
        amount = None if step.share is None else int(amount_minor * step.share)
        facts.append(
            Fact(
                kind=step.kind,
                source_id=step.source,
                happened_at=noon + step.after,
                actor=step.actor,
                amount_minor=amount,
                currency=None if amount is None else currency,
                evidence=step.evidence or cast(Evidence, {}),
            )
        )
    cache = cached_copy(facts, time_zone)
    search_keys = {key for fact in facts for key in fact_keys(_with_sample_ids(fact))}
    received_on = cache.pop("received_on")
    by_key = {(fact.kind, fact.source_id): number for number, fact in enumerate(facts)}
    day = noon.date()
    return Plot(
        story=story,
        amount_minor=amount_minor,
        time=_time(noon),
        cache=cache,
        received_after=(received_on - day).days if received_on else None,
        facts=tuple(
            (
                fact.kind,
                fact.source_id,
                fact.amount_minor,
                (fact.happened_at.date() - day).days,
                _time(fact.happened_at),
                fact.actor,
                _evidence(fact.evidence),
            )
            for fact in facts
        ),
        movements=tuple(
            (
                movement,
                by_key[movement.cause, movement.source_id],
                (movement.day - day).days,
                _time(movement.happened_at),
            )
            for movement in in_order(movements_of(facts, time_zone))
        ),
        keys=tuple((kind, _unformatted(text)) for kind, text in sorted(search_keys)),
        told=tuple(facts),
    )


def _with_sample_ids(fact: Fact) -> Fact:
    """Return the fact with sample ids instead of placeholders such as `{payment}`."""
    evidence = json.loads(_evidence(fact.evidence).format_map(_SAMPLES))
    return replace(fact, source_id=fact.source_id.format_map(_SAMPLES), evidence=evidence)


def _unformatted(text: str) -> str:
    """Return a text with placeholders instead of the sample ids."""
    for name, sample in _SAMPLES.items():
        text = text.replace(sample, f"{{{name}}}")
    return text


def _evidence(evidence: Evidence) -> str:
    """Return evidence as JSON, with the outer braces doubled for `str.format`."""
    return "{" + json.dumps(evidence) + "}"


def _time(moment: datetime) -> str:
    return f"{moment:%H:%M:%S}.000000"
