"""Control routes of the pretend bank: its lines, its statements, and Interac's e-mails."""

from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from donate.sandbox.bank.interac_mail import (
    DOMAIN,
    SELECTOR,
    MailKind,
    MailLanguage,
    MailSignature,
    interac_mail,
    signing_key,
)
from donate.sandbox.bank.ledger import BankLine
from donate.sandbox.bank.statements import StatementShape, write_statement
from donate.sandbox.control.bodies import ControlBody
from donate.sandbox.errors import no_such
from donate.sandbox.payouts.payouts import play_payouts
from donate.sandbox.store import Store

AccountCurrency = Literal["cad", "usd"]


class Transfer(ControlBody):
    """The body of a request to book an incoming Interac e-Transfer."""

    name: str
    amount: Annotated[int, Field(gt=0)]
    message: str = ""
    reference: str | None = None
    """Interac's reference; by default a new one."""
    day: date | None = None
    """The booking date; by default today's date on the sandbox's clock, in UTC."""
    email: str = ""
    currency: AccountCurrency = "cad"


class OtherLine(ControlBody):
    """The body of a request to book any other line. A negative amount is money that goes out."""

    kind: Literal["fee", "nsf", "own_transfer", "other"]
    amount: int
    name: str = ""
    day: date | None = None
    currency: AccountCurrency = "cad"


def add_bank(router: APIRouter, store: Store) -> None:
    def today() -> date:
        return datetime.fromtimestamp(store.now(), UTC).date()

    @router.post("/bank/transfers")
    async def transfer(body: Transfer) -> dict[str, Any]:
        line = store.bank.book(
            body.day or today(),
            "transfer",
            body.amount,
            body.currency,
            name=body.name,
            reference=body.reference or store.new_id("C1A", 9),
            message=body.message,
            email=body.email,
        )
        return asdict(line)

    @router.post("/bank/lines")
    async def other_line(body: OtherLine) -> dict[str, Any]:
        day = body.day or today()
        return asdict(store.bank.book(day, body.kind, body.amount, body.currency, name=body.name))

    @router.get("/bank/lines")
    async def lines() -> list[dict[str, Any]]:
        play_payouts(store)
        return [asdict(line) for line in store.bank]

    @router.get("/bank/statement")
    async def statement(
        shape: StatementShape,
        first: Annotated[date | None, Query(alias="from")] = None,
        last: Annotated[date | None, Query(alias="to")] = None,
        currency: AccountCurrency = "cad",
    ) -> Response:
        play_payouts(store)
        last = last or today()
        first = first or min((line.day for line in store.bank), default=last)
        file = write_statement(store.bank, shape, first, last, currency)
        headers = {"content-disposition": f'attachment; filename="{file.name}"'}
        return Response(file.content, media_type=file.media_type, headers=headers)

    @router.get("/bank/transfers/{number}/mail")
    async def mail(
        number: int,
        kind: MailKind = "deposited",
        language: MailLanguage = "en",
        to: str = "gifts@charity.example.org",
        signature: MailSignature = "good",
    ) -> Response:
        content = interac_mail(_transfer(store, number), kind, language, to, signature)
        return Response(content, media_type="message/rfc822")

    @router.get("/bank/interac-key")
    async def public_key() -> dict[str, str]:
        return {
            "domain": DOMAIN,
            "selector": SELECTOR,
            "name": f"{SELECTOR}._domainkey.{DOMAIN}.",
            "record": signing_key().record,
        }


def _transfer(store: Store, number: int) -> BankLine:
    line = store.bank.get(number)
    if line is None or line.kind != "transfer":
        raise no_such("transfer", str(number))
    return line
