"""The gifts endpoints: open a gift, with idempotent retries, and read a gift's status.

A gift is committed before Stripe is asked to prepare its payment. The idempotency key is stored as
a hash, never logged.
"""

import uuid
from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Path, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlmodel import Session
from starlette.exceptions import HTTPException

from donate.api.choices import read_new_gift, recorded_fields, requested_fields
from donate.api.description import refusals
from donate.api.idempotency_keys import MIN_LENGTH, NAME, REPLAY_LIFE, form_key_of_program
from donate.api.next_step import next_step_as_json
from donate.api.schemas import KnownGift, NewGift, NextInstructions, NextRedirect, OpenedGift
from donate.api.strict_json import StrictJsonRoute
from donate.breaker.breaker import Breaker, Visitor
from donate.clock import Clock
from donate.errors import N_, BadInput, NotCounted, NotFound, StripeRefused
from donate.gifts.links.gift_links import GiftLinks
from donate.gifts.models import Gift
from donate.gifts.opening import open_gift
from donate.gifts.queries import donor_of, gift_by_id, wish_of
from donate.gifts.status import STILL_PAYABLE, StatusName
from donate.modes import Modes, NextStep
from donate.regions.regions import Region, Regions, UnknownCode
from donate.storage.database import Database
from donate.web.limits.networks import address_of
from donate.web.problem_documents import BadHeader

_USED_FOR_ANOTHER: Final = N_(
    "This key was used for another gift. Please send a new key for a new gift."
)
_TOO_OLD: Final = N_(
    "The gift with this key was recorded more than a day ago. Please send a new key for a new gift."
)

IdempotencyKey = Annotated[
    str,
    Header(
        alias=NAME,
        min_length=MIN_LENGTH,
        max_length=255,
        pattern="^[!-~]+$",
        description="Your own key for this gift: 128 random bits as 22 to 255 visible ASCII "
        "characters, such as a new UUID of version 4. For 24 hours, the same key with the same "
        "body returns the same gift; it never opens a second one. Keep it as secret as the gift's "
        "token, which the answer has. A key that others could guess is refused.",
        examples=["6f1c2a4e-5d6b-4f0e-9a55-0d2f4b1c7e88"],
    ),
]
DonateProof = Annotated[
    str,
    Header(
        alias="Donate-Proof",
        max_length=200,
        description="The proof that a challenge is passed. A 403 answer has the challenge.",
    ),
]
Bearer = Annotated[
    HTTPAuthorizationCredentials | None,
    Depends(
        HTTPBearer(
            auto_error=False,
            scheme_name="GiftToken",
            description="The token returned when the gift was opened, or a staff token.",
        )
    ),
]


StaffTokenCheck = Callable[[Session, str], bool]
"""A function of `donate.finance` that returns whether a token is a staff token."""


