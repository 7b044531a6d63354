"""Requests to the identity provider: for its description, its keys, and ID tokens.

Every request has a time limit, follows no redirect, and accepts a response of limited size only.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote_plus, urlencode, urlsplit

import httpx

from donate.clock import Clock
from donate.errors import Unavailable
from donate.finance.provider.id_token import Claims, ExpectedToken, UnknownKey, read_id_token
from donate.finance.provider.options import ProviderOptions

TIMEOUT_S: Final = 5.0
MAX_ANSWER_BYTES: Final = 500_000
DISCOVERY_KEPT_FOR: Final = timedelta(hours=1)
# The provider's keys are fetched again if they are older than an hour. If a token was signed with
# an unknown key, they are fetched again if they are older than a minute.
KEYS_KEPT_FOR: Final = timedelta(hours=1)
KEYS_RENEWED_AFTER: Final = timedelta(minutes=1)
_DISCOVERY: Final = "/.well-known/openid-configuration"


class ProviderUnavailable(Unavailable):
    """The identity provider gave no usable response. The message contains no secret."""


@dataclass(frozen=True, slots=True)
class ProviderEndpoints:
    """The parts of the provider's OpenID Connect description that we use."""

    authorization: str
    token: str
    keys: str
    takes_basic: bool
    names_issuer: bool


class IdentityProvider:
    """Sends requests to the identity provider. Keeps its description and its keys for an hour."""

    def __init__(
        self, options: ProviderOptions, clock: Clock, *, timeout_s: float = TIMEOUT_S
    ) -> None:
        self.options = options
        self._clock = clock
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._endpoints: tuple[datetime, ProviderEndpoints] | None = None
        self._keys: tuple[datetime, list[Mapping[str, Any]]] | None = None

    def endpoints(self) -> ProviderEndpoints:
        """Return the provider's endpoints. Raises ProviderUnavailable."""
        now = self._clock.now()
        with self._lock:
            if self._endpoints and now - self._endpoints[0] < DISCOVERY_KEPT_FOR:
                return self._endpoints[1]
        found = _read_description(
            self._get(self.options.issuer.rstrip("/") + _DISCOVERY), self.options.issuer
        )
        with self._lock:
            self._endpoints = now, found
        return found

    def authorization_url(
        self, *, state: str, nonce: str, challenge: str, must_be_fresh: bool = False
    ) -> str:
        """Return the URL to which the browser goes to sign in. Raises ProviderUnavailable.

        If `must_be_fresh`, the provider has to ask even a person who is signed in there, and to say
        when it did (OpenID Connect Core, section 3.1.2.1).
        """
        endpoint = self.endpoints().authorization
        query = {
            "response_type": "code",
            "client_id": self.options.client_id,
            "redirect_uri": self.options.redirect_url,
            "scope": "openid email profile" + (" groups" if self.options.roles else ""),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        if must_be_fresh:
            query |= {"prompt": "login", "max_age": "0"}
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    def claims_for(self, code: str, code_verifier: str, nonce: str) -> Claims:
        """Exchange an authorization code for an ID token, and return the token's claims.

        Raises ProviderUnavailable, or TokenRefused if the ID token is not valid.
        """
        token = self._exchange(code, code_verifier)
        expected = ExpectedToken(self.options.issuer, self.options.client_id, nonce)
        now = self._clock.now()
        try:
            return read_id_token(token, self._current_keys(KEYS_KEPT_FOR), expected, now=now)
        except UnknownKey:
            # The provider may have started to use a new key.
            return read_id_token(token, self._current_keys(KEYS_RENEWED_AFTER), expected, now=now)

    def _current_keys(self, kept_for: timedelta) -> Sequence[Mapping[str, Any]]:
        now = self._clock.now()
        with self._lock:
            if self._keys and now - self._keys[0] < kept_for:
                return self._keys[1]
        listed = self._get(self.endpoints().keys).get("keys")
        if not isinstance(listed, list):
            raise ProviderUnavailable("the identity provider's list of keys cannot be read")
        keys: list[Mapping[str, Any]] = [key for key in listed if isinstance(key, dict)]
        with self._lock:
            self._keys = now, keys
        return keys

    def _exchange(self, code: str, code_verifier: str) -> str:
        options, endpoints = self.options, self.endpoints()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": options.redirect_url,
            "code_verifier": code_verifier,
        }
        auth = None
        if endpoints.takes_basic:
            # RFC 6749, section 2.3.1: the client's id and secret are form-encoded first.
            auth = httpx.BasicAuth(quote_plus(options.client_id), quote_plus(options.client_secret))
        else:
            form |= {"client_id": options.client_id, "client_secret": options.client_secret}
        token = self._ask("POST", endpoints.token, data=form, auth=auth).get("id_token")
        if not isinstance(token, str):
            raise ProviderUnavailable("the identity provider sent no ID token")
        return token

    def _get(self, url: str) -> Mapping[str, Any]:
        return self._ask("GET", url)

    def _ask(self, method: str, url: str, **more: Any) -> Mapping[str, Any]:
        """Send a request and return the JSON object in the response. Raises ProviderUnavailable."""
        host = urlsplit(url).hostname
        try:
            with (
                httpx.Client(timeout=self._timeout_s, follow_redirects=False) as http,
                http.stream(method, url, headers={"Accept": "application/json"}, **more) as answer,
            ):
                if answer.status_code != 200:
                    raise ProviderUnavailable(f"{host} answered {answer.status_code}")
                body = b""
                deadline = time.monotonic() + 2 * self._timeout_s
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > MAX_ANSWER_BYTES or time.monotonic() > deadline:
                        raise ProviderUnavailable(f"{host} sent too much, or too slowly")
                content = httpx.Response(200, content=body).json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, RecursionError) as error:
            raise ProviderUnavailable(f"{host} gave no answer ({type(error).__name__})") from None
        if not isinstance(content, dict):
            raise ProviderUnavailable(f"{host} sent no JSON object")
        return content


def _read_description(description: Mapping[str, Any], issuer: str) -> ProviderEndpoints:
    if description.get("issuer") != issuer:
        raise ProviderUnavailable("the description names another issuer than OIDC_ISSUER")
    urls = []
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        url = description.get(name)
        # Plain http is allowed only if the issuer's own URL is http, which is so only on this
        # machine.
        schemes = ("https://", "http://") if issuer.startswith("http://") else ("https://",)
        if not isinstance(url, str) or not url.startswith(schemes):
            raise ProviderUnavailable(f"the description has no usable {name}")
        urls.append(url)
    methods = description.get("token_endpoint_auth_methods_supported")
    takes_basic = not isinstance(methods, list) or "client_secret_basic" in methods
    names_issuer = description.get("authorization_response_iss_parameter_supported") is True
    return ProviderEndpoints(urls[0], urls[1], urls[2], takes_basic, names_issuer)
