"""Decides whose account a token from the identity provider is for.

An account at the provider is known by the issuer and its `sub`, which nobody else ever gets there
(OpenID Connect Core, section 5.7). An admin adds a person by e-mail address. The first account that
signs in with this address, verified, is theirs from then on.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, or_, select

from donate.errors import DonateError
from donate.finance.activity.trail import record_act
from donate.finance.models import ProviderAccount, Staff
from donate.finance.provider.id_token import Claims
from donate.finance.provider.options import ProviderOptions
from donate.finance.roles import Role
from donate.finance.staff.accounts import find_staff, insert_staff, tidy_email


class OtherAccount(DonateError):
    """The person with this e-mail address has another account at the provider."""


def person_of(
    session: Session, claims: Claims, options: ProviderOptions, *, now: datetime
) -> Staff | None:
    """Return the person whose account at the provider this is, or becomes by this sign-in.

    Returns None for everybody else, and for people whose account here is disabled. Raises
    OtherAccount if the e-mail address is that of a person with another account at the provider.
    """
    issuer, subject = options.issuer, claims["sub"]
    known = session.get(ProviderAccount, (issuer, subject))
    staff = (
        session.get(Staff, known.staff_id)
        if known
        else _person_by_email(session, claims, options.roles, now=now)
    )
    if staff is None or staff.id is None:
        return None
    session.refresh(staff, with_for_update=True)
    if staff.disabled_at:
        return None
    # Two accounts may sign in first at the same moment, so the rows are read under the lock.
    is_theirs = col(ProviderAccount.subject) == subject
    tied = session.exec(
        select(ProviderAccount)
        .where(
            ProviderAccount.issuer == issuer,
            or_(is_theirs, col(ProviderAccount.staff_id) == staff.id),
        )
        .execution_options(populate_existing=True)
    ).all()
    if not tied and not known:
        session.add(ProviderAccount(issuer=issuer, subject=subject, staff_id=staff.id, tied_at=now))
        act = "provider_account_tied"
        record_act(session, act, about=staff.email, now=now, staff_id=staff.id)
    elif [(row.subject, row.staff_id) for row in tied] != [(subject, staff.id)]:
        raise OtherAccount("the person has another account at the provider")
    return staff


def _person_by_email(
    session: Session, claims: Claims, roles: Mapping[str, Role], *, now: datetime
) -> Staff | None:
    """Return the person whose e-mail address is in the claims, if it is verified.

    A person without an account gets one if one of their groups is mapped to a role.
    """
    email = claims.get("email")
    if claims.get("email_verified") is not True or not isinstance(email, str):
        return None
    staff = find_staff(session, tidy_email(email))
    role = None if staff else _highest_role(claims, roles)
    if role is None:
        return staff
    name = claims.get("name")
    name = name if isinstance(name, str) and name else email
    try:
        with session.begin_nested():
            staff = insert_staff(session, email, name=name, role=role, now=now)
    except IntegrityError:  # the same person signed in twice at once
        return find_staff(session, tidy_email(email))
    detail = {"role": role, "by": "group"}
    record_act(session, "staff_added", about=staff.email, now=now, detail=detail)
    return staff


def _highest_role(claims: Claims, roles: Mapping[str, Role]) -> Role | None:
    groups = claims.get("groups")
    named = (
        [group for group in groups if isinstance(group, str)] if isinstance(groups, list) else []
    )
    order = list(Role)
    return max((roles[group] for group in named if group in roles), key=order.index, default=None)
