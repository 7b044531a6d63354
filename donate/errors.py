"""All exceptions of the service. `web.error_answers` turns them into responses.

DonateError
├── BadInput            one field is wrong
│   └── BadHeader       one header is wrong (in `web.problem_documents`)
├── BadInputs           several fields are wrong
├── NotFound            the requested thing does not exist, or the caller may not see it
│   └── UnknownCode     no region has this giving code (in `regions`)
├── Conflict            the request contradicts recorded data
├── TooManyAttempts     nothing was recorded; wait, or choose another mode
├── ChallengeNeeded     nothing was recorded; pass the challenge, then send the same again
├── NotCounted          the breaker has to count this attempt before a session is opened
├── Misconfigured       the operator has to correct a setting or a file
└── Unavailable         the request cannot be handled now; retry later
    ├── TooBusy              too many requests of this kind are running; retry later
    ├── DatabaseBusy         the database cannot be used now
    ├── ReceiverUnavailable  a program that gets webhooks gave no answer
    ├── MailUnavailable      the mail server did not accept an e-mail now
    │   └── MailRefused      the mail server will never accept this e-mail
    └── StripeUnavailable    the outcome is unknown; retry with the same idempotency key
        ├── StripeRefused    Stripe refused, and would refuse the same request again
        └── StripeKeyRefused Stripe does not accept our key; staff must act
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypedDict, TypeVar

T = TypeVar("T")


def N_(message: str) -> str:  # noqa: N802 -- gettext's name for it
    """Mark a message for translation, and return it unchanged. Pages translate it."""
    return message


class DonateError(Exception):
    """Base class of the service's own exceptions."""


class Msgid(str):
    """A value of a placeholder that is translated too, because it is itself a msgid."""

    __slots__ = ()


class BadInput(DonateError):
    """An input field is wrong. `message` is a msgid; `values` fill its %(name)s placeholders."""

    def __init__(self, field: str, message: str, values: Mapping[str, str] | None = None) -> None:
        self.field = field
        self.message = message
        self.values = dict(values or {})
        super().__init__(field, message % self.values)

    @property
    def problems(self) -> "tuple[BadInput, ...]":
        """A tuple with only this error. `BadInputs.problems` has several errors."""
        return (self,)


class BadInputs(DonateError):
    """All wrong fields of one form, reported together."""

    def __init__(self, problems: Sequence[BadInput]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{p.field}: {p.message % p.values}" for p in problems))


def check_field(problems: list[BadInput], check: Callable[[], T]) -> T | None:
    """Run a field's check. If it raises BadInput, add the error to `problems` and return None."""
    try:
        return check()
    except BadInput as problem:
        problems.append(problem)
        return None


class NotFound(DonateError):
    """The requested thing does not exist, or the caller may not see it."""


class Conflict(DonateError):
    """The request contradicts recorded data. The message says how, and what the caller can do.

    `message` is a msgid; `values` fill its %(name)s placeholders.
    """

    def __init__(self, message: str, values: Mapping[str, str] | None = None) -> None:
        self.message = message
        self.values = dict(values or {})
        super().__init__(message % self.values if self.values else message)


class TooManyAttempts(DonateError):
    """One network, or all networks together, tried too often, for example to open gifts.

    The caller may retry after `retry_after_s` seconds.
    """

    def __init__(self, message: str, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class ChallengeNeeded(DonateError):
    """A challenge has to be passed first. Nothing was recorded; send the same again with a proof.

    There are two proofs. `token` alone is accepted after `wait_s` seconds. `token:work` is accepted
    at once if its SHA-256 hash begins with `bits` zero bits; try numbers as `work` until it does.
    """

    def __init__(self, token: str, bits: int, wait_s: int) -> None:
        self.token = token
        self.bits = bits
        self.wait_s = wait_s
        super().__init__("a challenge has to be passed first")


class NotCounted(DonateError):
    """A gift needs another checkout session, and the breaker has not counted this attempt.

    Nothing was recorded. The caller lets the breaker count the attempt, and begins again.
    """


class Misconfigured(DonateError):
    """A setting or a file is wrong. The message names it and says how to correct it."""


class Unavailable(DonateError):
    """The request cannot be handled now. Nothing was lost; retry after `retry_after_s` seconds."""

    retry_after_s = 5


class TooBusy(Unavailable):
    """Too many requests of one kind are running. The message is a msgid that names the kind."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class DatabaseBusy(Unavailable):
    """The database cannot be used now."""


class ReceiverUnavailable(Unavailable):
    """A program that gets webhooks gave no answer. The message is a msgid that says why."""


class MailUnavailable(Unavailable):
    """The mail server did not accept an e-mail. The message contains no address and no secret.

    If `may_have_acted` is true, the connection broke during sending, and the e-mail may have been
    sent.
    """

    def __init__(self, message: str, *, may_have_acted: bool = False) -> None:
        self.may_have_acted = may_have_acted
        super().__init__(message)


class MailRefused(MailUnavailable):
    """The mail server will never accept this e-mail. The message is the server's error code."""


class RefusalDetails(TypedDict, total=False):
    """What Stripe says about an error: its code, its message, and its id for the request."""

    code: str
    message: str
    request_id: str


class StripeUnavailable(Unavailable):
    """Stripe gave no usable answer, so nobody knows whether the request had an effect.

    `told` is Stripe's own description of the error, for staff to read. It may be stored in the
    database, but must not be logged.
    """

    def __init__(self, message: str, *, told: RefusalDetails | None = None) -> None:
        self.told: Final[RefusalDetails] = told or {}
        super().__init__(message)


class StripeRefused(StripeUnavailable):
    """Stripe refused the request, and would refuse the same request again.

    `code` is Stripe's error code; if Stripe gave none, `param` names the request parameter that
    Stripe refused. If `may_have_acted` is true, Stripe repeated an earlier failure, or the
    idempotency key was used for another request. In both cases, look up what exists at Stripe
    before retrying with another key.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        param: str = "",
        may_have_acted: bool = False,
        told: RefusalDetails | None = None,
    ) -> None:
        self.code = code
        self.param = param
        self.may_have_acted = may_have_acted
        super().__init__(message, told=told)

    @property
    def is_final(self) -> bool:
        """Whether Stripe certainly did nothing, and would also refuse a retry."""
        return not self.may_have_acted


class StripeKeyRefused(StripeUnavailable):
    """Stripe does not accept our secret key."""
