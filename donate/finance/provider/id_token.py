"""Checks an identity provider's ID tokens (OpenID Connect Core, section 3.1.3.7).

Only fixed algorithms are accepted. Keys come from the provider's own list of keys, never from the
token.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from joserfc import jwk, jws, jwt
from joserfc.errors import JoseError

from donate.errors import DonateError
from donate.web.secret_tokens import same_secret

ALGORITHMS: Final = {"RS256": "RSA", "ES256": "EC"}
# A token is refused if its header contains a key, the URL of a key, or an extension.
_REFUSED_HEADERS: Final = {"jwk", "jku", "x5c", "x5u", "crit", "b64", "zip"}
_PUBLIC_PARTS: Final = {"kty", "kid", "n", "e", "crv", "x", "y"}
# How far the provider's clock may be ahead of ours, or behind it.
LEEWAY_S: Final = 60
LONGEST_TOKEN: Final = 20_000
LONGEST_SUBJECT: Final = 255

Claims = Mapping[str, Any]


class TokenRefused(DonateError):
    """An ID token is not valid. The message says why, without any part of the token."""


class UnknownKey(TokenRefused):
    """The provider's list of keys, when last fetched, had no single key that fits the token."""


@dataclass(frozen=True, slots=True)
class ExpectedToken:
    """The values that an ID token must contain: its issuer, the client, and the sign-in."""

    issuer: str
    client_id: str
    nonce: str = field(repr=False)


def read_id_token(
    token: str, keys: Sequence[Mapping[str, Any]], expected: ExpectedToken, *, now: datetime
) -> Claims:
    """Return the claims of a valid ID token.

    Raises TokenRefused if the token is not valid, or UnknownKey if its key is not in `keys`.
    """
    if len(token) > LONGEST_TOKEN:
        raise TokenRefused("the token is too long")
    key = _find_key(_read_header(token), keys)
    try:
        claims = jwt.decode(token, key, algorithms=list(ALGORITHMS)).claims
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise TokenRefused(f"its signature is not valid ({type(error).__name__})") from None
    _check_claims(claims, expected, now.timestamp())
    return claims


def _read_header(token: str) -> Mapping[str, Any]:
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, TypeError, RecursionError):
        raise TokenRefused("it is not a signed token") from None
    if _REFUSED_HEADERS & header.keys():
        raise TokenRefused("its header names a key or an extension")
    if header.get("alg") not in ALGORITHMS:
        raise TokenRefused("its algorithm is not allowed")
    return header


def _find_key(header: Mapping[str, Any], keys: Sequence[Mapping[str, Any]]) -> Any:
    """Return the provider's key for a token: the key with its `kid`, or the only one that fits."""
    algorithm, kid = header["alg"], header.get("kid")
    fitting = [
        key
        for key in keys
        if key.get("kty") == ALGORITHMS[algorithm]
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and (kid is None or key.get("kid") == kid)
    ]
    if len(fitting) != 1:
        raise UnknownKey("it was signed with a key that the provider does not list")
    public = {name: value for name, value in fitting[0].items() if name in _PUBLIC_PARTS}
    try:
        return jwk.import_key(public)
    except (JoseError, ValueError, TypeError, KeyError):
        raise TokenRefused("the provider's key cannot be read") from None


def _check_claims(claims: Claims, expected: ExpectedToken, now: float) -> None:
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    azp = claims.get("azp")
    checks = {
        "issuer": claims.get("iss") == expected.issuer,
        "audience": expected.client_id in audiences,
        "authorized party": azp == expected.client_id or (azp is None and len(audiences) == 1),
        "expiry": _number(claims.get("exp")) > now - LEEWAY_S,
        "time of issue": _number(claims.get("iat")) < now + LEEWAY_S,
        "time of validity": _number(claims.get("nbf", 0)) < now + LEEWAY_S,
        "nonce": same_secret(_text(claims.get("nonce")), expected.nonce),
        "subject": _is_subject(_text(claims.get("sub"))),
    }
    wrong = [name for name, is_right in checks.items() if not is_right]
    if wrong:
        raise TokenRefused(f"wrong {', '.join(wrong)}")


def signed_in_there_at(claims: Claims, now: datetime) -> datetime | None:
    """Return when the person last typed their password at the provider, or did what it asks.

    Returns None if the token does not say so (`auth_time`), or names a time in the future.
    """
    seconds = _number(claims.get("auth_time"))
    if not 0 <= seconds <= now.timestamp() + LEEWAY_S:
        return None
    return min(datetime.fromtimestamp(seconds, UTC), now)


def _is_subject(text: str) -> bool:
    return 0 < len(text) <= LONGEST_SUBJECT and text.isascii() and text.isprintable()


def _number(value: object) -> float:
    """Return a number unchanged, and NaN for anything else. Every comparison with NaN is false."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number else math.nan  # type: ignore[return-value]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
