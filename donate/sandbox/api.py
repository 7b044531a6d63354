"""The API's entry point: checks keys, applies planned faults, and answers each request."""

import asyncio
import base64
import binascii
import hmac
import json
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from donate.sandbox.api_versions import TODAY
from donate.sandbox.checkout.sessions import expire_due_sessions
from donate.sandbox.endpoints.payments import perform
from donate.sandbox.errors import (
    Refusal,
    invalid_parameter,
    no_access_to,
    not_in_this_sandbox,
    wrong_key,
)
from donate.sandbox.mischief.mischief import Mischief
from donate.sandbox.observer import Exchange, Observer
from donate.sandbox.payouts.payouts import play_payouts
from donate.sandbox.requests.form import decode_form
from donate.sandbox.requests.idempotency import Answer, IdempotencyKeys
from donate.sandbox.requests.permissions import Permissions
from donate.sandbox.requests.trouble import (
    Trouble,
    Troubles,
    altered_response,
    early_answer,
    refusal_for,
)
from donate.sandbox.store import Store

LOGGED_REQUESTS = 10_000

# If the sandbox has a connected account, only requests to this path may be for the platform's own
# account. A platform's webhook endpoints can also get the events of its connected accounts:
# https://docs.stripe.com/connect/webhooks
_PLATFORM_PATH = "/v1/webhook_endpoints"


@dataclass
class LoggedRequest:
    request_id: str
    method: str
    path: str
    idempotency_key: str | None
    parameters: dict[str, Any]
    stripe_version: str | None
    trouble: str | None = None
    status: int | None = None
    replayed: bool = False

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Api:
    def __init__(
        self,
        store: Store,
        mischief: Mischief,
        secret_key: str,
        seed: int,
        *,
        observer: Observer,
        connected: str = "",
    ) -> None:
        self._store = store
        self._connected = connected
        self._mischief = mischief
        self._secret_key = secret_key
        self._seed = seed
        self._observer = observer
        self.reset()

    def reset(self) -> None:
        self._keys = IdempotencyKeys()
        self.troubles = Troubles(self._seed)
        self.permissions = Permissions(self._store.account_id)
        self.log: deque[LoggedRequest] = deque(maxlen=LOGGED_REQUESTS)

    async def answer(self, request: Request) -> ASGIApp:
        """Return the response to a request. It never raises, whatever the request contains."""
        entry = LoggedRequest(
            request_id=self._store.new_id("req_", 14),
            method=request.method,
            path=request.url.path,
            idempotency_key=request.headers.get("idempotency-key"),
            parameters={},
            stripe_version=request.headers.get("stripe-version"),
        )
        self.log.append(entry)
        form = b""
        try:
            self._authenticate(request)
            self._refuse_other_accounts(request.headers.get("stripe-account"), entry.path)
            form = await _form_of(request)
            entry.parameters = decode_form(form)
            _refuse_other_versions(entry.stripe_version)
            self.permissions.check(entry.method, entry.path, entry.parameters)
        except Refusal as refusal:
            answer = self._refuse(entry, refusal)
            self._observe(entry, form, answer)
            return self._response(entry, answer)
        trouble = self.troubles.take(entry.method, entry.path) or self._mischief.trouble_for(
            entry.method, entry.path
        )
        if trouble is not None:
            entry.trouble = trouble.kind
            early = early_answer(trouble.kind)
            if early is not None:
                entry.status = getattr(early, "status_code", None)
                self._observe(entry, form, None)
                return early
        answer = await self._answer_once(entry, trouble)
        self._observe(entry, form, answer)
        return self._response(entry, answer, trouble)

    def _observe(self, entry: LoggedRequest, form: bytes, answer: Answer | None) -> None:
        status, body = (answer.status, answer.body) if answer else (None, b"")
        self._observer.answered(Exchange(entry.method, entry.path, form, status, body))

    async def _answer_once(self, entry: LoggedRequest, trouble: Trouble | None) -> Answer:
        """Return the answer saved under the idempotency key, or process the request."""
        key = entry.idempotency_key if entry.method == "POST" else None
        if key:
            try:
                parameters = json.dumps(entry.parameters, sort_keys=True)
                saved = self._keys.begin(key, entry.path, parameters, self._store.now())
            except Refusal as refusal:
                return self._refuse(entry, refusal)
            if saved is not None:
                entry.replayed = True
                return saved
        is_final = False
        try:
            if trouble is not None and trouble.kind == "hang":
                await asyncio.sleep(trouble.seconds)
            answer, is_final = self._process(entry, trouble)
            if key and is_final:
                self._keys.keep(key, answer)
            return answer
        finally:
            if key and not is_final:
                self._keys.forget(key)

    def _process(self, entry: LoggedRequest, trouble: Trouble | None) -> tuple[Answer, bool]:
        store = self._store
        try:
            refusal = refusal_for(trouble.kind) if trouble else None
            if refusal is not None:
                raise refusal
            expire_due_sessions(store)
            play_payouts(store)
            store.run_due_tasks()
            with store.during_request(entry.request_id, entry.idempotency_key):
                result = perform(store, entry.method, entry.path, entry.parameters)
        except Refusal as refusal:
            return self._refuse(entry, refusal), refusal.is_final
        body = json.dumps(result, indent=2).encode()
        return Answer(200, body, entry.request_id), True

    def _authenticate(self, request: Request) -> None:
        key = _key_in(request.headers.get("authorization"))
        if key is None or not hmac.compare_digest(key.encode(), self._secret_key.encode()):
            raise wrong_key(key)

    def _refuse_other_accounts(self, account: str | None, path: str) -> None:
        """Refuse a request that names an account that the sandbox does not have.

        If the sandbox has a connected account, a request has to name that account. Otherwise a
        request may name only the account to which the key belongs.
        https://docs.stripe.com/connect/authentication
        """
        if account not in (None, self._connected or self._store.account_id):
            raise no_access_to(account)
        if self._connected and account is None and not path.startswith(_PLATFORM_PATH):
            raise not_in_this_sandbox("the platform's own account")

    def _refuse(self, entry: LoggedRequest, refusal: Refusal) -> Answer:
        log_url = f"{self._store.public_url}/_sandbox/requests?request_id={entry.request_id}"
        body = json.dumps(refusal.body(log_url), indent=2).encode()
        return Answer(refusal.status, body, entry.request_id)

    def _response(
        self, entry: LoggedRequest, answer: Answer, trouble: Trouble | None = None
    ) -> ASGIApp:
        entry.status = answer.status
        headers = {
            "content-type": "application/json",
            "request-id": entry.request_id,
            "stripe-version": TODAY,
        }
        if entry.idempotency_key and entry.method == "POST":
            headers["idempotency-key"] = entry.idempotency_key
            headers["original-request"] = answer.request_id
        if entry.replayed:
            headers["idempotent-replayed"] = "true"
        altered = (
            altered_response(trouble, answer.body, headers)
            if trouble and answer.status == 200
            else None
        )
        return altered or Response(answer.body, answer.status, headers)


async def _form_of(request: Request) -> bytes:
    if request.method == "POST":
        return await request.body()
    return str(request.url.query).encode()


def _key_in(authorization: str | None) -> str | None:
    scheme, _, credentials = (authorization or "").partition(" ")
    if scheme.lower() == "bearer" and credentials:
        return credentials.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return None


def _refuse_other_versions(version: str | None) -> None:
    if version not in (None, TODAY):
        raise invalid_parameter(
            "Stripe-Version", f"This sandbox supports only {TODAY}, not {version}."
        )
