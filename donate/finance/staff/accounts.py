"""Staff accounts: add, set a password, disable, enable. The caller commits."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from email_validator import EmailNotValidError, validate_email
from pwdlib import PasswordHash
from sqlmodel import Session, col, delete, select

from donate.errors import BadInput, Conflict, NotFound
from donate.finance.models import Role, Staff, StaffSession, StaffToken
from donate.finance.trail import record_act
from donate.mail_server import address_spellings
from donate.web.giving_limits import printable

MIN_PASSWORD = 12
# Argon2 accepts any length; the limit bounds the cost of one sign-in.
MAX_PASSWORD = 500
_OBVIOUS: Final = ("password", "passw0rd", "letmein", "qwerty", "welcome", "donate", "loveworld")
_STEPS: Final = "01234567890123456789 abcdefghijklmnopqrstuvwxyz qwertyuiopasdfghjklzxcvbnm"

PASSWORDS: Final = PasswordHash.recommended()


def tidy_email(typed: str) -> str:
    """Return an address for comparison: in lower case, without characters a database refuses."""
    email = unicodedata.normalize("NFKC", typed[:1000]).strip().lower()
    return printable(email)[:254]


def tidy_password(typed: str) -> str:
    """Return a password as it is hashed, so that é matches in either Unicode form.

    Follows RFC 8265 (OpaqueString): NFC, which does not replace a character by a different one,
    and a plain space for every kind of space.
    """
    spaced = "".join(" " if unicodedata.category(c) == "Zs" else c for c in typed)
    return unicodedata.normalize("NFC", spaced)


def spellings(typed: str) -> list[str]:
    """Return the Unicode forms of a password that may be stored; new hashes use the first one."""
    decomposed = unicodedata.normalize("NFD", typed)
    return list(dict.fromkeys((tidy_password(typed), typed, decomposed)))


def add_staff(
    session: Session,
    email: str,
    *,
    name: str,
    role: Role,
    password: str,
    now: datetime,
    passwords: PasswordHash = PASSWORDS,
) -> Staff:
    """Add a member of staff. Raises BadInput, or Conflict if the address exists already."""
    email = tidy_email(email)
    try:
        validate_email(email, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise BadInput("email", "Please enter a valid e-mail address.") from error
    password = tidy_password(password)
    name = re.sub(r"\s+", " ", name).strip()
    if not name or len(name) > 200 or not name.isprintable():
        raise BadInput("name", "Please enter a name of up to 200 characters.")
    check_password(password, email)
    if find_staff(session, email):
        raise Conflict(f"{email} already has a staff account.")
    staff = Staff(
        email=email,
        name=name,
        role=Role(role),
        password_hash=passwords.hash(password),
        added_at=now,
    )
    session.add(staff)
    session.flush()
    record_act(session, "staff_added", about=email, now=now, detail={"role": staff.role})
    return staff


def set_password(
    session: Session,
    email: str,
    password: str,
    *,
    now: datetime,
    passwords: PasswordHash = PASSWORDS,
) -> None:
    """Set a new password, and delete the sessions and tokens of this member of staff."""
    staff = staff_by_email(session, email)
    password = tidy_password(password)
    check_password(password, staff.email)
    staff.password_hash = passwords.hash(password)
    _end_sessions(session, staff)
    record_act(session, "password_set", about=staff.email, now=now)


def disable(session: Session, email: str, *, now: datetime) -> None:
    """Disable a member of staff. The trail keeps their entries."""
    staff = staff_by_email(session, email)
    staff.disabled_at = staff.disabled_at or now
    _end_sessions(session, staff)
    record_act(session, "staff_disabled", about=staff.email, now=now)


def enable(session: Session, email: str, *, now: datetime) -> None:
    """Enable a disabled member of staff."""
    staff = staff_by_email(session, email)
    staff.disabled_at = None
    record_act(session, "staff_enabled", about=staff.email, now=now)


def staff_by_email(session: Session, email: str) -> Staff:
    """Return the member of staff with this address. Raises NotFound."""
    tidied = tidy_email(email)
    staff = find_staff(session, tidied)
    if staff is None:
        raise NotFound(f"No staff account for {tidied}.")
    return staff


def find_staff(session: Session, tidied: str) -> Staff | None:
    """Return the member of staff with this address, its domain in Unicode or in ASCII."""
    statement = select(Staff).where(col(Staff.email).in_(address_spellings(tidied)))
    matches = session.exec(statement.order_by(Staff.email)).all()
    return next((staff for staff in matches if staff.email == tidied), next(iter(matches), None))


def all_staff(session: Session) -> list[Staff]:
    """Return all staff, including disabled ones, ordered by address."""
    return list(session.exec(select(Staff).order_by(Staff.email)))


def names_of(session: Session, actors: Iterable[str]) -> dict[str, str]:
    """Return the names of the staff among `actors`, by actor, such as `staff:7`."""
    ids = {actor.removeprefix("staff:") for actor in actors if actor.startswith("staff:")}
    numbers = [int(i) for i in ids if i.isdecimal()]
    staff = session.exec(select(Staff).where(col(Staff.id).in_(numbers)))
    return {f"staff:{person.id}": person.name for person in staff}


def check_password(password: str, email: str) -> None:
    """Raise BadInput, with the reason, for a password that is easy to guess."""
    if len(password) < MIN_PASSWORD:
        raise BadInput("password", f"Please use at least {MIN_PASSWORD} characters.")
    if len(password) > MAX_PASSWORD:
        raise BadInput("password", f"Please use at most {MAX_PASSWORD} characters.")
    bare = re.sub(r"[\W_]+", "", password.lower())
    own = {re.sub(r"[\W_]+", "", part) for part in (email, email.partition("@")[0])}
    if bare in own:
        raise BadInput("password", "Please don’t use the e-mail address as the password.")
    left = bare.strip("0123456789")
    if len(set(password)) < 5 or bare in _STEPS or left in _OBVIOUS or left in own:
        raise BadInput("password", "That password is easy to guess. Please choose another.")


def _end_sessions(session: Session, staff: Staff) -> None:
    for held in (StaffSession, StaffToken):
        session.execute(delete(held).where(col(held.staff_id) == staff.id))
    session.flush()
