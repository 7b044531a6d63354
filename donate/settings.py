"""The settings, from the environment or `.env`. If one is invalid, the service does not start."""

import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic.functional_validators import BeforeValidator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from donate.errors import Misconfigured
from donate.mail_server import MailServer, ascii_host, read_mail_server
from donate.regions.regions import SHIPPED

# A secret with one of these texts is a placeholder that nobody has replaced. `xxx` and `your` are
# left out, because one real key in 300 contains such letters by chance.
_PLACEHOLDERS: Final = tuple(
    "changeme change-me change_me placeholder replace example "
    "your_ your- yourkey yoursecret < ...".split()
)

Words = Annotated[tuple[str, ...], NoDecode]  # values in one variable, separated by commas
_EMPTY_IS_NONE = BeforeValidator(lambda value: None if value == "" else value)
OptionalPath = Annotated[Path | None, _EMPTY_IS_NONE]
OptionalAmount = Annotated[Annotated[int, Field(ge=0)] | None, _EMPTY_IS_NONE]


class Settings(BaseSettings):
    """The settings. Each field is read from the environment variable of its name in upper case."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    database_url: str = "sqlite:///donate.sqlite3"
    public_url: str = "http://127.0.0.1:8000"
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    regions_file: Path = SHIPPED
    books_accounts: OptionalPath = None
    month_second_person_above_minor: OptionalAmount = None

    stripe_secret_key: SecretStr
    stripe_webhook_secret: Annotated[tuple[SecretStr, ...], NoDecode]
    stripe_api_base: str = "https://api.stripe.com"
    stripe_account: str = ""
    checkout_hosts: Words = ("checkout.stripe.com", "billing.stripe.com", "payments.stripe.com")

    embed_origins: Words = ()
    trusted_proxies: Words = ()
    card_gifts_per_network: Annotated[int, Field(ge=1)] = 60
    card_gifts_in_all: Annotated[int, Field(ge=1)] = 3_000
    gifts_per_network: Annotated[int, Field(ge=1)] = 300
    gifts_in_all: Annotated[int, Field(ge=1)] = 20_000
    catchup_every_minutes: Annotated[int, Field(ge=0, le=1_440)] = 60
    smtp_url: SecretStr = SecretStr("")
    letters_folder: OptionalPath = None
    mail_from: str = ""
    transfer_mail_folder: OptionalPath = None
    transfer_mail_keys: OptionalPath = None
    seal_to: str = ""
    staff_second_factor: Literal["required", "optional"] = "optional"
    second_factor_key: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_roles: Words = ()
    oidc_second_factor: Literal["provider", "ours"] = "provider"
    metrics_token: SecretStr = SecretStr("")
    demo: bool = False
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator(
        *("checkout_hosts", "embed_origins", "trusted_proxies", "stripe_webhook_secret"),
        *("second_factor_key", "oidc_roles"),
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
        if "*" in value:
            raise ValueError("must name the proxies: with * any client could fake its address")
        return value

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
        if any(set("/?#@") & set(host) for host in value):
            raise ValueError("must be hosts such as checkout.stripe.com, without https:// or path")
        return tuple(ascii_host(host) for host in value)

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
        if not value:
            return value
        try:
            address = validate_email(value, check_deliverability=False)
        except EmailNotValidError:
            raise ValueError("must be a plain e-mail address: give@example.org") from None
        if address.ascii_email is None:
            raise ValueError(
                "must have no accented letter before the @: many mail servers refuse such an "
                "address. The domain may have them"
            )
        # Many mail servers accept only ASCII domains, so store the domain in ASCII.
        return address.ascii_email

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
        _refuse_placeholder(value)
        if not value.get_secret_value().startswith(
            ("sk_test_", "sk_live_", "rk_test_", "rk_live_")
        ):
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
            _refuse_placeholder(secret)
            if not secret.get_secret_value().startswith("whsec_"):
                raise ValueError(
                    "must be a signing secret: whsec_… (several are separated by commas)"
                )
        return value

    @field_validator("second_factor_key")
    @classmethod
    def _check_keys(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if any(len(secret.get_secret_value()) < 32 for secret in value):
            raise ValueError("must have 32 characters or more: openssl rand -hex 32")
        return value

    @field_validator("oidc_issuer")
    @classmethod
    def _check_issuer(cls, value: str) -> str:
        if value and not re.match(r"https://.|http://(127\.0\.0\.1|localhost)\b", value):
            raise ValueError("must begin with https:// (or http:// on this machine)")
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
        if self.staff_second_factor == "required" and not self.second_factor_key:
            raise ValueError("STAFF_SECOND_FACTOR is required, so SECOND_FACTOR_KEY must be set")
        oidc = (self.oidc_issuer, self.oidc_client_id, self.oidc_client_secret.get_secret_value())
        if any(oidc) and not all(oidc):
            raise ValueError("OIDC_ISSUER, OIDC_CLIENT_ID and OIDC_CLIENT_SECRET belong together")
        return self

    @model_validator(mode="after")
    def _refuse_live_demo(self) -> Self:
        if self.demo and self.livemode:
            raise ValueError("STRIPE_SECRET_KEY: the demo refuses a live key; use sk_test_…")
        return self

    @model_validator(mode="after")
    def _require_https(self) -> Self:
        for name in ("public_url", "stripe_api_base"):
            if self.livemode and not getattr(self, name).startswith("https://"):
                raise ValueError(f"{name.upper()} must begin with https:// with a live key")
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


def _refuse_placeholder(secret: SecretStr) -> None:
    value = secret.get_secret_value()
    if not value:
        raise ValueError("is empty")
    # A placeholder such as whsec_xxxxxxxxxxxx repeats a few characters.
    is_repetitive = len(set(value.rpartition("_")[2])) < 8
    if is_repetitive or len(value) < 16 or any(word in value.lower() for word in _PLACEHOLDERS):
        raise ValueError("looks like a placeholder; put the real secret here")


def load_settings(env_file: Path | None = Path(".env"), **values: Any) -> Settings:
    """Read the settings from the environment and `env_file`; `values` override both.

    Raises Misconfigured. The message names each wrong variable, but never contains its value.
    """
    try:
        return Settings(_env_file=env_file, **values)
    except ValidationError as error:
        lines = []
        for problem in error.errors(include_input=False, include_url=False):
            name = str(problem["loc"][0]).upper() if problem["loc"] else ""
            message = problem["msg"].removeprefix("Value error, ")
            if problem["type"] == "missing":
                message = "is not set"
            lines.append(f"{name} {message}" if name else message)
        raise Misconfigured("\n".join([*lines, "See .env.example for every setting."])) from None


def read_port(name: str, text: str) -> int:
    """Parse a port number. Raises Misconfigured; the message names the setting `name`."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65_536):
        raise Misconfigured(f"{name} must be a port number, such as 8001")
    return int(text)
