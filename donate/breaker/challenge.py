"""Challenges: a person hardly notices them, but they make mass attempts by a program expensive.

A challenge is a signed text, bound to a network and to one form. It is passed by work, which a
script does, by sending it back after a wait, or with a provider's widget (`providers.py`). Nothing
is stored until it is passed; then the breaker counts its id, so that it is passed once. Decision
0042 says why it is made like this.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Final

from donate.errors import ChallengeNeeded

LIFE_S: Final = 9 * 60
"""A challenge expires after this time: before the breaker forgets the ids of passed ones."""
WAIT_S: Final = 15
"""After this time, sending the challenge back passes it without work."""
LEAST_BITS: Final = 15
"""Work of 2^15 hashes takes a phone about a second."""
MOST_BITS: Final = 20
_BODY: Final = r"([0-9]{1,12})\.([0-9]{1,2})\.([A-Za-z0-9_-]{16})"
_PROOF: Final = re.compile(rf"({_BODY})\.([0-9a-f]{{64}})(?::([0-9]{{1,15}}))?")


class Challenges:
    """Makes challenges and checks proofs. All processes sign with the same key."""

    def __init__(self, secret: str, *, least_bits: int = LEAST_BITS) -> None:
        self._key = hmac.digest(secret.encode(), b"donate: challenges", "sha256")
        self._least_bits = least_bits

    def new(self, subject: str, *, tried: int, now: datetime) -> ChallengeNeeded:
        """Return a challenge, as the exception to raise. It is valid only for this subject.

        `subject` names the lane, the network and the form. The work doubles each time that `tried`,
        the number of the network's earlier attempts, doubles.
        """
        bits = min(MOST_BITS, self._least_bits + tried.bit_length())
        body = f"{int(now.timestamp())}.{bits}.{secrets.token_urlsafe(12)}"
        return ChallengeNeeded(f"{body}.{self._sign(body, subject)}", bits, WAIT_S)

    def passed(
        self, proof: str, subject: str, now: datetime, *, or_else: Callable[[], bool]
    ) -> str | None:
        """Return the id of the challenge that `proof` passes; None if it passes none.

        `or_else` is asked whether a visitor passes who has neither worked nor waited. Raises
        ChallengeNeeded with the same challenge and the rest of the wait if it is too early.
        """
        match = _PROOF.fullmatch(proof)
        if match is None:
            return None
        body, made_at, bits, name, signature, work = match.groups()
        if not hmac.compare_digest(signature, self._sign(body, subject)):
            return None
        age_s = int(now.timestamp()) - int(made_at)
        if not 0 <= age_s <= LIFE_S:
            return None
        token = f"{body}.{signature}"
        has_done_it = work is not None and has_worked(token, work, int(bits))
        if has_done_it or age_s >= WAIT_S or or_else():
            return name
        raise ChallengeNeeded(token, int(bits), WAIT_S - age_s)

    def _sign(self, body: str, subject: str) -> str:
        return hmac.new(self._key, f"{body} {subject}".encode(), "sha256").hexdigest()


def has_worked(token: str, work: str, bits: int) -> bool:
    """Return whether the SHA-256 hash of `token:work` begins with this many zero bits."""
    digest = hashlib.sha256(f"{token}:{work}".encode()).digest()
    return int.from_bytes(digest) >> (256 - bits) == 0
