"""Mischief from one seed: what goes wrong with the next event, and with the next request.

Dice are thrown for each event by its number, and for each request by its number among those of its
address, never by the clock: the same seed and the same requests bring the same mischief. What was
done is kept and told, so that anyone can watch.
"""

import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from donate.sandbox.api_versions import BASIL, BEFORE_BASIL, Version, is_known_in
from donate.sandbox.mischief.forgery import Forgery, forge, what_can_be_forged
from donate.sandbox.requests.trouble import Kind, Trouble
from donate.sandbox.shelf import StripeObject

WithEvents = Literal["duplicate", "at_once", "reorder", "delay", "drop", "old_version", "forge"]
# Of the troubles an answer can meet, those that pass: a key that is revoked for good, or a request
# that is refused as wrong, is no mischief but the end.
WithAnswers = Literal[
    "500",
    "502_before",
    "409",
    "429",
    "hang",
    "drip",
    "reset_before",
    "reset_after",
    "cut_body",
    "html_200",
    "empty_200",
    "list_200",
    "null_200",
    "no_url",
    "other_host",
]
MischiefKind = WithEvents | WithAnswers
EVENT_KINDS: tuple[MischiefKind, ...] = get_args(WithEvents)
ANSWER_KINDS: tuple[MischiefKind, ...] = get_args(WithAnswers)
ALL_KINDS = EVENT_KINDS + ANSWER_KINDS

USUAL_RATE = 0.3
LONGEST_DELAY_S = 60.0
LONGEST_HANG_S = 20.0
MOST_COPIES = 5
MOST_OVERTAKING = 5
# An event that waits for later ones goes out after this long, though none may have come.
LONGEST_WAIT_S = 30.0
REMEMBERED_DEEDS = 10_000

_OPENS_A_SESSION = ("POST", "/v1/checkout/sessions")


@dataclass(frozen=True)
class Plan:
    """How one event goes out: one delivery for each offset, in seconds; none when it is dropped.

    `overtaken_by` later events go first, if they come within `longest_wait_s`. `version` is None
    for the endpoint's own.
    """

    offsets_s: tuple[float, ...] = (0.0,)
    overtaken_by: int = 0
    longest_wait_s: float = 0.0
    version: Version | None = None
    forgery: Forgery | None = None


PLAIN = Plan()


@dataclass(frozen=True)
class MischiefRecord:
    """One mischief that was done, to the event or the request in `to`."""

    kind: str
    to: str
    line: str

    def as_json(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True)
class MischiefSettings:
    """What may happen and how often: `rate` is the share of events, and of requests, it befalls.

    Every delay is multiplied by `time_scale`, so that tests need not wait as long as people.
    """

    seed: int
    kinds: tuple[MischiefKind, ...] = ALL_KINDS
    rate: float = USUAL_RATE
    time_scale: float = 1.0


@dataclass
class Mischief:
    first_seed: int | None
    tell: Callable[[str], None]
    terms: MischiefSettings | None = None
    done: deque[MischiefRecord] = field(default_factory=lambda: deque(maxlen=REMEMBERED_DEEDS))

    def __post_init__(self) -> None:
        self.reset()

    def begin(self, terms: MischiefSettings | None) -> None:
        """Start from the first throw of a seed; None stops, and what was done stays listed."""
        self.terms = terms
        if terms is not None:
            self.done.clear()
        self._events = 0
        self._requests: Counter[tuple[str, str]] = Counter()

    def reset(self) -> None:
        self.done.clear()
        self.begin(None if self.first_seed is None else MischiefSettings(self.first_seed))

    def plan_for(self, event: StripeObject) -> Plan:
        terms = self.terms
        if terms is None:
            return PLAIN
        self._events += 1
        dice = random.Random(f"{terms.seed}:event:{self._events}")
        befallen = dice.random() < terms.rate
        fitting = [kind for kind in terms.kinds if _fits_event(kind, event)]
        if not befallen or not fitting:
            return PLAIN
        chosen = dice.sample(fitting, min(len(fitting), dice.choice((1, 1, 1, 2))))
        plan = _plan(dice, chosen, event, terms.time_scale)
        for kind, line in _told(plan, chosen, event):
            self._note(kind, event["id"], line)
        return plan

    def trouble_for(self, method: str, path: str) -> Trouble | None:
        terms = self.terms
        if terms is None:
            return None
        self._requests[method, path] += 1
        number = self._requests[method, path]
        dice = random.Random(f"{terms.seed}:{method} {path}:{number}")
        befallen = dice.random() < terms.rate
        fitting = [kind for kind in terms.kinds if _fits_request(kind, method, path)]
        if not befallen or not fitting:
            return None
        kind: Any = dice.choice(fitting)
        seconds = dice.uniform(1.0, LONGEST_HANG_S) * terms.time_scale
        trouble = Trouble(path, method, kind, seconds)
        self._note(kind, f"{method} {path}", f"{method} {path} {_ending(trouble.kind, seconds)}")
        return trouble

    def _note(self, kind: str, to: str, line: str) -> None:
        self.done.append(MischiefRecord(kind, to, line))
        self.tell(line)


