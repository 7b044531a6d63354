"""Checks the keys and secrets in the settings. Each check raises ValueError."""

from typing import Final

from pydantic import SecretStr

# A secret with one of these texts is a placeholder that nobody has replaced. `xxx` and `your` are
# left out, because one real key in 300 contains such letters by chance.
_PLACEHOLDERS: Final = tuple(
    "changeme change-me change_me placeholder replace example "
    "your_ your- yourkey yoursecret < ...".split()
)
_MIN_KEY_LENGTH: Final = 32


def refuse_placeholder(secret: SecretStr) -> None:
    """Refuse a secret that is empty, or that nobody has replaced by a real one."""
    value = secret.get_secret_value()
    if not value:
        raise ValueError("is empty")
    # A placeholder such as whsec_xxxxxxxxxxxx repeats a few characters.
    is_repetitive = len(set(value.rpartition("_")[2])) < 8
    if is_repetitive or len(value) < 16 or any(word in value.lower() for word in _PLACEHOLDERS):
        raise ValueError("looks like a placeholder; put the real secret here")


def check_keys(keys: tuple[SecretStr, ...]) -> None:
    """Refuse a key of ours that is too short to be random."""
    if any(len(key.get_secret_value()) < _MIN_KEY_LENGTH for key in keys):
        raise ValueError("must have 32 characters or more: openssl rand -hex 32")


def check_link_key(keys: tuple[SecretStr, ...]) -> None:
    """Refuse an empty list of keys, and each key that can be guessed."""
    if not keys:
        raise ValueError("is empty; set it to the output of: openssl rand -hex 32")
    check_keys(keys)
    for key in keys:
        refuse_placeholder(key)
