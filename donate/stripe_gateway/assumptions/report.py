"""`donate stripe check`: checks every assumption, says how each ended, and writes a report."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from donate.clock import Clock
from donate.errors import Misconfigured
from donate.stripe_gateway.assumptions import person_steps
from donate.stripe_gateway.assumptions.listing import ASSUMPTIONS
from donate.stripe_gateway.assumptions.model import Assumption
from donate.stripe_gateway.assumptions.outcomes import Outcome
from donate.stripe_gateway.assumptions.runner import Result, bare, check_all
from donate.stripe_gateway.assumptions.world import Account, Step, World

Say = Callable[[str], object]


def check(
    account: Account,
    clock: Clock,
    *,
    say: Say,
    report: Path,
    wait_s: float,
    links: bool,
) -> int:
    """Check everything in a test-mode account; returns 0 if all that could be tried holds.

    Raises Misconfigured for a live key, before anything is asked.
    """
    if "_live_" in account.secret_key[:8]:
        raise Misconfigured(
            "STRIPE_SECRET_KEY is a live key. The check makes payments, refunds and disputes; "
            "give it a test key: sk_test_… or rk_test_…"
        )
    _write(report, {})
    world = World(account, clock, person=_asking(say) if links else None, wait_s=wait_s)
    results: list[Result] = []
    left: list[str] = []
    try:
        if links:
            say("Open each of these pages in a browser, and do what it says. The rest goes on:")
            person_steps.request_all(world)
        results = check_all(world, ASSUMPTIONS, lambda result: _tell(result, say))
    finally:
        left = [bare(one) for one in world.clean_up()]
        world.close()
        _write(report, _as_json(results, left, account, clock))
    for one in left:
        say(f"Not removed: {one}")
    _sum_up(results, report, say)
    outcomes = {one.outcome for one in results}
    return 0 if Outcome.HELD in outcomes and Outcome.DID_NOT_HOLD not in outcomes else 1


def table() -> Iterator[str]:
    """Return the list of all assumptions as a table in Markdown, the costliest first."""
    yield "| assumption | believed | if false | cost | source |"
    yield "|---|---|---|---|---|"
    for one in by_cost(ASSUMPTIONS):
        cost = one.cost.name.lower().replace("_", " ")
        hand = " (needs a person on Stripe's page)" if one.by_hand else ""
        source = f"[{one.source.title}]({one.source.url}), {one.source.read_on}"
        yield f"| `{one.name}` | {one.sentence}{hand} | {one.if_false} | {cost} | {source} |"


def by_cost(assumptions: tuple[Assumption, ...]) -> list[Assumption]:
    """Return assumptions in the order of what it costs when they are false."""
    return sorted(assumptions, key=lambda one: -one.cost)


def _asking(say: Say) -> Callable[[Step], None]:
    def ask(step: Step) -> None:
        say(f"  {step.name}: {step.what_to_do}\n    {step.url}")

    return ask


def _tell(result: Result, say: Say) -> None:
    name = result.assumption.name
    match result.outcome:
        case Outcome.HELD:
            say(f"held               {name}")
        case Outcome.NOT_TRIED:
            say(f"could not be tried {name}: {result.why}")
        case Outcome.DID_NOT_HOLD:
            say(f"DID NOT HOLD       {name}: {result.assumption.sentence}")
            say(f"    {result.why}")
            if result.words:
                say(f"    Stripe says: {result.words}")
            if result.request_id:
                say(f"    Stripe's request: {result.request_id}")
            say(f"    What breaks: {result.assumption.if_false}")


def _sum_up(results: list[Result], report: Path, say: Say) -> None:
    counts = Counter(one.outcome for one in results)
    say(
        f"{counts[Outcome.HELD]} held, {counts[Outcome.DID_NOT_HOLD]} did not hold, "
        f"{counts[Outcome.NOT_TRIED]} could not be tried. The report is in {report}."
    )


def _as_json(
    results: list[Result], left: list[str], account: Account, clock: Clock
) -> dict[str, Any]:
    ordered = sorted(results, key=lambda one: -one.assumption.cost)
    return {
        "checked_at": clock.now().isoformat(),
        "api_base": account.api_base,
        "counts": Counter(str(one.outcome) for one in results),
        "results": [one.as_json() for one in ordered],
        "not_removed": left,
    }


def _write(report: Path, told: dict[str, Any]) -> None:
    try:
        report.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise Misconfigured(
            f"the report cannot be written to {report} ({error.strerror}); name another file "
            "with --report"
        ) from None
