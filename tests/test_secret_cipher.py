"""How secrets are encrypted that have to be stored."""

import base64
import hashlib

import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from donate.trust.secret_cipher import SecretCipher

OLD, NEW = "a key of earlier days", "the key of today"


def test_the_cipher_is_aes_256_gcm() -> None:
    """A text is opened by AES-GCM alone, with a key of 256 bits and a nonce of its own."""
    texts = [SecretCipher([NEW]).encrypt("whsec_é") for _ in range(2)]
    assert texts[0] != texts[1]
    key = HKDF(SHA256(), length=32, salt=None, info=b"stored secrets").derive(NEW.encode())
    sealed = base64.urlsafe_b64decode(texts[0].removeprefix("aes256gcm:"))
    assert AESGCM(key).decrypt(sealed[:12], sealed[12:], None).decode() == "whsec_é"


def test_keys_are_replaced() -> None:
    """The first key encrypts, each key decrypts, and a key that was removed decrypts nothing."""
    before = SecretCipher([OLD]).encrypt("secret")
    both = SecretCipher([NEW, OLD])
    assert both.decrypt(before) == "secret"
    assert SecretCipher([NEW]).decrypt(both.encrypt("secret")) == "secret"
    assert SecretCipher([NEW]).decrypt(before) is None


def test_a_changed_text_is_refused() -> None:
    """A text with any byte changed, cut or added is decrypted to nothing."""
    cipher = SecretCipher([NEW])
    mark, _, text = cipher.encrypt("secret").partition(":")
    sealed = base64.urlsafe_b64decode(text)
    changed = [sealed[:i] + bytes([sealed[i] ^ 1]) + sealed[i + 1 :] for i in range(len(sealed))]
    for each in [*changed, *(sealed[:i] for i in range(len(sealed))), sealed + b"x"]:
        assert cipher.decrypt(f"{mark}:{base64.urlsafe_b64encode(each).decode()}") is None


@pytest.mark.parametrize("text", ["", "é", "aes256gcm:", "aes256gcm:é", "aes256gcm:AAA", "gAAAAA"])
def test_what_is_no_encrypted_text_is_refused(text: str) -> None:
    """Any other text is decrypted to nothing, and no error is raised."""
    assert SecretCipher([NEW]).decrypt(text) is None


def test_texts_of_earlier_versions_are_decrypted() -> None:
    """What was encrypted with Fernet, under any key that is still there, is decrypted."""
    key = base64.urlsafe_b64encode(hashlib.sha256(OLD.encode()).digest())
    before = Fernet(key).encrypt(b"secret").decode()
    assert SecretCipher([NEW, OLD]).decrypt(before) == "secret"
    assert SecretCipher([NEW]).decrypt(before) is None


def test_no_key_encrypts_nothing() -> None:
    """Without a key there is no cipher."""
    with pytest.raises(ValueError, match="at least one"):
        SecretCipher([])
