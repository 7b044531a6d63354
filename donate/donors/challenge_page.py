"""The page that asks a donor to pass a challenge before their form is accepted."""

from collections.abc import Mapping
from typing import Final

from fastapi import Request
from starlette.responses import Response

from donate.breaker.breaker import Visitor
from donate.breaker.providers import ChallengeProvider
from donate.donors.forms import GiveForm
from donate.errors import N_, ChallengeNeeded
from donate.regions.regions import Region
from donate.web.limits.networks import address_of
from donate.web.templating import Pages

CROWDED: Final = N_(
    "We’re receiving a lot of gifts right now. Please choose another payment method, or try again "
    "in ten minutes."
)


class ChallengePage:
    """Shows a challenge. The page contains the donor's form, and sends it again with the proof."""

    def __init__(self, pages: Pages, provider: ChallengeProvider | None) -> None:
        self._pages = pages
        self._provider = provider

    def show(
        self,
        needed: ChallengeNeeded,
        language: str,
        region: Region | None,
        *,
        action: str,
        fields: Mapping[str, str],
    ) -> Response:
        """Return the page. `action` is the path that gets `fields` again.

        It has the provider's widget, or our own work if there is no provider or it does not work.
        """
        provider = self._provider if self._provider and self._provider.is_working else None
        return self._pages.render(
            "donors/challenge.html",
            language,
            region=region,
            challenge=needed,
            provider=provider,
            action=action,
            fields=fields,
        )


def visitor_of(request: Request, form: GiveForm, name: str) -> Visitor:
    """Return who sent a form. `name` identifies it: its nonce, or the token of the gift's page."""
    return Visitor(address_of(request), name, proof=form.proof, answer=form.answer)
