"""The one error tree. Rooms raise these; the web edge turns them into answers.

DonateError
├── BadInput            what somebody typed: one sentence about one field
│   └── BadHeader       the same about a header (in `api.problems`)
├── BadInputs           several of them, found in one go
├── NotFound            no such thing, or not yours: the two look the same
│   └── UnknownCode     no such giving code, and which was perhaps meant (in `regions`)
├── Conflict            true once, but not together with what is already recorded
├── TooManyTries        nothing was recorded; wait, or choose another way
├── Misconfigured       the operator has to mend a setting or a file
└── Unavailable         nothing is wrong with the request; try again
    ├── DatabaseBusy
    ├── MailUnavailable      the mail server did not take a letter now
    │   └── MailRefused      it will never take this letter
    └── StripeUnavailable    the outcome is unknown: ask again with the same key
        ├── StripeRefused    Stripe said no: the same request will be refused again
        └── StripeKeyRefused Stripe does not accept our key: staff must act
"""

from collections.abc import Mapping, Sequence
from typing import Final


def N_(message: str) -> str:  # noqa: N802 -- gettext's own name for "translate this later"
    """Mark a sentence for translation at the place where it is shown."""
    return message


class DonateError(Exception):
    """Base of everything this service raises on purpose."""


class BadInput(DonateError):
    """One sentence about one field. `message` is a msgid; `values` fill its %(name)s places."""

    def __init__(self, field: str, message: str, values: Mapping[str, str] | None = None) -> None:
        self.field = field
        self.message = message
        self.values = dict(values or {})
        super().__init__(field, message % self.values)


class BadInputs(DonateError):
    """All that is wrong with one form, so that nobody mends fields one at a time."""

    def __init__(self, problems: Sequence[BadInput]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{p.field}: {p.message % p.values}" for p in problems))


class NotFound(DonateError):
    """Nothing here by that name, or nothing that this person may see."""


class Conflict(DonateError):
    """The request contradicts what is recorded. The message says what, and what to do."""


class TooManyAttempts(DonateError):
    """More than one network, or all of them together, may try within `retry_after_s`."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class Misconfigured(DonateError):
    """A setting or a file is wrong. The message names it and says how to mend it."""


class Unavailable(DonateError):
    """Try again in a moment; nothing was lost."""

    retry_after_s: Final = 5


class DatabaseBusy(Unavailable):
    """The database cannot take a write just now."""


class MailUnavailable(Unavailable):
    """The mail server took no letter just now. The message names no address and no secret.

    With `may_have_acted` the connection broke while a letter was handed over: it may have gone out.
    """

    def __init__(self, message: str, *, may_have_acted: bool = False) -> None:
        self.may_have_acted = may_have_acted
        super().__init__(message)


class MailRefused(MailUnavailable):
    """The mail server will never take this letter; the message is its code."""


class StripeUnavailable(Unavailable):
    """Stripe gave no usable answer; whether it acted is unknown.

    `told` is what Stripe said, for staff alone: it goes into the database, and never into a log.
    """

    def __init__(self, message: str, *, told: Mapping[str, str] | None = None) -> None:
        self.told = dict(told or {})
        super().__init__(message)


class StripeRefused(StripeUnavailable):
    """Stripe answered no, and will answer the same to the same request.

    `code` is Stripe's word for why, or the parameter that was wrong, which is `param`. With
    `may_have_acted`, Stripe only repeats that it failed, or that the key was used for something
    else: look before asking with another key.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        param: str = "",
        may_have_acted: bool = False,
        told: Mapping[str, str] | None = None,
    ) -> None:
        self.code = code
        self.param = param
        self.may_have_acted = may_have_acted
        super().__init__(message, told=told)

    @property
    def is_final(self) -> bool:
        """Whether nothing was done, and trying again would change nothing."""
        return not self.may_have_acted


class StripeKeyRefused(StripeUnavailable):
    """Stripe does not accept our secret key."""