class GiftRoutes:
    """The routes `POST /gifts` and `GET /gifts/{gift_id}`."""

    def __init__(
        self,
        database: Database,
        regions: Regions,
        modes: Modes,
        clock: Clock,
        links: GiftLinks,
        *,
        breaker: Breaker,
        is_staff_token: StaffTokenCheck,
    ) -> None:
        self._database = database
        self._regions = regions
        self._modes = modes
        self._clock = clock
        self._links = links
        self._breaker = breaker
        self._is_staff_token = is_staff_token
        self.router = APIRouter()
        self.router.add_api_route(
            "/gifts",
            self.open_gift,
            methods=["POST"],
            status_code=201,
            response_description="The gift is recorded. The same key and body return it again.",
            responses={
                201: {"headers": _HEADERS, "links": _LINKS},
                **refusals(400, 403, 408, 409, 413, 415, 422, 429, 503),
            },
            route_class_override=StrictJsonRoute,
        )
        self.router.add_api_route(
            "/gifts/{gift_id}",
            self.show_gift,
            methods=["GET"],
            response_description="The gift and its status.",
            responses=refusals(401, 404, 503),
        )

    def open_gift(
        self,
        new: NewGift,
        idempotency_key: IdempotencyKey,
        request: Request,
        response: Response,
        *,
        proof: DonateProof = "",
    ) -> OpenedGift:
        """Record a gift, and return the donor's next step.

        Answers 422 if the region does not offer what a well-formed body requests. After a 503
        answer, send the same request with the same key again, to continue the same gift. If Stripe
        refuses the payment, `next` leads to the gift's page, which offers other modes.
        """
        choice = read_new_gift(new, self._region_of(new))
        form_key, now = form_key_of_program(idempotency_key), self._clock.now()
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        with self._database.reading() as session:
            is_trusted = kind.lower() == "bearer" and self._is_staff_token(session, token)
        address = address_of(request)
        visitor = Visitor(address, form_key, proof=proof, is_trusted=is_trusted)
        is_new = self._breaker.admit_once(
            choice.mode, choice.region.code, choice.email, visitor, form_key=form_key
        )
        with self._database.writing() as session:
            gift = open_gift(session, choice, form_key, now=now, address=address)
            recorded = recorded_fields(gift, donor_of(session, gift), wish_of(session, gift))
            if recorded != requested_fields(choice):
                raise BadHeader(NAME, _USED_FOR_ANOTHER)
            if now - gift.opened_at >= REPLAY_LIFE:
                raise BadHeader(NAME, _TOO_OLD)
        step = self._begin(gift, choice.email, visitor, is_new=is_new)
        response.headers["Location"] = f"/api/v1/gifts/{gift.id}"
        if not is_new:
            response.headers["Idempotency-Replayed"] = "true"
        return OpenedGift(
            id=gift.id,
            reference=gift.reference,
            status=gift.status,
            token=self._links.token(gift),
            status_url=self._links.page(gift),
            next=step,
        )

    def show_gift(
        self,
        gift_id: Annotated[str, Path(json_schema_extra={"format": "uuid"})],
        credentials: Bearer,
    ) -> KnownGift:
        """Return a gift to a request that has the gift's token or a staff token.

        A wrong token and a missing gift get the same answer.
        """
        if credentials is None:
            raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})
        gift = self._find(gift_id)
        sent = credentials.credentials
        is_opened = self._links.opens(sent, gift)
        if gift is None or not (is_opened or self._may_read_all(sent)):
            raise NotFound("no such gift")
        return KnownGift(
            id=gift.id,
            reference=gift.reference,
            status=gift.status,
            code=gift.code,
            mode=gift.mode,
            currency=gift.currency,
            amount_minor=gift.amount_minor,
            received_minor=gift.received_minor,
            net_minor=gift.net_minor,
            opened_at=gift.opened_at,
            status_url=self._links.page(gift),
        )

    def _region_of(self, new: NewGift) -> Region:
        try:
            return self._regions.find(new.code)
        except UnknownCode as unknown:
            if unknown.suggestion is None:
                raise BadInput("code", N_("We couldn’t find that giving code.")) from None
            message = N_("We couldn’t find that giving code. Did you mean %(code)s?")
            raise BadInput("code", message, {"code": unknown.suggestion}) from None

    def _begin(
        self, gift: Gift, email: str, visitor: Visitor, *, is_new: bool
    ) -> NextRedirect | NextInstructions:
        has_ended = gift.mode.through_stripe and gift.status != StatusName.AWAITED
        if gift.status not in STILL_PAYABLE or (has_ended and not is_new):
            # The same request came again, after the gift was paid or its session ended. Lead to the
            # gift's page, where the breaker counts the next attempt to pay.
            return NextRedirect(url=self._links.page(gift))
        try:
            step = self._begin_once(gift, email, visitor, is_new=is_new)
        except StripeRefused as refused:
            if not refused.is_final:
                raise
            # Stripe would refuse a retry too, so lead to the gift's page, which offers other modes.
            return NextRedirect(url=f"{self._links.page(gift)}?problem=refused")
        return next_step_as_json(step, gift.language)

    def _begin_once(self, gift: Gift, email: str, visitor: Visitor, *, is_new: bool) -> NextStep:
        try:
            return self._modes[gift.mode].begin(gift, is_counted=is_new)
        except NotCounted:
            self._breaker.admit(gift.mode, gift.code, email, visitor)
            return self._modes[gift.mode].begin(gift)

    def _may_read_all(self, token: str) -> bool:
        with self._database.reading() as session:
            return self._is_staff_token(session, token)

    def _find(self, gift_id: str) -> Gift | None:
        try:
            key = uuid.UUID(gift_id)
        except ValueError:
            return None
        with self._database.reading() as session:
            return gift_by_id(session, key)


_HEADERS: Final = {
    "Location": {
        "description": "The address of the gift; read it with the gift's token.",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Idempotency-Replayed": {
        "description": "The gift was recorded before with the same key.",
        "schema": {"type": "string", "enum": ["true"]},
    },
}
_LINKS: Final = {
    "show_gift": {
        "operationId": "show_gift",
        "parameters": {"gift_id": "$response.body#/id"},
        "description": "With the token as a Bearer token.",
    }
}
