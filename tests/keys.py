"""Idempotency keys that look random, and are the same in every run."""

from hashlib import sha256


def key_of(words: str) -> str:
    """Return the key that belongs to these words."""
    return sha256(words.encode()).hexdigest()
