"""ID tokens that an attacker, or a careless provider, may send."""

import base64
import json
from typing import Any

import pytest

from tests.finance.finance_site import NOW
from tests.finance.oidc_provider import (
    CLIENT_ID,
    RSA,
    STRANGER,
    HmacSigner,
    NoSigner,
)
from tests.finance.provider_desk import Desk, is_in

SECONDS = int(NOW.timestamp())
ATTACKS: dict[str, dict[str, Any]] = {
    "alg none": {"signer": NoSigner()},
    "alg None in capitals": {"signer": NoSigner(), "header": {"alg": "NONE"}},
    "HS256 with the public key": {"signer": HmacSigner(json.dumps(RSA.public()).encode())},
    "HS256 with the modulus": {
        "signer": HmacSigner(base64.urlsafe_b64decode(RSA.public()["n"] + "=="))
    },
    "a stranger's key": {"signer": STRANGER},
    "a key in the header": {"signer": STRANGER, "header": {"jwk": STRANGER.public()}},
    "a true key in the header": {"header": {"jwk": RSA.public()}},
    "a link to keys": {"signer": STRANGER, "header": {"jku": "http://127.0.0.1:9/keys"}},
    "a link to a certificate": {"header": {"x5u": "http://127.0.0.1:9/cert"}},
    "a certificate": {"signer": STRANGER, "header": {"x5c": ["MIIB"]}},
    "an unknown extension": {"header": {"crit": ["exp"]}},
    "an unknown key": {"header": {"kid": "other"}},
    "the other key's algorithm": {"header": {"alg": "ES256"}},
    "another algorithm of the key": {"header": {"alg": "RS512"}},
    "another nonce": {"claims": {"nonce": "another"}},
    "no nonce": {"claims": {"nonce": None}},
    "another audience": {"claims": {"aud": "another client"}},
    "an audience that begins like ours": {"claims": {"aud": f"{CLIENT_ID}s"}},
    "no audience": {"claims": {"aud": None}},
    "two audiences": {"claims": {"aud": [CLIENT_ID, "another"]}},
    "another authorized party": {"claims": {"azp": "another"}},
    "two audiences for another": {"claims": {"aud": [CLIENT_ID, "another"], "azp": "another"}},
    "another issuer": {"claims": {"iss": "https://evil.example"}},
    "no issuer": {"claims": {"iss": None}},
    "expired": {"claims": {"exp": SECONDS - 60}},
    "no expiry": {"claims": {"exp": None}},
    "an expiry in words": {"claims": {"exp": "tomorrow"}},
    "an expiry that is true": {"claims": {"exp": True}},
    "an expiry that is no number": {"claims": {"exp": float("nan")}},
    "issued later": {"claims": {"iat": SECONDS + 61}},
    "valid later": {"claims": {"nbf": SECONDS + 61}},
    "no subject": {"claims": {"sub": None}},
    "empty subject": {"claims": {"sub": ""}},
    "odd subject": {"claims": {"sub": "a\x00b"}},
    "subject in Unicode": {"claims": {"sub": "\u00e9"}},
    "long subject": {"claims": {"sub": "s" * 256}},
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_a_forged_token_signs_nobody_in(desk: Desk, attack: dict[str, Any]) -> None:
    """A token that is not exactly the provider's own for this sign-in is refused and recorded."""
    desk.site.add_staff("ann@example.org")
    for name, value in attack.items():
        setattr(desk.provider, name, value)
    browser = desk.browser()
    answer = desk.come_back(browser)
    assert answer.status_code == 403
    assert "sign you in" in answer.text
    assert not is_in(browser)
    assert "donate_staff" not in browser.cookies
    assert desk.site.refusals()[0].startswith("ID token: ")


@pytest.mark.parametrize(
    "claims",
    [
        {"azp": CLIENT_ID},
        {"aud": [CLIENT_ID, "another"], "azp": CLIENT_ID},
        {"aud": [CLIENT_ID]},
        {"exp": SECONDS - 59},
        {"iat": SECONDS + 59},
    ],
    ids=str,
)
def test_an_unusual_but_valid_token_signs_in(desk: Desk, claims: dict[str, Any]) -> None:
    """A token is accepted if we are one of its audiences, or if its time is a minute off."""
    desk.site.add_staff("ann@example.org")
    desk.provider.claims = claims
    assert desk.come_back(desk.browser()).status_code == 303


def test_a_key_without_a_name_is_found(desk: Desk) -> None:
    """A token without a `kid` is checked with the only key of its algorithm."""
    desk.site.add_staff("ann@example.org")
    desk.provider.header = {"kid": None}
    assert desk.come_back(desk.browser()).status_code == 303
