"""A small OpenID Connect provider on a real port, which can lie as an attacker would."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.finance.finance_site import NOW
from tests.real_parts import free_port, served

CLIENT_ID = "donate client"
CLIENT_SECRET = "s/cret: with % signs"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class RsaSigner:
    """An RSA key that signs tokens with RS256."""

    alg = "RS256"

    def __init__(self, kid: str) -> None:
        self.kid = kid
        self._key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)

    def public(self) -> dict[str, Any]:
        numbers = self._key.public_key().public_numbers()
        return {"kty": "RSA", "kid": self.kid, "n": number(numbers.n), "e": number(numbers.e)}

    def sign(self, data: bytes) -> bytes:
        return self._key.sign(data, padding.PKCS1v15(), SHA256())


class EcSigner:
    """An elliptic-curve key that signs tokens with ES256."""

    alg = "ES256"

    def __init__(self, kid: str) -> None:
        self.kid = kid
        self._key = ec.generate_private_key(ec.SECP256R1())

    def public(self) -> dict[str, Any]:
        numbers = self._key.public_key().public_numbers()
        x, y = (b64(part.to_bytes(32, "big")) for part in (numbers.x, numbers.y))
        return {"kty": "EC", "kid": self.kid, "crv": "P-256", "x": x, "y": y}

    def sign(self, data: bytes) -> bytes:
        r, s = utils.decode_dss_signature(self._key.sign(data, ec.ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class NoSigner:
    """Makes tokens with the algorithm `none`, which have no signature."""

    alg = "none"
    kid = "rsa"

    def sign(self, data: bytes) -> bytes:
        return b""


class HmacSigner:
    """Signs tokens with HS256 and a key that everybody knows, the provider's public key."""

    alg = "HS256"
    kid = "rsa"

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, data: bytes) -> bytes:
        return hmac.digest(self._key, data, "sha256")


RSA, EC, STRANGER = RsaSigner("rsa"), EcSigner("ec"), RsaSigner("rsa")


@dataclass
class OidcProvider:
    """An identity provider, whose person, keys, tokens and answers each test can change."""

    issuer: str = ""
    person: dict[str, Any] = field(
        default_factory=lambda: {"email": "ann@example.org", "email_verified": True}
    )
    signer: Any = RSA
    listed: list[Any] = field(default_factory=lambda: [RSA, EC])
    header: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    """Claims that replace those of an honest token; a value of None leaves the claim out."""
    description: dict[str, Any] = field(default_factory=dict)
    answer: Callable[[], Response] | None = None
    """If set, answers the requests for a token in place of the provider."""
    requests: list[str] = field(default_factory=list)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._describe),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/keys", self._keys),
            ]
        )

    def authorize(self, location: str) -> dict[str, str]:
        """Sign the person in, as a visit to this URL would; return the query of the redirect."""
        query = {k: v[0] for k, v in parse_qs(urlsplit(location).query).items()}
        assert query["client_id"] == CLIENT_ID
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        code = f"code-{len(self._codes)}"
        self._codes[code] = query
        return {"code": code, "state": query["state"]}

    def _describe(self, _: Request) -> Response:
        self.requests.append("description")
        description = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }
        return JSONResponse(description | self.description)

    def _authorize(self, request: Request) -> Response:
        answer = self.authorize(str(request.url))
        query = parse_qs(request.url.query)
        return RedirectResponse(f"{query['redirect_uri'][0]}?code={answer['code']}", 303)

    def _keys(self, _: Request) -> Response:
        self.requests.append("keys")
        return JSONResponse({"keys": [key.public() for key in self.listed]})

    async def _token(self, request: Request) -> Response:
        self.requests.append("token")
        if self.answer:
            return self.answer()
        form = await request.form()
        asked = self._codes.pop(str(form.get("code")), None)
        verifier = str(form.get("code_verifier"))
        if (
            asked is None
            or not self._is_client(request, dict(form))
            or form.get("redirect_uri") != asked["redirect_uri"]
            or b64(hashlib.sha256(verifier.encode()).digest()) != asked["code_challenge"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse({"id_token": self.token(asked["nonce"]), "token_type": "Bearer"})

    def _is_client(self, request: Request, form: dict[str, Any]) -> bool:
        if self.description.get("token_endpoint_auth_methods_supported") == ["client_secret_post"]:
            return (form["client_id"], form["client_secret"]) == (CLIENT_ID, CLIENT_SECRET)
        basic = base64.b64encode(b"donate+client:s%2Fcret%3A+with+%25+signs").decode()
        return request.headers.get("authorization") == f"Basic {basic}"

    def token(self, nonce: str) -> str:
        now = int(NOW.timestamp())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": "248289761001",
            "exp": now + 300,
            "iat": now,
            "nonce": nonce,
        } | self.person
        claims |= self.claims
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": self.signer.alg, "kid": self.signer.kid, "typ": "JWT"} | self.header
        header = {name: value for name, value in header.items() if value is not None}
        signed = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
        return f"{signed}.{b64(self.signer.sign(signed.encode()))}"


@contextmanager
def running_provider() -> Iterator[OidcProvider]:
    """Serve a provider on a real port."""
    port = free_port()
    provider = OidcProvider(issuer=f"http://127.0.0.1:{port}")
    with served(provider.app(), port):
        yield provider
