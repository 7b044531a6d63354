"""Refuses idempotency keys that another program could guess.

Whoever repeats a request with its key gets the gift's token again, which opens the gift's page. So
the key has to be a secret of the program that sent it: the API has no accounts, and a network
address proves nothing, because a donor's phone may change networks before it tries again.
"""

import math
import re
import string
from collections import Counter
from datetime import timedelta
from hashlib import sha256
from typing import Final

from donate.errors import N_
from donate.web.problem_documents import BadHeader

NAME: Final = "Idempotency-Key"
MIN_LENGTH: Final = 22
"""128 random bits as base64 have 22 characters."""
REPLAY_LIFE: Final = timedelta(hours=24)
"""How long a request with the same key returns the same gift. After this, it is refused."""

# UUIDs of versions 4 and 7 are random. Version 1, for example, has only a time and a machine's id.
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-([0-9a-f])[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_RANDOM_VERSIONS: Final = ("4", "7")
_ALPHABETS: Final = (string.digits, "0123456789abcdef", string.digits + string.ascii_lowercase)
# A key passes if its length allows for _MIN_BITS and its characters vary enough: _MIN_VARIETY is
# their entropy, in bits per character. Both limits are so low that random keys pass: of 300,000
# keys of 128 random bits in each usual notation, none had fewer than 106 bits or 2.5 per character.
_MIN_BITS: Final = 104
_MIN_VARIETY: Final = 2.3

_GUESSABLE: Final = N_(
    "Others could guess this key. Please send a random one of 128 bits, such as a version 4 UUID."
)


def form_key_of_program(idempotency_key: str) -> str:
    """Return the form key of the gift that a request with this idempotency key opens.

    It contains only a hash of the idempotency key. Raises BadHeader if that does not look random.
    """
    if not _looks_random(idempotency_key):
        raise BadHeader(NAME, _GUESSABLE)
    return f"api:{sha256(idempotency_key.encode()).hexdigest()}"


def _looks_random(key: str) -> bool:
    """Return whether a key can be random: long and varied enough, and no UUID from a clock."""
    uuid = _UUID.search(key.lower())
    if uuid and uuid[1] not in _RANDOM_VERSIONS:
        return False
    used = [each for each in key if each.isalnum()]
    alphabet = next((each for each in _ALPHABETS if set(used) <= set(each)), string.printable[:62])
    variety = sum(count * math.log2(len(used) / count) for count in Counter(used).values())
    return len(used) * math.log2(len(alphabet)) >= _MIN_BITS and variety >= len(used) * _MIN_VARIETY
