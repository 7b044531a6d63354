"""The second factor: codes from an app (TOTP, RFC 6238), and recovery codes. The caller commits."""

import base64
import hmac
import unicodedata
from datetime import datetime
from typing import Final

import pyotp
from sqlmodel import Session, col, delete, func, select, update

from donate.errors import N_, Conflict
from donate.finance.models import RecoveryCode, SecondFactor
from donate.storage.bulk_writes import count_changed
from donate.trust.secret_cipher import SecretCipher
from donate.web.secret_tokens import hash_of

STEP_S: Final = 30
# Codes from the previous and the next time step are accepted too, because phone clocks differ.
WINDOW_STEPS: Final = 1
DIGITS: Final = 6
RECOVERY_CODES: Final = 10
RECOVERY_CODE_LENGTH: Final = 28  # characters, each one of 32


def begin_factor(session: Session, staff_id: int, cipher: SecretCipher) -> None:
    """Store a new secret, which takes effect once a code confirms it.

    Raises Conflict if the person already has a confirmed second factor.
    """
    row = session.get(SecondFactor, staff_id, with_for_update=True)
    if row and row.confirmed_at:
        raise Conflict(N_("The second step is already set up."))
    secret = cipher.encrypt(pyotp.random_base32())
    session.merge(SecondFactor(staff_id=staff_id, secret=secret))
    session.flush()


def unconfirmed_secret(session: Session, staff_id: int, cipher: SecretCipher) -> str | None:
    """Return the person's secret that no code has confirmed yet; None if there is none."""
    row = session.get(SecondFactor, staff_id)
    return cipher.decrypt(row.secret) if row and row.confirmed_at is None else None


def has_second_factor(session: Session, staff_id: int) -> bool:
    """Return whether this person has a confirmed second factor."""
    row = session.get(SecondFactor, staff_id)
    return row is not None and row.confirmed_at is not None


def confirm_factor(
    session: Session, staff_id: int, typed: str, cipher: SecretCipher, *, now: datetime
) -> bool:
    """Confirm the new secret if the code is right. Return whether it is right."""
    row = session.get(SecondFactor, staff_id, with_for_update=True)
    if row is None or row.confirmed_at or not _use_code(session, row, typed, cipher, now):
        return False
    row.confirmed_at = now
    session.flush()
    return True


def accept_code(
    session: Session, staff_id: int, typed: str, cipher: SecretCipher | None, *, now: datetime
) -> bool:
    """Check a code from the app or a recovery code, and mark it as used.

    Returns whether the code was right.
    """
    row = session.get(SecondFactor, staff_id)
    if row and row.confirmed_at and cipher and _use_code(session, row, typed, cipher, now):
        return True
    use = (
        update(RecoveryCode)
        .where(
            col(RecoveryCode.code_hash) == _recovery_hash(staff_id, typed),
            col(RecoveryCode.staff_id) == staff_id,
            col(RecoveryCode.used_at).is_(None),
        )
        .values(used_at=now)
    )
    return count_changed(session, use) > 0


def remove_factor(session: Session, staff_id: int) -> bool:
    """Delete a person's second factor and recovery codes.

    Return whether they had a second factor.
    """
    session.execute(delete(RecoveryCode).where(col(RecoveryCode.staff_id) == staff_id))
    factor = delete(SecondFactor).where(col(SecondFactor.staff_id) == staff_id)
    return count_changed(session, factor) > 0


def derive_recovery_codes(seed: str) -> list[str]:
    """Return ten recovery codes of 140 bits each, computed from a secret seed.

    The same seed gives the same codes. The caller computes it from the key of the submitted form,
    so a form that is sent twice by a double click shows the codes that the first one stored.
    """
    codes = []
    for number in range(RECOVERY_CODES):
        digest = hmac.digest(seed.encode(), f"recovery code {number}".encode(), "sha256")
        text = base64.b32encode(digest).decode().lower()[:RECOVERY_CODE_LENGTH]
        codes.append("-".join(text[i : i + 4] for i in range(0, len(text), 4)))
    return codes


def replace_recovery_codes(session: Session, staff_id: int, codes: list[str]) -> None:
    """Store the hashes of new recovery codes, and delete the earlier codes."""
    session.execute(delete(RecoveryCode).where(col(RecoveryCode.staff_id) == staff_id))
    session.add_all(
        RecoveryCode(code_hash=_recovery_hash(staff_id, code), staff_id=staff_id) for code in codes
    )
    session.flush()


def are_stored(session: Session, staff_id: int, codes: list[str]) -> bool:
    """Return whether these recovery codes, and no others, are stored."""
    stored = session.exec(select(RecoveryCode.code_hash).where(RecoveryCode.staff_id == staff_id))
    return set(stored) == {_recovery_hash(staff_id, code) for code in codes}


def unused_recovery_codes(session: Session, staff_id: int) -> int:
    """Return how many recovery codes a person has left."""
    unused = (RecoveryCode.staff_id == staff_id, col(RecoveryCode.used_at).is_(None))
    return session.exec(select(func.count()).select_from(RecoveryCode).where(*unused)).one()


def _use_code(
    session: Session, row: SecondFactor, typed: str, cipher: SecretCipher, now: datetime
) -> bool:
    """Mark a code as used.

    If two requests send the same code at once, only one of them succeeds.
    """
    step = _step_of(_tidy(typed), cipher.decrypt(row.secret), now)
    if step is None:
        return False
    use = (
        update(SecondFactor)
        .where(col(SecondFactor.staff_id) == row.staff_id, col(SecondFactor.last_step) < step)
        .values(last_step=step)
        .execution_options(synchronize_session=False)
    )
    return count_changed(session, use) > 0


def _step_of(code: str, secret: str | None, now: datetime) -> int | None:
    """Return the accepted time step to which this code belongs; None if there is none."""
    if secret is None or len(code) != DIGITS or not (code.isascii() and code.isdigit()):
        return None
    current = int(now.timestamp()) // STEP_S
    totp = pyotp.TOTP(secret)
    for step in range(current - WINDOW_STEPS, current + WINDOW_STEPS + 1):
        if hmac.compare_digest(totp.generate_otp(step), code):
            return step
    return None


def _tidy(typed: str) -> str:
    """Return a code without spaces and hyphens, in lower case and with plain digits."""
    plain = unicodedata.normalize("NFKC", typed[:100]).lower()
    return "".join(c for c in plain if c.isalnum())


def _recovery_hash(staff_id: int, typed: str) -> str:
    return hash_of(f"{staff_id}:{_tidy(typed)}")
