"""The texts that explain how to send a gift by Interac e-Transfer or by giving code."""

from typing import Protocol

from donate.letters.context import LetterContext
from donate.money import parts_of
from donate.regions.modes import Mode


class Translate(Protocol):
    """A function that translates a message and fills in its %(name)s placeholders."""

    def __call__(self, message: str, **values: str) -> str:
        """Return the translated message."""
        ...


def how(about: LetterContext, _: Translate) -> tuple[str, ...]:
    """Return sentences about where to make the transfer, or how to use the giving code."""
    if about.gift.mode == Mode.INTERAC:
        return (
            _(
                "In your bank’s app or on its website, choose Interac e-Transfer and enter exactly "
                "this:"
            ),
        )
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
    """Return labels and values of what the donor enters at the bank or quotes with the payment."""
    gift, amount = about.gift, about.money(about.gift.amount)
    if gift.mode != Mode.INTERAC:
        return (
            (_("Exact amount"), amount),
            (_("Reference to include"), gift.reference),
            (_("Giving code"), gift.code),
        )
    name = about.terms.recipient_name if about.terms else None
    return (
        (_("Send to"), (about.terms and about.terms.send_to) or about.contact),
        *([(_("Recipient’s name"), name)] if name else []),
        (_("Exact amount"), amount),
        (_("Message (start with the reference)"), gift.reference),
    )


def mind(about: LetterContext, _: Translate) -> tuple[str, ...]:
    """Return advice about the transfer, such as how to send it in parts.

    For Interac e-Transfer, the advice mentions the security question, but never an answer to it.
    """
    said = []
    if about.gift.mode == Mode.INTERAC:
        parts = parts_of(about.gift.amount, about.terms.split_above_minor if about.terms else None)
        if parts:
            several = _(
                "Many banks limit the amount of a transfer. You can send several transfers, all "
                "with the same reference:"
            )
            said.append(f"{several} {' + '.join(map(about.money, parts))}")
        said.append(_about_a_question(about, _))
    said.append(_("We’ll confirm your gift once it reaches our account."))
    return tuple(said)


def _about_a_question(about: LetterContext, _: Translate) -> str:
    if about.terms and about.terms.autodeposit:
        return _(
            "Send the transfer. You don’t need a security question, because the deposit is "
            "automatic."
        )
    if about.contact:
        return _(
            "Send the transfer. If your bank asks for a security question, write to %(contact)s "
            "first. Never put the answer in the message.",
            contact=about.contact,
        )
    return _("Send the transfer. Never put the answer to a security question in the message.")
