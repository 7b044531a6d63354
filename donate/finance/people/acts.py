"""Changes that admins make to other people's accounts.

The caller commits and adds a trail entry.
"""

from datetime import datetime

from sqlmodel import Session, col, delete, select

from donate.errors import N_, Conflict, NotFound
from donate.finance.models import PendingSignIn, ProviderAccount, Staff, StaffSession
from donate.finance.roles import Role
from donate.finance.second_factor.codes import remove_factor
from donate.finance.staff.accounts import end_access
from donate.storage.bulk_writes import count_changed


def lock_person(session: Session, admin_id: int, number: int) -> tuple[Staff, bool]:
    """Lock a person's row. Return it, and whether they are the last admin who can sign in.

    All admins' rows are locked too, in the order of their ids, so that two admins cannot demote
    each other at the same moment. Raises Conflict if `admin_id` is no longer an admin.
    """
    admins = session.exec(
        select(Staff)
        .where(Staff.role == Role.ADMIN, col(Staff.disabled_at).is_(None))
        .order_by(col(Staff.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    if admin_id not in {admin.id for admin in admins}:
        raise Conflict(N_("You’re no longer an admin. Nothing was changed."))
    person = session.get(Staff, number, with_for_update=True)
    if person is None:
        raise NotFound("no such person")
    able = {admin.id for admin in admins if admin.password_hash or admin.signed_in_at}
    return person, able <= {person.id}


def check_version(person: Staff, typed: str) -> None:
    """Raise Conflict if an admin has changed this person since the form was loaded."""
    if typed != str(person.version):
        raise Conflict(
            N_("Another admin changed this person in the meantime. Check what’s here now.")
        )


def set_role(person: Staff, role: Role, *, is_last_admin: bool) -> None:
    """Give a person another role. Raises Conflict if they are the last admin."""
    _keep_an_admin(person, role=role, is_last_admin=is_last_admin)
    person.role = role
    person.version += 1


def shut_out(session: Session, person: Staff, *, is_last_admin: bool, now: datetime) -> None:
    """Disable a person's account and sign them out. Raises Conflict if they are the last admin."""
    _keep_an_admin(person, role=None, is_last_admin=is_last_admin)
    person.disabled_at = now
    person.version += 1
    end_access(session, person)


def let_back_in(person: Staff) -> None:
    """Enable an account that was disabled."""
    person.disabled_at = None
    person.version += 1


def end_sessions_of(session: Session, person: Staff) -> int:
    """End a person's sessions and unfinished sign-ins. Return how many sessions ended."""
    pending = delete(PendingSignIn).where(col(PendingSignIn.staff_id) == person.id)
    session.execute(pending)
    sessions = delete(StaffSession).where(col(StaffSession.staff_id) == person.id)
    return count_changed(session, sessions)


def reset_factor(session: Session, person: Staff) -> bool:
    """Delete a person's second factor and end their sessions. Return whether they had one."""
    assert person.id is not None
    existed = remove_factor(session, person.id)
    if existed:
        person.version += 1
        end_sessions_of(session, person)
    return existed


def release_provider_account(session: Session, person: Staff) -> bool:
    """Forget which account at the identity provider is a person's, and end their sessions.

    The next account there that signs in with their e-mail address is theirs. Return whether they
    had one.
    """
    accounts = delete(ProviderAccount).where(col(ProviderAccount.staff_id) == person.id)
    existed = count_changed(session, accounts) > 0
    if existed:
        person.version += 1
        end_sessions_of(session, person)
    return existed


def _keep_an_admin(person: Staff, *, role: Role | None, is_last_admin: bool) -> None:
    if person.role == Role.ADMIN and role != Role.ADMIN and is_last_admin:
        raise Conflict(
            N_("This is the last admin. Make someone else an admin first. Nothing was changed.")
        )
