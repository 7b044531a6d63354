"""The settings of the identity provider."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from donate.finance.models import Role

CALLBACK: Final = "/finance/sign-in/provider/back"


@dataclass(frozen=True, slots=True)
class ProviderOptions:
    """The identity provider, and what its statements mean here.

    `roles` maps a group of the provider to the role of people who have no account yet.
    `checks_second_factor` says whether the provider asks for the second factor, so that we do not.
    """

    issuer: str
    client_id: str
    client_secret: str
    redirect_url: str
    roles: Mapping[str, Role] = field(default_factory=dict)
    checks_second_factor: bool = True
