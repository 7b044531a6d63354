"""The gifts endpoints: open a gift, with idempotent retries, and read a gift's status.

A gift is committed before Stripe is asked to prepare its payment. The idempotency key is stored as
a hash, never logged.
"""

import secrets
import uuid
from collections.abc import Callable
from hashlib import sha256
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Path, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlmodel import Session
from starlette.exceptions import HTTPException

from donate.api.choices import read_new_gift, recorded_fields, requested_fields
from donate.api.description import refusals
from donate.api.next_step import next_step_as_json
from donate.api.schemas import KnownGift, NewGift, NextInstructions, NextRedirect, OpenedGift
from donate.api.strict_json import StrictJsonRoute
from donate.clock import Clock
from donate.errors import N_, BadInput, NotFound, StripeRefused
from donate.gifts.models import Gift
from donate.gifts.opening import count_and_open
from donate.gifts.queries import donor_of, gift_by_id, wish_of
from donate.gifts.status import STILL_PAYABLE
from donate.modes import Modes
from donate.regions.regions import Region, Regions, UnknownCode
from donate.storage.database import Database
from donate.web.giving_limits import GivingLimits, address_of
from donate.web.problem_documents import BadHeader

# If no gift has the requested id, compare the request's token with this dummy token. Without this
# comparison, the answer would come faster and reveal that the gift does not exist.
_UNUSED_TOKEN: Final = secrets.token_urlsafe(16)

IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=16,
        max_length=255,
        pattern="^[!-~]+$",
        description="Your own key for this gift: 16 to 255 visible ASCII characters, such as a "
        "new UUID. The same key with the same body returns the same gift and never opens a second "
        "one. It has to be long so that two callers never choose the same key.",
        examples=["6f1c2a4e-5d6b-4f0e-9a55-0d2f4b1c7e88"],
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
        public_url: str,
        *,
        limits: GivingLimits,
        is_staff_token: StaffTokenCheck,
    ) -> None:
        self._database = database
        self._regions = regions
        self._modes = modes
        self._clock = clock
        self._public_url = public_url
        self._limits = limits
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
                **refusals(400, 408, 409, 413, 415, 422, 429, 503),
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
    ) -> OpenedGift:
        """Record a gift, and return the donor's next step.

        Answers 422 if the region does not offer what a well-formed body requests. After a 503
        answer, send the same request with the same key again, to continue the same gift. If Stripe
        refuses the payment, `next` leads to the gift's page, which offers other modes.
        """
        choice = read_new_gift(new, self._region_of(new))
        form_key = f"api:{sha256(idempotency_key.encode()).hexdigest()}"
        with self._database.writing() as session:
            gift, is_new = count_and_open(
                session,
                choice,
                form_key,
                limits=self._limits,
                address=address_of(request),
                now=self._clock.now(),
            )
            recorded = recorded_fields(gift, donor_of(session, gift), wish_of(session, gift))
            if recorded != requested_fields(choice):
                raise BadHeader(
                    "Idempotency-Key",
                    N_("This key was used for another gift. Please send a new key for a new gift."),
                )
        step = self._begin(gift)
        response.headers["Location"] = f"/api/v1/gifts/{gift.id}"
        if not is_new:
            response.headers["Idempotency-Replayed"] = "true"
        return OpenedGift(
            id=gift.id,
            reference=gift.reference,
            status=gift.status,
            token=gift.token,
            status_url=self._page_of(gift),
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
        token = gift.token if gift else _UNUSED_TOKEN
        sent = credentials.credentials
        matches = secrets.compare_digest(sent.encode(), token.encode())
        if gift is None or not (matches or self._may_read_all(sent)):
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
            status_url=self._page_of(gift),
        )

    def _region_of(self, new: NewGift) -> Region:
        try:
            return self._regions.find(new.code)
        except UnknownCode as unknown:
            if unknown.suggestion is None:
                raise BadInput("code", N_("We couldn’t find that giving code.")) from None
            message = N_("We couldn’t find that giving code. Did you mean %(code)s?")
            raise BadInput("code", message, {"code": unknown.suggestion}) from None

    def _begin(self, gift: Gift) -> NextRedirect | NextInstructions:
        if gift.status not in STILL_PAYABLE:
            # The request was repeated after the gift had been paid, so lead to the gift's page.
            return NextRedirect(url=self._page_of(gift))
        try:
            step = self._modes[gift.mode].begin(gift)
        except StripeRefused as refused:
            if not refused.is_final:
                raise
            # Stripe would refuse a retry too, so lead to the gift's page, which offers other modes.
            return NextRedirect(url=f"{self._page_of(gift)}?problem=refused")
        return next_step_as_json(step, gift.language)

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

    def _page_of(self, gift: Gift) -> str:
        return f"{self._public_url}/gifts/{gift.token}"


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
