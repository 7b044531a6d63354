"""Converts the donor's next step to JSON."""

from donate.api.schemas import GivingWay, NextInstructions, NextRedirect
from donate.modes import NextStep, Redirect


def next_step_as_json(step: NextStep, language: str) -> NextRedirect | NextInstructions:
    """Return the donor's next step for the API, with texts in the gift's language."""
    if isinstance(step, Redirect):
        return NextRedirect(url=step.url)
    return NextInstructions(
        mode=step.mode,
        code=step.code,
        amount_minor=step.amount.amount_minor,
        currency=step.amount.currency,
        reference=step.reference,
        send_to=step.send_to,
        recipient_name=step.recipient_name,
        parts_minor=[part.amount_minor for part in step.parts],
        ways=[
            GivingWay(
                name=way.name.in_language(language),
                instructions=way.instructions.in_language(language),
            )
            for way in step.ways
        ],
        text=step.text.in_language(language) if step.text else None,
        contact=step.contact,
    )
