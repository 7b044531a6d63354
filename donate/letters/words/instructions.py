"""What a letter says about sending a gift by hand: by Interac e-Transfer, or quoting the code."""

from typing import Protocol

from donate.letters.context import LetterContext
from donate.money import parts_of
from donate.regions.modes import Mode


class Translate(Protocol):
    """Says a message in one language, with its %(name)s places filled."""

    def __call__(self, message: str, **values: str) -> str:
        """Say it."""
        ...


def how(about: LetterContext, _: Translate) -> tuple[str, ...]:
    """Say where one sends it from, or how one gives by code."""
    if about.gift.mode == Mode.INTERAC:
        return (_("In your bank’s app or site, choose Interac e-Transfer and enter exactly this:"),)
    if about.terms is None:
        return ()
    said = (
        [about.terms.instructions.in_language(about.language)] if about.terms.instructions else []
    )
    for way in about.terms.ways:
        name, what = (
            way.name.in_language(about.language),
            way.instructions.in_language(about.language),
        )
        said.append(_("%(label)s: %(value)s", label=name, value=what))
    return tuple(said)


def what_to_enter(about: LetterContext, _: Translate) -> tuple[tuple[str, str], ...]:
    """Give what the bank, or whoever takes the gift, has to be told: a label and a value each."""
    gift, amount = about.gift, about.money(about.gift.amount)
    if gift.mode != Mode.INTERAC:
        return (
            (_("Exact amount"), amount),
            (_("Reference to quote"), gift.reference),
            (_("Giving code"), gift.code),
        )
    return (
        (_("Send to"), (about.terms and about.terms.send_to) or about.contact),
        (_("Exact amount"), amount),
        (_("Message, with the reference first"), gift.reference),
    )


def mind(about: LetterContext, _: Translate) -> tuple[str, ...]:
    """What to mind when sending. No answer to a security question stands in any letter."""
    said = []
    if about.gift.mode == Mode.INTERAC:
        parts = parts_of(about.gift.amount, about.terms.split_above_minor if about.terms else None)
        if parts:
            several = _(
                "Many banks limit one transfer. You may send several, each with the same reference:"
            )
            said.append(f"{several} {' + '.join(map(about.money, parts))}")
        said.append(_about_a_question(about, _))
    said.append(_("We confirm your gift once it has reached our account."))
    return tuple(said)


def _about_a_question(about: LetterContext, _: Translate) -> str:
    if about.terms and about.terms.autodeposit:
        return _("Send it. No security question is asked: it is deposited by itself.")
    if about.contact:
        return _(
            "Send it. If your bank asks for a security question and answer, please write to "
            "%(contact)s before you send. Never put the answer in the message.",
            contact=about.contact,
        )
    return _("Send it. Never put the answer to a security question in the message.")
