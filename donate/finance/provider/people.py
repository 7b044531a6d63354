"""Decides whose account a token from the identity provider is for."""

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session

from donate.finance.activity.trail import record_act
from donate.finance.models import Role, Staff
from donate.finance.provider.id_token import Claims
from donate.finance.staff.accounts import find_staff, insert_staff, tidy_email


def person_of(
    session: Session, claims: Claims, roles: Mapping[str, Role], *, now: datetime
) -> Staff | None:
    """Return the person whose e-mail address is in the claims, if it is verified.

    A person without an account gets one if one of their groups is mapped to a role. Returns None
    for everybody else, and for people whose account is disabled.
    """
    email = claims.get("email")
    if claims.get("email_verified") is not True or not isinstance(email, str):
        return None
    staff = find_staff(session, tidy_email(email))
    if staff is None:
        role = _highest_role(claims, roles)
        if role is None:
            return None
        name = claims.get("name")
        staff = insert_staff(
            session,
            email,
            name=name if isinstance(name, str) and name else email,
            role=role,
            now=now,
        )
        record_act(
            session, "staff_added", about=staff.email, now=now, detail={"role": role, "by": "group"}
        )
    locked = session.get(Staff, staff.id, with_for_update=True)
    return locked if locked and not locked.disabled_at else None


def _highest_role(claims: Claims, roles: Mapping[str, Role]) -> Role | None:
    groups = claims.get("groups")
    named = (
        [group for group in groups if isinstance(group, str)] if isinstance(groups, list) else []
    )
    order = list(Role)
    return max((roles[group] for group in named if group in roles), key=order.index, default=None)
