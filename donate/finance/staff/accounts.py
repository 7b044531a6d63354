"""Adds, disables and enables staff accounts, and sets passwords. The caller commits."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from email_validator import EmailNotValidError, validate_email
from pwdlib import PasswordHash
from sqlmodel import Session, col, delete, select

from donate.errors import N_, BadInput, Conflict, NotFound
from donate.finance.activity.trail import record_act
from donate.finance.models import (
    PendingSignIn,
    Staff,
    StaffDevice,
    StaffInvitation,
    StaffSession,
    StaffToken,
)
from donate.finance.roles import Role
from donate.finance.staff.password_rules import check_password, tidy_password
from donate.mail_server import address_spellings
from donate.web.limits.networks import printable

PASSWORDS: Final = PasswordHash.recommended()


def tidy_email(typed: str) -> str:
    """Return an e-mail address in lower case, without characters that the database would reject."""
    email = unicodedata.normalize("NFKC", typed[:1000]).strip().lower()
    return printable(email)[:254]


def spellings(typed: str) -> list[str]:
    """Return all forms of a password that may have been hashed. New hashes use the first form."""
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
    charity: Sequence[str] = (),
) -> Staff:
    """Add a staff account with a password. `charity` has the charity's names.

    Raises BadInput, or Conflict if the address already has an account.
    """
    email, name = check_person(email, name)
    password = tidy_password(password)
    check_password(password, email, name, *charity)
    staff = insert_staff(session, email, name=name, role=role, now=now)
    staff.password_hash = passwords.hash(password)
    session.flush()
    record_act(session, "staff_added", about=email, now=now, detail={"role": staff.role})
    return staff


def insert_staff(session: Session, email: str, *, name: str, role: Role, now: datetime) -> Staff:
    """Add an account that has no password yet. The caller adds the trail entry.

    Raises BadInput, or Conflict if the address already has an account.
    """
    email, name = check_person(email, name)
    if find_staff(session, email):
        raise Conflict(f"{email} already has a staff account.")
    staff = Staff(email=email, name=name, role=role, password_hash="", added_at=now)
    session.add(staff)
    session.flush()
    return staff


def check_person(email: str, name: str) -> tuple[str, str]:
    """Return an e-mail address and a name in the form in which they are stored. Raises BadInput."""
    email = tidy_email(email)
    try:
        validate_email(email, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise BadInput("email", N_("Please enter a valid e-mail address.")) from error
    name = re.sub(r"\s+", " ", name).strip()
    if not name or len(name) > 200 or not name.isprintable():
        raise BadInput("name", N_("Please enter a name of up to 200 characters."))
    return email, name


def set_password(
    session: Session,
    email: str,
    password: str,
    *,
    now: datetime,
    passwords: PasswordHash = PASSWORDS,
    charity: Sequence[str] = (),
) -> None:
    """Set a new password for a staff account, and delete its sessions and tokens.

    `charity` has the charity's names.
    """
    staff = staff_by_email(session, email)
    password = tidy_password(password)
    check_password(password, staff.email, staff.name, *charity)
    staff.password_hash = passwords.hash(password)
    end_access(session, staff)
    record_act(session, "password_set", about=staff.email, now=now)


def disable(session: Session, email: str, *, now: datetime) -> None:
    """Disable a staff account and delete its sessions and tokens. Its trail entries are kept."""
    staff = staff_by_email(session, email)
    staff.disabled_at = staff.disabled_at or now
    end_access(session, staff)
    record_act(session, "staff_disabled", about=staff.email, now=now)


def enable(session: Session, email: str, *, now: datetime) -> None:
    """Enable a staff account that was disabled."""
    staff = staff_by_email(session, email)
    staff.disabled_at = None
    record_act(session, "staff_enabled", about=staff.email, now=now)


def give_role(session: Session, email: str, role: Role, *, now: datetime) -> Staff:
    """Give a person another role, even if no admin remains."""
    staff = staff_by_email(session, email)
    detail = {"from": staff.role, "to": role}
    staff.role = role
    staff.version += 1
    record_act(session, "role_changed", about=staff.email, now=now, detail=detail)
    return staff


def staff_by_email(session: Session, email: str) -> Staff:
    """Return the staff account with this e-mail address. Raises NotFound if there is none."""
    tidied = tidy_email(email)
    staff = find_staff(session, tidied)
    if staff is None:
        raise NotFound(f"No staff account for {tidied}.")
    return staff


def find_staff(session: Session, tidied: str) -> Staff | None:
    """Return the staff account with this address, or None.

    The address's domain may be in Unicode or in ASCII.
    """
    statement = select(Staff).where(col(Staff.email).in_(address_spellings(tidied)))
    matches = session.exec(statement.order_by(Staff.email)).all()
    return next((staff for staff in matches if staff.email == tidied), next(iter(matches), None))


def all_staff(session: Session) -> list[Staff]:
    """Return all staff accounts, including disabled ones, sorted by e-mail address."""
    return list(session.exec(select(Staff).order_by(Staff.email)))


def names_of(session: Session, actors: Iterable[str]) -> dict[str, str]:
    """Return the names of those `actors` that are members of staff, such as `staff:7`."""
    ids = {actor.removeprefix("staff:") for actor in actors if actor.startswith("staff:")}
    numbers = [int(i) for i in ids if i.isdecimal()]
    staff = session.exec(select(Staff).where(col(Staff.id).in_(numbers)))
    return {f"staff:{person.id}": person.name for person in staff}


def may_still(session: Session, actor: str, role: Role) -> bool:
    """Lock the account of an actor, such as `staff:7`, and return whether it has this role.

    A disabled account has no role. Call it in the transaction that relies on the answer.
    """
    number = actor.removeprefix("staff:")
    if not number.isdecimal():
        return False
    person = session.get(Staff, int(number), with_for_update=True, populate_existing=True)
    return person is not None and not person.disabled_at and person.role.may(role)


def end_access(session: Session, staff: Staff, *, keep: str = "") -> None:
    """Delete a person's sessions, tokens and invitations, and forget their browsers.

    The session whose token has the hash `keep` is kept.
    """
    for held in (StaffSession, StaffToken, PendingSignIn, StaffInvitation):
        session.execute(
            delete(held).where(col(held.staff_id) == staff.id, col(held.token_hash) != keep)
        )
    session.execute(delete(StaffDevice).where(col(StaffDevice.staff_id) == staff.id))
    session.flush()


def change_language(session: Session, staff_id: int, language: str) -> None:
    """Store the language in which a member of staff wants to read pages."""
    session.get_one(Staff, staff_id).language = language
