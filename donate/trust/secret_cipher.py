"""Encrypts what must be stored, so that a copy of the database does not reveal it.

With AES-256-GCM. What earlier versions encrypted with Fernet is still decrypted.
"""

import base64
import hashlib
import secrets
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

# Begins each encrypted text and names the cipher. Texts from Fernet begin with gAAAA instead.
_MARK: Final = "aes256gcm:"
_NONCE_BYTES: Final = 12


class SecretCipher:
    """Encrypts with the first key, decrypts with any key, so that keys can be replaced.

    Raises ValueError if there is no key.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        digests = [hashlib.sha256(key.encode()).digest() for key in keys]
        self._fernet = MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in digests])
        self._ciphers = [AESGCM(_derived(key)) for key in keys]

    def encrypt(self, secret: str) -> str:
        """Return the secret, encrypted and authenticated, as text."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._ciphers[0].encrypt(nonce, secret.encode(), None)
        return _MARK + base64.urlsafe_b64encode(sealed).decode()

    def decrypt(self, encrypted: str) -> str | None:
        """Return the decrypted secret; None if no key fits or the text was changed."""
        if not encrypted.startswith(_MARK):
            return self._decrypt_fernet(encrypted)
        return _opened(encrypted, self._ciphers)

    def is_current(self, encrypted: str) -> bool:
        """Whether `encrypt` would encrypt so today: with this cipher and the first key."""
        return encrypted.startswith(_MARK) and _opened(encrypted, self._ciphers[:1]) is not None

    def _decrypt_fernet(self, encrypted: str) -> str | None:
        try:
            return self._fernet.decrypt(encrypted.encode()).decode()
        except InvalidToken:
            return None


def _opened(encrypted: str, ciphers: Sequence[AESGCM]) -> str | None:
    try:
        sealed = base64.urlsafe_b64decode(encrypted.removeprefix(_MARK))
    except ValueError:
        return None
    for cipher in ciphers:
        try:
            return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None).decode()
        except (InvalidTag, ValueError):
            continue
    return None


def cipher_of(keys: Sequence[SecretStr]) -> SecretCipher | None:
    """Return the cipher for the keys of SECOND_FACTOR_KEY, or None if there are none."""
    return SecretCipher([key.get_secret_value() for key in keys]) if keys else None


def _derived(key: str) -> bytes:
    """Return the AES key that is derived from a key in the settings. Fernet uses other keys."""
    return HKDF(SHA256(), length=32, salt=None, info=b"stored secrets").derive(key.encode())
