"""The JSON that programs send and receive. Amounts are whole minor units; unknown keys are refused.

The limits in these models apply to all regions. `gifts.choosing.choice` checks the region's limits.
"""

import uuid
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from donate.gifts.choosing.options import MAX_NOTE, MAX_TRIBUTE, Tribute, Wishes, tidy_words
from donate.gifts.status import StatusName
from donate.money import MAX_AMOUNT_MINOR
from donate.regions.modes import DONOR_MODES, Mode
from donate.regions.regions import Code, Country, Frequency

AmountMinor = Annotated[
    int,
    Field(
        strict=True,
        ge=1,
        le=MAX_AMOUNT_MINOR,
        description="Whole minor units of the currency: 5000 is fifty dollars, or 5000 yen. "
        "Digits only. The region's limits for the mode also apply.",
        examples=[5000],
    ),
]
# The OpenAPI document lists only DONOR_MODES. A gift in another mode is refused, because no region
# offers that mode.
DonorMode = Annotated[
    Mode, WithJsonSchema({"type": "string", "enum": [str(mode) for mode in DONOR_MODES]})
]
CurrencyCode = Annotated[
    str,
    Field(
        pattern="^[A-Z]{3}$",
        description="ISO 4217, in capitals. Has to be the region's currency.",
        examples=["CAD"],
    ),
]
LanguageTag = Annotated[
    str,
    Field(
        pattern="^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$",
        description="The donor's language. The nearest language of the region is used.",
        examples=["fr-CA"],
    ),
]


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class NewDonor(_Sent):
    """The person or organisation that gives."""

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
    """The person in whose honour or memory the gift is made."""

    kind: Annotated[Tribute, Field(examples=["memory"])]
    name: Annotated[str, Field(min_length=1, max_length=MAX_TRIBUTE, examples=["Ann Lee"])]


class NewGift(_Sent):
    """A donor's choice, from which a gift is opened."""

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
    mode: Annotated[DonorMode, Field(examples=["interac"])]
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
    anonymous: Annotated[bool, Field(strict=True, description="Give anonymously.")] = False
    note: Annotated[str, Field(max_length=MAX_NOTE, description="A message to us.")] = ""
    tribute: NewTribute | None = None
    cover_fee: Annotated[
        bool,
        Field(
            strict=True,
            description="Add the mode's fee to the amount, so that we receive all of amount_minor.",
        ),
    ] = False

    def wishes(self) -> Wishes:
        """Return the options that the donor chose."""
        return Wishes(
            fund=self.fund,
            is_anonymous=self.anonymous,
            note=tidy_words(self.note),
            tribute_kind=self.tribute.kind if self.tribute else "",
            tribute_name=tidy_words(self.tribute.name) if self.tribute else "",
            covers_fee=self.cover_fee,
        )


class NextRedirect(BaseModel):
    """The donor's next step is the page at this URL."""

    kind: Literal["redirect"] = "redirect"
    url: Annotated[str, Field(json_schema_extra={"format": "uri"})]


class GivingWay(BaseModel):
    """One way to pay with the giving code, in the gift's language."""

    name: str
    instructions: str


class NextInstructions(BaseModel):
    """The donor's next step is to pay this exact amount and quote this reference."""

    kind: Literal["instructions"] = "instructions"
    mode: DonorMode
    code: str
    amount_minor: AmountMinor
    currency: CurrencyCode
    reference: str
    send_to: Annotated[str | None, Field(description="The e-mail address for an e-Transfer.")]
    recipient_name: Annotated[
        str | None, Field(description="The name that the donor's bank may show for this address.")
    ]
    parts_minor: Annotated[
        list[AmountMinor],
        Field(description="Parts for an amount above the limit of many banks."),
    ]
    ways: Annotated[list[GivingWay], Field(description="The ways to give, with instructions.")]
    text: Annotated[str | None, Field(description="The region's text, in the gift's language.")]
    contact: Annotated[str | None, Field(description="The e-mail address for questions.")]


