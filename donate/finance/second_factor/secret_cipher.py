"""Encrypts the secrets of second factors, so that a copy of the database does not reveal them."""

import base64
import hashlib
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class SecretCipher:
    """Encrypts with the first key, decrypts with any key, so that keys can be replaced."""

    def __init__(self, keys: Sequence[str]) -> None:
        digests = [hashlib.sha256(key.encode()).digest() for key in keys]
        self._fernet = MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in digests])

    def encrypt(self, secret: str) -> str:
        """Return the secret, encrypted and authenticated, as text."""
        return self._fernet.encrypt(secret.encode()).decode()

    def decrypt(self, encrypted: str) -> str | None:
        """Return the decrypted secret; None if no key fits or the text was changed."""
        try:
            return self._fernet.decrypt(encrypted.encode()).decode()
        except InvalidToken:
            return None
