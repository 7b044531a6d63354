"""Mischief: errors that the sandbox makes on purpose in events and answers, chosen by a seed.

Events are numbered, and so are the requests of each route. The random choices depend on the seed
and these numbers, never on the clock. The same seed and requests give the same errors. Each error
is recorded and reported, so that anyone can follow what happened.
"""

import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from donate.sandbox.api_versions import BASIL, BEFORE_BASIL, Version, is_known_in
from donate.sandbox.mischief.forgery import Forgery, forge, possible_lies
from donate.sandbox.requests.trouble import Kind, Trouble
from donate.sandbox.shelf import StripeObject

WithEvents = Literal["duplicate", "at_once", "reorder", "delay", "drop", "old_version", "forge"]
# Mischief uses only planned faults after which a retry can succeed. With a revoked key or an
# invalid request, every retry would fail.
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

DEFAULT_RATE = 0.3
MAX_DELAY_S = 60.0
MAX_HANG_S = 20.0
MAX_COPIES = 5
MAX_OVERTAKING = 5
# An event that is held back until later events have been sent waits at most this long.
MAX_WAIT_S = 30.0
MAX_RECORDS = 10_000

_OPENS_A_SESSION = ("POST", "/v1/checkout/sessions")


@dataclass(frozen=True)
class Plan:
    """How to deliver one event.

    `offsets_s` has a delay in seconds for each delivery of the event; it is empty for a dropped
    event. If `overtaken_by` is not 0, the event waits until that many later events have been sent,
    but at most `max_wait_s` seconds. `version` is the API version in which to write the event; None
    means the endpoint's own version. `forgery` is a forged event to send as well.
    """

    offsets_s: tuple[float, ...] = (0.0,)
    overtaken_by: int = 0
    max_wait_s: float = 0.0
    version: Version | None = None
    forgery: Forgery | None = None


PLAIN = Plan()


@dataclass(frozen=True)
class MischiefRecord:
    """An error that the sandbox made on purpose. `to` says with which event or request."""

    kind: str
    to: str
    line: str

    def as_json(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True)
class MischiefSettings:
    """Which kinds of error to make on purpose, and in what share of events and requests.

    `rate` is that share, from 0 to 1. Every delay is multiplied by `time_scale`, so that tests can
    be faster.
    """

    seed: int
    kinds: tuple[MischiefKind, ...] = ALL_KINDS
    rate: float = DEFAULT_RATE
    time_scale: float = 1.0


@dataclass
class Mischief:
    first_seed: int | None
    report: Callable[[str], None]
    settings: MischiefSettings | None = None
    done: deque[MischiefRecord] = field(default_factory=lambda: deque(maxlen=MAX_RECORDS))

    def __post_init__(self) -> None:
        self.reset()

    def begin(self, settings: MischiefSettings | None) -> None:
        """Start mischief with new settings. None stops it, but keeps the list of past errors."""
        self.settings = settings
        if settings is not None:
            self.done.clear()
        self._events = 0
        self._requests: Counter[tuple[str, str]] = Counter()

    def reset(self) -> None:
        self.done.clear()
        self.begin(None if self.first_seed is None else MischiefSettings(self.first_seed))

    def plan_for(self, event: StripeObject) -> Plan:
        settings = self.settings
        if settings is None:
            return PLAIN
        self._events += 1
        rng = random.Random(f"{settings.seed}:event:{self._events}")
        is_chosen = rng.random() < settings.rate
        possible = [kind for kind in settings.kinds if _fits_event(kind, event)]
        if not is_chosen or not possible:
            return PLAIN
        kinds = rng.sample(possible, min(len(possible), rng.choice((1, 1, 1, 2))))
        plan = _plan(rng, kinds, event, settings.time_scale)
        for kind, line in _lines(plan, kinds, event):
            self._note(kind, event["id"], line)
        return plan

    def trouble_for(self, method: str, path: str) -> Trouble | None:
        settings = self.settings
        if settings is None:
            return None
        self._requests[method, path] += 1
        number = self._requests[method, path]
        rng = random.Random(f"{settings.seed}:{method} {path}:{number}")
        is_chosen = rng.random() < settings.rate
        possible = [kind for kind in settings.kinds if _fits_request(kind, method, path)]
        if not is_chosen or not possible:
            return None
        kind: Any = rng.choice(possible)
        seconds = rng.uniform(1.0, MAX_HANG_S) * settings.time_scale
        trouble = Trouble(path, method, kind, seconds)
        self._note(kind, f"{method} {path}", f"{method} {path} {_outcome(trouble.kind, seconds)}")
        return trouble

    def _note(self, kind: str, to: str, line: str) -> None:
        self.done.append(MischiefRecord(kind, to, line))
        self.report(line)


