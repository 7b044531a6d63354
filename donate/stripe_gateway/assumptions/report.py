"""`donate stripe check`: run every check, print each outcome, and write a report."""

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
from donate.stripe_gateway.assumptions.runner import Result, check_all, redact_keys
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
    """Run all checks in a test-mode account; return 0 if no checked assumption is false.

    Checks that could not be tried do not change the result, unless nothing could be tried. Raises
    Misconfigured for a live key, before anything is sent to Stripe.
    """
    if "_live_" in account.secret_key[:8]:
        raise Misconfigured(
            "STRIPE_SECRET_KEY is a live key. The check creates payments, refunds and disputes; "
            "use a test key: sk_test_… or rk_test_…"
        )
    _write(report, {})
    world = World(account, clock, person=_step_printer(say) if links else None, wait_s=wait_s)
    results: list[Result] = []
    leftovers: list[str] = []
    try:
        if links:
            say("Open each of these pages in a browser and follow its step. Other checks go on:")
            person_steps.request_all(world)
        results = check_all(world, ASSUMPTIONS, lambda result: _print_result(result, say))
    finally:
        leftovers = [redact_keys(line) for line in world.clean_up()]
        world.close()
        _write(report, _as_json(results, leftovers, account, clock))
    for line in leftovers:
        say(f"Not removed: {line}")
    _print_summary(results, report, say)
    outcomes = {result.outcome for result in results}
    return 0 if Outcome.HELD in outcomes and Outcome.DID_NOT_HOLD not in outcomes else 1


def table() -> Iterator[str]:
    """Yield the lines of a Markdown table of all assumptions, the worst cost first."""
    yield "| assumption | what Stripe does | if false | cost | source |"
    yield "|---|---|---|---|---|"
    for assumption in by_cost(ASSUMPTIONS):
        cost = assumption.cost.name.lower().replace("_", " ")
        hand = " (needs a person on Stripe's page)" if assumption.by_hand else ""
        source = assumption.source
        link = f"[{source.title}]({source.url}), {source.read_on}"
        statement = f"{assumption.sentence}{hand}"
        yield f"| `{assumption.name}` | {statement} | {assumption.if_false} | {cost} | {link} |"


def by_cost(assumptions: tuple[Assumption, ...]) -> list[Assumption]:
    """Return the assumptions sorted by cost, the worst first."""
    return sorted(assumptions, key=lambda assumption: -assumption.cost)


def _step_printer(say: Say) -> Callable[[Step], None]:
    def print_step(step: Step) -> None:
        say(f"  {step.name}: {step.what_to_do}\n    {step.url}")

    return print_step


def _print_result(result: Result, say: Say) -> None:
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


def _print_summary(results: list[Result], report: Path, say: Say) -> None:
    counts = Counter(result.outcome for result in results)
    say(
        f"{counts[Outcome.HELD]} held, {counts[Outcome.DID_NOT_HOLD]} did not hold, "
        f"{counts[Outcome.NOT_TRIED]} could not be tried. The report is in {report}."
    )


def _as_json(
    results: list[Result], leftovers: list[str], account: Account, clock: Clock
) -> dict[str, Any]:
    ordered = sorted(results, key=lambda result: -result.assumption.cost)
    return {
        "checked_at": clock.now().isoformat(),
        "api_base": account.api_base,
        "counts": Counter(str(result.outcome) for result in results),
        "results": [result.as_json() for result in ordered],
        "not_removed": leftovers,
    }


def _write(report: Path, content: dict[str, Any]) -> None:
    try:
        report.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise Misconfigured(
            f"the report cannot be written to {report} ({error.strerror}); choose another file "
            "with --report"
        ) from None