def _fits_event(kind: MischiefKind, event: StripeObject) -> bool:
    if kind == "forge":
        return bool(what_can_be_forged(event))
    return kind in EVENT_KINDS


def _fits_request(kind: MischiefKind, method: str, path: str) -> bool:
    if kind in ("no_url", "other_host"):
        return (method, path) == _OPENS_A_SESSION
    return kind in ANSWER_KINDS


def _plan(
    dice: random.Random, chosen: list[MischiefKind], event: StripeObject, time_scale: float
) -> Plan:
    forgery = forge(dice, event) if "forge" in chosen else None
    if "drop" in chosen:
        return Plan(offsets_s=(), forgery=forgery)
    offsets = [0.0]
    if "duplicate" in chosen:
        # A copy at the very same instant comes on a connection of its own.
        copies = range(dice.randint(2, MOST_COPIES) - 1)
        offsets += [dice.choice((0.0, dice.uniform(0.0, LONGEST_DELAY_S))) for _ in copies]
    if "at_once" in chosen:
        offsets += [0.0]
    delay = dice.uniform(1.0, LONGEST_DELAY_S) if "delay" in chosen else 0.0
    older = [v for v in (BEFORE_BASIL, BASIL) if is_known_in(v, event["type"])]
    return Plan(
        offsets_s=tuple((delay + offset) * time_scale for offset in offsets),
        overtaken_by=dice.randint(1, MOST_OVERTAKING) if "reorder" in chosen else 0,
        longest_wait_s=LONGEST_WAIT_S * time_scale,
        version=dice.choice(older) if "old_version" in chosen else None,
        forgery=forgery,
    )


def _told(
    plan: Plan, chosen: list[MischiefKind], event: StripeObject
) -> list[tuple[MischiefKind, str]]:
    """A line for each kind that came true; what is dropped can be nothing else but forged."""
    lines: dict[MischiefKind, str] = {
        "duplicate": f"delivered {len(plan.offsets_s)} times",
        "at_once": "delivered twice at once",
        "reorder": f"held back for {plan.overtaken_by} later",
        "delay": f"delayed by {min(plan.offsets_s, default=0.0):.1f} s",
        "drop": "dropped",
        "old_version": f"delivered as in {plan.version}",
        "forge": plan.forgery.line if plan.forgery else "",
    }
    is_dropped = "drop" in chosen
    true = [kind for kind in chosen if not is_dropped or kind in ("drop", "forge")]
    return [(kind, f"{event['id']} {event['type']}: {lines[kind]}") for kind in true]


def _ending(kind: Kind, seconds: float) -> str:
    match kind:
        case "500" | "409" | "429":
            return f"answered {kind}"
        case "502_before":
            return "answered 502, and not done"
        case "reset_before":
            return "reset, and not done"
        case "reset_after":
            return "done, and then reset"
        case "hang":
            return f"left hanging for {seconds:.1f} s"
        case "drip":
            return f"answered drop by drop in {seconds:.1f} s"
    return f"done, and answered with {kind}"