def _fits_event(kind: MischiefKind, event: StripeObject) -> bool:
    if kind == "forge":
        return bool(possible_lies(event))
    return kind in EVENT_KINDS


def _fits_request(kind: MischiefKind, method: str, path: str) -> bool:
    if kind in ("no_url", "other_host"):
        return (method, path) == _OPENS_A_SESSION
    return kind in ANSWER_KINDS


def _plan(
    rng: random.Random, kinds: list[MischiefKind], event: StripeObject, time_scale: float
) -> Plan:
    forgery = forge(rng, event) if "forge" in kinds else None
    if "drop" in kinds:
        return Plan(offsets_s=(), forgery=forgery)
    offsets = [0.0]
    if "duplicate" in kinds:
        # The delay 0.0 sends a copy at the same time as the event, over another connection.
        copies = range(rng.randint(2, MAX_COPIES) - 1)
        offsets += [rng.choice((0.0, rng.uniform(0.0, MAX_DELAY_S))) for _ in copies]
    if "at_once" in kinds:
        offsets += [0.0]
    delay = rng.uniform(1.0, MAX_DELAY_S) if "delay" in kinds else 0.0
    older = [old for old in (BEFORE_BASIL, BASIL) if is_known_in(old, event["type"])]
    return Plan(
        offsets_s=tuple((delay + offset) * time_scale for offset in offsets),
        overtaken_by=rng.randint(1, MAX_OVERTAKING) if "reorder" in kinds else 0,
        max_wait_s=MAX_WAIT_S * time_scale,
        version=rng.choice(older) if "old_version" in kinds else None,
        forgery=forgery,
    )


def _lines(
    plan: Plan, kinds: list[MischiefKind], event: StripeObject
) -> list[tuple[MischiefKind, str]]:
    """Return a line about each error that was made on purpose with an event.

    If the event is dropped, only a forged copy of it can arrive. Then the other kinds of error have
    no effect, and no line.
    """
    lines: dict[MischiefKind, str] = {
        "duplicate": f"delivered {len(plan.offsets_s)} times",
        "at_once": "delivered twice in parallel",
        "reorder": f"held back until {plan.overtaken_by} later events were sent",
        "delay": f"delayed by {min(plan.offsets_s, default=0.0):.1f} s",
        "drop": "dropped",
        "old_version": f"delivered in API version {plan.version}",
        "forge": plan.forgery.line if plan.forgery else "",
    }
    is_dropped = "drop" in kinds
    done = [kind for kind in kinds if not is_dropped or kind in ("drop", "forge")]
    return [(kind, f"{event['id']} {event['type']}: {lines[kind]}") for kind in done]


def _outcome(kind: Kind, seconds: float) -> str:
    match kind:
        case "500" | "409" | "429":
            return f"answered {kind}"
        case "502_before":
            return "answered 502 without processing"
        case "reset_before":
            return "reset without processing"
        case "reset_after":
            return "processed, then reset"
        case "hang":
            return f"hung for {seconds:.1f} s"
        case "drip":
            return f"answered slowly over {seconds:.1f} s"
    return f"processed, then answered with {kind}"
