"""Challenges by Cloudflare Turnstile or hCaptcha, if the operator chooses one of them.

Both work alike: the provider's script shows a widget on our page, which puts an answer into the
form, and we ask the provider whether the answer is valid. Sources:
developers.cloudflare.com/turnstile, docs.hcaptcha.com.
"""

import asyncio
import json
import logging
import re
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, cast
from urllib.parse import urlsplit

import httpx

from donate.clock import Clock
from donate.web.limits.networks import networks_of

log = logging.getLogger(__name__)

TIMEOUT_S: Final = 4.0
"""The limit for the whole exchange, however slowly the provider sends its reply."""
PAUSE: Final = timedelta(minutes=1)
"""A provider that gave no verdict is not asked again for so long; our own challenge replaces it."""
MOST_AT_ONCE: Final = 4
"""The most answers to check at a time, so that threads are left for everybody else."""
_MOST_BYTES: Final = 16_384
_ANSWER: Final = re.compile(r"[!-~]{1,8192}")
_ABOUT_THE_ANSWER: Final = frozenset(
    {
        "missing-input-response",
        "invalid-input-response",
        "timeout-or-duplicate",
        "expired-input-response",
        "already-seen-response",
        "invalid-or-already-seen-response",
        "not-using-dummy-passcode",
    }
)
"""The error codes that say something about a visitor. All others say that the provider or our
settings do not work."""


class Answered(Protocol):
    """A visitor whose form contains the widget's answer."""

    @property
    def address(self) -> str: ...  # noqa: D102 -- `Visitor` says what it is

    @property
    def answer(self) -> str: ...  # noqa: D102 -- as above


@dataclass(frozen=True, slots=True)
class ProviderKind:
    """What differs between providers: addresses, the widget's class, the field of the answer.

    `action` names our form to the provider, which repeats it in its verdict. `takes_site_key`: it
    is told whose widget the answer must be from. `unknown_host` is what it says if it did not note
    the host of the page.
    """

    script: str
    verify: str
    css_class: str
    field: str
    origins: tuple[str, ...]
    action: str = ""
    takes_site_key: bool = False
    unknown_host: str = ""


KINDS: Final = {
    "turnstile": ProviderKind(
        script="https://challenges.cloudflare.com/turnstile/v0/api.js",
        verify="https://challenges.cloudflare.com/turnstile/v0/siteverify",
        css_class="cf-turnstile",
        field="cf-turnstile-response",
        origins=("https://challenges.cloudflare.com",),
        action="gift",
    ),
    "hcaptcha": ProviderKind(
        script="https://js.hcaptcha.com/1/api.js",
        verify="https://api.hcaptcha.com/siteverify",
        css_class="h-captcha",
        field="h-captcha-response",
        origins=("https://hcaptcha.com", "https://*.hcaptcha.com"),
        takes_site_key=True,
        # It says this while a site has unusually many visitors, as during an attack.
        unknown_host="not-provided",
    ),
}
ANSWER_FIELDS: Final = tuple(kind.field for kind in KINDS.values())


class _NoVerdict(Exception):
    """The provider could not be asked, or said nothing about the answer."""


class ChallengeProvider:
    """Asks a provider about answers. `public_url` is where the page with its widget stands."""

    def __init__(
        self,
        kind: ProviderKind,
        site_key: str,
        secret: str,
        *,
        public_url: str,
        clock: Clock,
    ) -> None:
        self.kind: Final = kind
        self.site_key: Final = site_key
        self._secret = secret
        self._hosts = tuple(filter(None, (urlsplit(public_url).hostname, kind.unknown_host)))
        self._clock = clock
        self._tls = ssl.create_default_context()
        self._lock = threading.Lock()
        self._asking: set[str] = set()
        self._paused_until: datetime | None = None

    @property
    def is_working(self) -> bool:
        """Whether the provider is asked at present. If not, pages have our own challenge."""
        return self._paused_until is None or self._clock.now() >= self._paused_until

    def accepts(self, visitor: Answered) -> bool:
        """Return whether an answer is good. False also if the provider cannot be asked now.

        The visitor can then still pass our own challenge, so an outage refuses nobody, and lets
        nobody through.
        """
        if not _ANSWER.fullmatch(visitor.answer) or not self.is_working:
            return False
        with self._turn(networks_of(visitor.address)[-1]) as has_turn:
            if not has_turn:
                return False
            try:
                return self._judge(*asyncio.run(self._ask(visitor.answer)))
            except _NoVerdict as error:
                self._paused_until = self._clock.now() + PAUSE
                log.warning("the provider of challenges gave no verdict: %s", error)
                return False

    @contextmanager
    def _turn(self, network: str) -> Iterator[bool]:
        """Yield whether the provider may be asked: a network has one turn at a time."""
        with self._lock:
            has_turn = network not in self._asking and len(self._asking) < MOST_AT_ONCE
            if has_turn:
                self._asking.add(network)
        try:
            yield has_turn
        finally:
            if has_turn:
                with self._lock:
                    self._asking.discard(network)

    async def _ask(self, answer: str) -> tuple[int, bytes]:
        # The visitor's address is not sent: our own challenge is bound to the network already.
        form = {"secret": self._secret, "response": answer}
        if self.kind.takes_site_key:
            form["sitekey"] = self.site_key
        reply = b""
        try:
            async with (
                # The timeouts of httpx apply to each single step, and not to the whole.
                asyncio.timeout(TIMEOUT_S),
                # The reply is read as it comes, so that its size is limited, and not unpacked.
                httpx.AsyncClient(
                    verify=self._tls, timeout=TIMEOUT_S, headers={"Accept-Encoding": "identity"}
                ) as http,
                http.stream("POST", self.kind.verify, data=form) as response,
            ):
                async for part in response.aiter_raw():
                    reply += part
                    if len(reply) > _MOST_BYTES:
                        raise _NoVerdict("too long")
        except (httpx.HTTPError, OSError) as error:
            raise _NoVerdict(type(error).__name__) from None
        return response.status_code, reply

    def _judge(self, status: int, reply: bytes) -> bool:
        verdict = _read_verdict(status, reply)
        if verdict["success"]:
            # The site key is public, so an answer may come from a widget on another page.
            return verdict.get("hostname") in self._hosts and (
                not self.kind.action or verdict.get("action") == self.kind.action
            )
        codes = verdict.get("error-codes")
        told = {str(code) for code in codes} if isinstance(codes, list) else set()
        if told - _ABOUT_THE_ANSWER:
            # The codes are the provider's words about our own settings, and no visitor's.
            raise _NoVerdict(", ".join(sorted(code[:50] for code in told)))
        return False


def _read_verdict(status: int, reply: bytes) -> Mapping[str, Any]:
    try:
        verdict = json.loads(reply)
    except (ValueError, RecursionError):
        raise _NoVerdict(f"no JSON, status {status}") from None
    success = verdict.get("success") if isinstance(verdict, dict) else None
    if success is False or (success is True and status == httpx.codes.OK):
        return cast("Mapping[str, Any]", verdict)
    raise _NoVerdict(f"no verdict in its JSON, status {status}")
