"""The e-mail with the one-time link to all gifts of an address."""

from donate.letters.words.draft import Draft
from donate.letters.words.instructions import Translate


def link_to_gifts(url: str, _: Translate) -> Draft:
    """Write the one-time link. The e-mail tells nothing about the gifts."""
    return Draft(
        subject=_("Your link to see your gifts"),
        headline=_("See all your gifts"),
        before=(
            _("Here’s the link you asked for. You can use it once, within the next 20 minutes."),
            _(
                "The link also lets you change your monthly gifts, so please don’t forward this "
                "e-mail."
            ),
        ),
        link=(_("See all your gifts"), url),
        why=_(
            "You received this e-mail because someone asked for a link to the gifts made with "
            "your address. If that wasn’t you, you can ignore it."
        ),
    )
