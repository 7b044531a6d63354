"""The settings of the identity provider."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from donate.finance.roles import Role

CALLBACK: Final = "/finance/sign-in/provider/back"


@dataclass(frozen=True, slots=True)
class ProviderOptions:
    """The settings for an identity provider.

    `roles` maps groups at the provider to roles; people who have no account yet get one with that
    role. If `checks_second_factor` is true, the provider asks for the second factor, so we do not.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_url: str
    roles: Mapping[str, Role] = field(default_factory=dict)
    checks_second_factor: bool = True
