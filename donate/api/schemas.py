"""What other programs send and are sent. Amounts are whole minor units; unknown keys are refused.

The limits here are those of any gift anywhere; a region's own are checked by `gifts.choice`.
"""

import uuid
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from donate.gifts.choosing.options import MAX_NOTE, MAX_TRIBUTE, Tribute, Wishes, tidy_words
from donate.gifts.status import StatusName
from donate.money import MAX_AMOUNT_MINOR
from donate.regions.modes import Mode
from donate.regions.regions import Code, Country, Frequency

AmountMinor = Annotated[
    int,
    Field(
        strict=True,
        ge=1,
        le=MAX_AMOUNT_MINOR,
        description="Whole minor units of the currency: 5000 is fifty dollars, or 5000 yen, in "
        "digits alone. The region's limits for the mode apply as well.",
        examples=[5000],
    ),
]
CurrencyCode = Annotated[
    str,
    Field(
        pattern="^[A-Z]{3}$",
        description="ISO 4217, in capitals; has to be the region's.",
        examples=["CAD"],
    ),
]
LanguageTag = Annotated[
    str,
    Field(
        pattern="^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$",
        description="What the donor reads; the region's nearest language is taken.",
        examples=["fr-CA"],
    ),
]


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NewDonor(_Sent):
    """Who gives."""

    name: Annotated[str, Field(min_length=1, max_length=200, examples=["Ann Lee"])]
    email: Annotated[
        str,
        Field(
            min_length=3,
            max_length=254,
            json_schema_extra={"format": "email"},
            examples=["ann@example.com"],
        ),
    ]


class NewTribute(_Sent):
    """In whose honour or memory."""

    kind: Annotated[Tribute, Field(examples=["memory"])]
    name: Annotated[str, Field(min_length=1, max_length=MAX_TRIBUTE, examples=["Ann Lee"])]


class NewGift(_Sent):
    """What a donor chose."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "code": "LWCAN",
                    "mode": "interac",
                    "amount_minor": 5000,
                    "currency": "CAD",
                    "frequency": "once",
                    "country": "CA",
                    "language": "fr-CA",
                    "donor": {"name": "Ann Lee", "email": "ann@example.com"},
                }
            ]
        }
    )

    code: Annotated[Code, Field(description="The giving code, in capitals.", examples=["LWCAN"])]
    mode: Annotated[Mode, Field(examples=["interac"])]
    amount_minor: AmountMinor
    currency: CurrencyCode
    frequency: Annotated[Frequency, Field(examples=["once"])]
    country: Annotated[
        Country,
        Field(description="Where the donor lives, ISO 3166-1 in capitals.", examples=["CA"]),
    ]
    language: LanguageTag | None = None
    donor: NewDonor
    fund: Annotated[
        str, Field(max_length=32, description="One of the region's funds; empty for none.")
    ] = ""
    anonymous: Annotated[bool, Field(strict=True, description="Not to be named in public.")] = False
    note: Annotated[str, Field(max_length=MAX_NOTE, description="Some words to us.")] = ""
    tribute: NewTribute | None = None
    cover_fee: Annotated[
        bool,
        Field(
            strict=True,
            description="Add what the mode's fee takes, so that amount_minor arrives whole.",
        ),
    ] = False

    def wishes(self) -> Wishes:
        """Return what was added to the gift."""
        return Wishes(
            fund=self.fund,
            is_anonymous=self.anonymous,
            note=tidy_words(self.note),
            tribute_kind=self.tribute.kind if self.tribute else "",
            tribute_name=tidy_words(self.tribute.name) if self.tribute else "",
            covers_fee=self.cover_fee,
        )


class NextRedirect(BaseModel):
    """Send the donor to this address."""

    kind: Literal["redirect"] = "redirect"
    url: Annotated[str, Field(json_schema_extra={"format": "uri"})]


class GivingWay(BaseModel):
    """One way to give in which the donor quotes the code, in the gift's language."""

    name: str
    instructions: str


class NextInstructions(BaseModel):
    """Show the donor how to pay this exact amount, quoting this reference."""

    kind: Literal["instructions"] = "instructions"
    mode: Mode
    code: str
    amount_minor: AmountMinor
    currency: CurrencyCode
    reference: str
    send_to: Annotated[str | None, Field(description="Where an e-Transfer goes.")]
    parts_minor: Annotated[
        list[AmountMinor],
        Field(description="How to split an amount that a bank may not let go at once."),
    ]
    ways: Annotated[
        list[GivingWay], Field(description="Ways to give, each with what to do, if any.")
    ]
    text: Annotated[str | None, Field(description="The region's own words, in the gift's language")]
    contact: Annotated[str | None, Field(description="Whom the donor can write to.")]


class OpenedGift(BaseModel):
    """A gift that is recorded, and what the donor does next."""

    id: uuid.UUID
    reference: Annotated[str, Field(examples=["LWCAN-7KQ4M2X"])]
    status: StatusName
    token: Annotated[str, Field(description="Opens this one gift; treat it as a secret.")]
    status_url: Annotated[
        str,
        Field(
            description="The donor's page of this gift; holds the token.",
            json_schema_extra={"format": "uri"},
        ),
    ]
    next: Annotated[NextRedirect | NextInstructions, Field(discriminator="kind")]


class KnownGift(BaseModel):
    """What is known of a gift. Amounts in minor units of its currency."""

    id: uuid.UUID
    reference: str
    status: StatusName
    code: str
    mode: Mode
    currency: CurrencyCode
    amount_minor: Annotated[AmountMinor, Field(description="What the donor chose.")]
    received_minor: Annotated[int, Field(ge=0, description="What came in.")]
    net_minor: Annotated[int, Field(ge=0, description="What is left after refunds and disputes.")]
    opened_at: datetime
    status_url: Annotated[str, Field(json_schema_extra={"format": "uri"})]


class OfferedFee(BaseModel):
    """What a donor may offer to cover: hundredths of a percent, and so many minor units."""

    basis_points: int
    fixed_minor: int


class OfferedMode(BaseModel):
    """On which terms a region offers a mode."""

    mode: Mode
    min_minor: int
    max_minor: int
    countries: Annotated[
        list[str], Field(description="Donors' countries that may use it; empty means any.")
    ]
    monthly: Annotated[bool, Field(description="Whether it can be collected every month.")]
    fee: Annotated[OfferedFee | None, Field(description="What a donor may offer to cover.")]


class OfferedRegion(BaseModel):
    """What a giving code stands for, for a page that embeds giving."""

    code: Code
    name: Annotated[dict[str, str], Field(examples=[{"en": "Canada", "fr": "Canada"}])]
    country: Country
    currency: CurrencyCode
    minor_digits: Annotated[
        int, Field(ge=0, le=3, description="How many digits of an amount stand after the mark.")
    ]
    minor_step: Annotated[int, Field(ge=1, description="Amounts are multiples of this.")]
    languages: list[str]
    frequencies: list[Frequency]
    presets_minor: list[AmountMinor]
    modes: list[OfferedMode]
    options: Annotated[
        list[Literal["anonymous", "note", "tribute"]],
        Field(description="What may be added to a gift."),
    ]
    funds: Annotated[
        dict[str, dict[str, str]],
        Field(description="What a gift may be for, with its name in each language."),
    ]
    give_url: Annotated[
        str,
        Field(description="The donor's page for this code.", json_schema_extra={"format": "uri"}),
    ]