class OpenedGift(BaseModel):
    """A gift that was recorded, and the donor's next step."""

    id: uuid.UUID
    reference: Annotated[str, Field(examples=["LWCAN-7KQ4M2X"])]
    status: StatusName
    token: Annotated[str, Field(description="Gives access to this gift. Keep it secret.")]
    status_url: Annotated[
        str,
        Field(
            description="The donor's page of this gift. Contains the token.",
            json_schema_extra={"format": "uri"},
        ),
    ]
    next: Annotated[NextRedirect | NextInstructions, Field(discriminator="kind")]


class KnownGift(BaseModel):
    """A gift and its status. Amounts are in minor units of the gift's currency."""

    id: uuid.UUID
    reference: str
    status: StatusName
    code: str
    mode: Mode
    currency: CurrencyCode
    amount_minor: Annotated[AmountMinor, Field(description="The amount that the donor chose.")]
    received_minor: Annotated[int, Field(ge=0, description="The amount received.")]
    net_minor: Annotated[int, Field(ge=0, description="Received less refunds and disputes.")]
    opened_at: datetime
    status_url: Annotated[str, Field(json_schema_extra={"format": "uri"})]


class OfferedFee(BaseModel):
    """A fee that a donor can cover: hundredths of a percent, plus a fixed number of minor units."""

    basis_points: int
    fixed_minor: int


class OfferedMode(BaseModel):
    """A mode that a region offers, with its terms."""

    mode: DonorMode
    name: Annotated[dict[str, str], Field(examples=[{"en": "Card", "fr": "Carte"}])]
    help: Annotated[dict[str, str], Field(description="A few words below the name.")]
    min_minor: int
    max_minor: int
    countries: Annotated[
        list[str], Field(description="The donors' countries that can use it; empty means all.")
    ]
    monthly: Annotated[bool, Field(description="Whether it can be collected every month.")]
    not_monthly: Annotated[
        dict[str, str] | None,
        Field(description="Why it cannot be monthly, although other gifts of the region can be."),
    ]
    elsewhere: Annotated[
        dict[str, str] | None,
        Field(description="Why donors who live outside of `countries` cannot use it."),
    ]
    fee: Annotated[OfferedFee | None, Field(description="The fee that a donor can cover.")]


class OfferedAccent(BaseModel):
    """The accent colours of the organisation's pages, light or dark, as `#rrggbb`."""

    base: Annotated[str, Field(description="Buttons and links.", examples=["#1f5c4d"])]
    strong: Annotated[str, Field(description="A button under the pointer.")]
    on: Annotated[str, Field(description="Text on `base`.")]
    wash: Annotated[str, Field(description="The background of a chosen field.")]


class OfferedRegion(BaseModel):
    """A region: what a giving code stands for."""

    code: Code
    name: Annotated[dict[str, str], Field(examples=[{"en": "Canada", "fr": "Canada"}])]
    organisation: Annotated[
        dict[str, str],
        Field(description="The organisation's name in each language; empty if it is not set."),
    ]
    purpose: Annotated[
        dict[str, str], Field(description="What gifts are for; no language if it is not set.")
    ]
    accents: Annotated[
        dict[Literal["light", "dark"], OfferedAccent],
        Field(description="The accent colour in each scheme."),
    ]
    country: Country
    currency: CurrencyCode
    minor_digits: Annotated[
        int, Field(ge=0, le=3, description="The number of digits after the decimal mark.")
    ]
    minor_step: Annotated[int, Field(ge=1, description="Amounts are multiples of this.")]
    languages: list[str]
    frequencies: list[Frequency]
    presets_minor: list[AmountMinor]
    presets_monthly_minor: list[AmountMinor]
    modes: list[OfferedMode]
    options: Annotated[
        list[Literal["anonymous", "note", "tribute"]],
        Field(description="The options that a donor can add to a gift."),
    ]
    funds: Annotated[
        dict[str, dict[str, str]],
        Field(description="The funds, each with its name in each language."),
    ]
    give_url: Annotated[
        str,
        Field(description="The donor's page for this code.", json_schema_extra={"format": "uri"}),
    ]
