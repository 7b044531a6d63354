"""The settings, from the environment, `.env` or files. A wrong one stops the start."""

import os
import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic.functional_validators import BeforeValidator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

from donate.errors import Misconfigured
from donate.mail_server import MailServer, ascii_host, plain_address, read_mail_server
from donate.regions.regions import SHIPPED
from donate.trust.database_tls import check_database_tls
from donate.trust.hosts import check_hosts
from donate.trust.keys import check_keys, check_link_key, refuse_placeholder
from donate.trust.proxies import check_proxies

_TOGETHER: Final = (
    ("oidc_issuer", "oidc_client_id", "oidc_client_secret"),
    ("challenge_provider", "challenge_site_key", "challenge_secret"),
)

Words = Annotated[tuple[str, ...], NoDecode]  # values in one variable, separated by commas
_EMPTY_IS_NONE = BeforeValidator(lambda value: None if value == "" else value)
OptionalPath = Annotated[Path | None, _EMPTY_IS_NONE]
Days = Annotated[int, Field(ge=0, le=36_500)]
OptionalAmount = Annotated[Annotated[int, Field(ge=0)] | None, _EMPTY_IS_NONE]


class Settings(BaseSettings):
    """The settings. Each field is read from the environment variable of its name in upper case."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    # It may contain a password, so the settings are shown without it.
    database_url: str = Field(default="sqlite:///donate.sqlite3", repr=False)
    database_tls: Literal["required", "optional"] = "required"
    public_url: str = "http://127.0.0.1:8000"
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    socket: OptionalPath = None
    regions_file: Path = SHIPPED
    books_accounts: OptionalPath = None
    month_second_person_above_minor: OptionalAmount = None

    link_key: Annotated[tuple[SecretStr, ...], NoDecode]
    stripe_secret_key: SecretStr
    stripe_webhook_secret: Annotated[tuple[SecretStr, ...], NoDecode]
    stripe_api_base: str = "https://api.stripe.com"
    stripe_account: str = ""
    checkout_hosts: Words = ("checkout.stripe.com", "billing.stripe.com", "payments.stripe.com")

    embed_origins: Words = ()
    trusted_proxies: Words = ()
    card_gifts_per_network: Annotated[int, Field(ge=1)] = 60
    card_gifts_in_all: Annotated[int, Field(ge=1)] = 200
    gifts_per_network: Annotated[int, Field(ge=1)] = 120
    gifts_in_all: Annotated[int, Field(ge=1)] = 400
    challenge_provider: Literal["", "turnstile", "hcaptcha"] = ""
    challenge_site_key: str = ""
    challenge_secret: SecretStr = SecretStr("")
    drain_seconds: Annotated[int, Field(ge=0, le=300)] = 6
    catchup_every_minutes: Annotated[int, Field(ge=0, le=1_440)] = 60
    smtp_url: SecretStr = SecretStr("")
    letters_folder: OptionalPath = None
    mail_from: str = ""
    emails_per_network: Annotated[int, Field(ge=1)] = 100
    emails_in_all: Annotated[int, Field(ge=1)] = 2_000
    transfer_mail_folder: OptionalPath = None
    transfer_mail_keys: OptionalPath = None
    seal_to: str = ""
    staff_second_factor: Literal["everybody", "required", "optional"] = "optional"
    second_factor_key: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_roles: Words = ()
    oidc_second_factor: Literal["provider", "ours"] = "provider"
    keep_event_bodies_days: Days = 180
    keep_refused_requests_days: Days = 365
    keep_never_paid_days: Days = 90
    metrics_token: SecretStr = SecretStr("")
    demo: bool = False
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator(
        *("checkout_hosts", "embed_origins", "trusted_proxies", "stripe_webhook_secret"),
        *("second_factor_key", "oidc_roles", "link_key"),
        mode="before",
    )
    @classmethod
    def _split_at_commas(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return tuple(word for part in value.split(",") if (word := part.strip()))

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return check_proxies(value)

    @field_validator("embed_origins")
    @classmethod
    def _check_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        origins = []
        for origin in value:
            parts = urlsplit(origin)
            bare = f"{parts.scheme}://{parts.netloc}"
            if parts.scheme not in ("https", "http") or not parts.hostname or bare != origin:
                raise ValueError("must be origins such as https://www.example.org, without a path")
            origins.append(f"{parts.scheme}://{ascii_host(parts.netloc)}")
        return tuple(origins)

    @field_validator("checkout_hosts")
    @classmethod
    def _check_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return check_hosts(value)

    @field_validator("public_url", "stripe_api_base")
    @classmethod
    def _check_url(cls, value: str) -> str:
        if urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname:
            raise ValueError("must begin with https:// (or http:// on this machine)")
        return value.rstrip("/")

    @field_validator("public_url")
    @classmethod
    def _check_public_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.path or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError(
                "must end after the host, such as https://give.example.org: the service needs a "
                "host of its own, without a path, query or password"
            )
        return f"{parts.scheme}://{ascii_host(parts.netloc)}"

    @field_validator("metrics_token")
    @classmethod
    def _strip_token(cls, value: SecretStr) -> SecretStr:
        return SecretStr(value.get_secret_value().strip())

    @field_validator("smtp_url")
    @classmethod
    def _check_smtp_url(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value():
            read_mail_server(value.get_secret_value())
        return value

    @field_validator("mail_from", "seal_to")
    @classmethod
    def _check_mail_address(cls, value: str) -> str:
        return plain_address(value) if value else value

    @field_validator("stripe_account")
    @classmethod
    def _check_account(cls, value: str) -> str:
        value = value.strip()
        if value and not re.fullmatch(r"acct_[A-Za-z0-9]{1,200}", value):
            raise ValueError("must be the id of a connected account (acct_…), or empty")
        return value

    @field_validator("stripe_secret_key")
    @classmethod
    def _check_key(cls, value: SecretStr) -> SecretStr:
        value = SecretStr(value.get_secret_value().strip())
        refuse_placeholder(value)
        if not re.match(r"[sr]k_(test|live)_", value.get_secret_value()):
            raise ValueError(
                "must be a Stripe secret key: sk_test_…, sk_live_…, rk_test_… or rk_live_…"
            )
        return value

    @field_validator("stripe_webhook_secret")
    @classmethod
    def _check_signing_secrets(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if not value:
            raise ValueError("is empty")
        for secret in value:
            refuse_placeholder(secret)
            if not secret.get_secret_value().startswith("whsec_"):
                raise ValueError("must be a signing secret: whsec_… (separate several by commas)")
        return value

    @field_validator("second_factor_key")
    @classmethod
    def _check_keys(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        check_keys(value)
        return value

    @field_validator("link_key")
    @classmethod
    def _check_link_key(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        check_link_key(value)
        return value

    @field_validator("oidc_issuer")
    @classmethod
    def _check_issuer(cls, value: str) -> str:
        if value and not re.match(r"https://.|http://(127\.0\.0\.1|localhost)\b", value):
            raise ValueError("must begin with https:// (or http:// on this machine)")
        if len(value) > 500:
            raise ValueError("has more than 500 characters")
        return value

    @field_validator("oidc_roles")
    @classmethod
    def _check_roles(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for pair in value:
            group, _, role = pair.rpartition("=")
            if not group or role not in ("viewer", "finance", "admin"):
                raise ValueError("must be pairs of a group and a role: accounting=finance")
        return value

    @model_validator(mode="after")
    def _check_sign_in(self) -> Self:
        if self.staff_second_factor != "optional" and not self.second_factor_key:
            wanted = self.staff_second_factor
            raise ValueError(f"STAFF_SECOND_FACTOR is {wanted}, so SECOND_FACTOR_KEY must be set")
        for group in _TOGETHER:
            is_set = {bool(str(getattr(self, name))) for name in group}  # a set secret gives "***"
            if len(is_set) > 1:
                *names, last = (name.upper() for name in group)
                raise ValueError(f"{', '.join(names)} and {last} belong together")
        return self

    @model_validator(mode="after")
    def _check_live_key(self) -> Self:
        if self.demo and self.livemode:
            raise ValueError("STRIPE_SECRET_KEY: the demo refuses a live key; use sk_test_…")
        for name in ("public_url", "stripe_api_base"):
            if self.livemode and not getattr(self, name).startswith("https://"):
                raise ValueError(f"{name.upper()} must begin with https:// with a live key")
        return self

    @model_validator(mode="after")
    def _check_database(self) -> Self:
        if self.database_tls == "required":
            check_database_tls(self.database_url)
        return self

    @model_validator(mode="after")
    def _check_mail(self) -> Self:
        if self.mail_server and self.letters_folder:
            raise ValueError("SMTP_URL and LETTERS_FOLDER are both set; leave one empty")
        if self.writes_letters and not self.mail_from:
            raise ValueError("MAIL_FROM is empty; set the sender's address of e-mails to donors")
        if self.seal_to and not self.writes_letters:
            raise ValueError("SEAL_TO is set, but no e-mail can be sent; set SMTP_URL too")
        return self

    @property
    def mail_server(self) -> MailServer | None:
        """The mail server of SMTP_URL; None if that setting is empty."""
        url = self.smtp_url.get_secret_value()
        return read_mail_server(url) if url else None

    @property
    def writes_letters(self) -> bool:
        """Whether the settings name a mail server or a folder for e-mails to donors."""
        return bool(self.mail_server or self.letters_folder)

    @property
    def livemode(self) -> bool:
        """Whether the Stripe key is a live key, with which payments move real money."""
        return "_live_" in self.stripe_secret_key.get_secret_value()[:8]

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The webhook signing secrets. There are two while the operator replaces one."""
        return tuple(secret.get_secret_value() for secret in self.stripe_webhook_secret)


def _secret_folders() -> list[Path]:
    # Containers get secrets as files in the first folder, units of systemd in the second.
    names = ("/run/secrets", os.environ.get("CREDENTIALS_DIRECTORY", ""))
    return [Path(name) for name in names if name and Path(name).is_dir()]


def load_settings(env_file: Path | None = Path(".env"), **values: Any) -> Settings:
    """Read the settings from the environment, `env_file` and secret files; `values` override all.

    Raises Misconfigured. The message names each wrong variable, but never contains its value.
    """
    try:
        return Settings(_env_file=env_file, _secrets_dir=_secret_folders(), **values)
    except SettingsError as error:
        raise Misconfigured(f"a secret cannot be read from its file: {error.__cause__}") from None
    except ValidationError as error:
        lines = []
        for problem in error.errors(include_input=False, include_url=False):
            name = str(problem["loc"][0]).upper() if problem["loc"] else ""
            is_missing = problem["type"] == "missing"
            message = "is not set" if is_missing else problem["msg"].removeprefix("Value error, ")
            lines.append(f"{name} {message}" if name else message)
        raise Misconfigured("\n".join([*lines, "See .env.example for every setting."])) from None
