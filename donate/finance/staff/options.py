"""The settings for signing in: the second factor, the identity provider, and e-mail."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from donate.finance.provider.options import CALLBACK, ProviderOptions
from donate.finance.roles import Role
from donate.letters.sending.batches import Carrier
from donate.settings import Settings
from donate.trust.secret_cipher import SecretCipher, cipher_of


@dataclass(frozen=True, slots=True)
class SignInOptions:
    """How staff sign in. The default values apply if none of the settings is set.

    `second_factor_from` is the least role that requires a second factor; None if no role does.
    `cipher` is None if no key is set; then nobody can set up a second factor. `new_carrier` opens a
    connection for sending one e-mail. It is None if the service sends no e-mails.
    """

    second_factor_from: Role | None = None
    cipher: SecretCipher | None = None
    provider: ProviderOptions | None = None
    public_url: str = "http://127.0.0.1:8000"
    mail_from: str = ""
    new_carrier: Callable[[], Carrier] | None = None

    def requires_second_factor(self, role: Role) -> bool:
        """Return whether people with this role must have a second factor."""
        return self.second_factor_from is not None and role.may(self.second_factor_from)


DEFAULT_SIGN_IN: Final = SignInOptions()
_SECOND_FACTOR_FROM: Final = {
    "optional": None,
    "required": Role.FINANCE,
    "everybody": Role.VIEWER,
}


def sign_in_options(settings: Settings, new_carrier: Callable[[], Carrier] | None) -> SignInOptions:
    """Return the options for signing in, from the settings."""
    return SignInOptions(
        second_factor_from=_SECOND_FACTOR_FROM[settings.staff_second_factor],
        cipher=cipher_of(settings.second_factor_key),
        provider=_provider(settings) if settings.oidc_issuer else None,
        public_url=settings.public_url,
        mail_from=settings.mail_from,
        new_carrier=new_carrier,
    )


def _provider(settings: Settings) -> ProviderOptions:
    pairs = [pair.rpartition("=") for pair in settings.oidc_roles]
    return ProviderOptions(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret.get_secret_value(),
        redirect_url=f"{settings.public_url}{CALLBACK}",
        roles={group: Role(role) for group, _, role in pairs},
        checks_second_factor=settings.oidc_second_factor == "provider",
    )
