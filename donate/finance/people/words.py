"""The texts that admins see for roles and for completed actions."""

from typing import Final

from donate.errors import N_
from donate.finance.roles import Role

ROLE_NAMES: Final[dict[Role, str]] = {
    Role.VIEWER: N_("Viewer"),
    Role.FINANCE: N_("Finance"),
    Role.ADMIN: N_("Admin"),
}
ROLE_MEANINGS: Final[dict[Role, str]] = {
    Role.VIEWER: N_("sees gifts"),
    Role.FINANCE: N_("also marks transfers, refunds gifts and exports"),
    Role.ADMIN: N_("also manages people"),
}
CONFIRMED: Final = N_("Thank you. Nothing was changed yet: please press the button again.")
PERSON_DONE: Final[dict[str, str]] = {
    "role": N_("The role is changed."),
    "disabled": N_("The account is disabled, and all sessions have ended."),
    "enabled": N_("The account is enabled."),
    "sessions": N_("All sessions of this person have ended."),
    "confirmed": CONFIRMED,
    "released": N_(
        "The organisation’s account is released. All sessions of this person have ended."
    ),
    "factor": N_("The second step is reset. All sessions of this person have ended."),
}
ACCOUNT_DONE: Final[dict[str, str]] = {
    "password": N_("Your password is changed. Your other sessions have ended."),
    "session": N_("The session has ended."),
    "sessions": N_("All your other sessions have ended."),
    "confirmed": CONFIRMED,
    "factor-removed": N_("The second step is off."),
}
EMAIL_SUBJECT: Final = N_("Your account for %(site)s")
EMAIL_TEXT: Final = N_(
    "Hello %(name)s,\n\n"
    "You’re invited to sign in to the staff pages of %(site)s. Choose a password here within three "
    "days:\n\n%(link)s\n\n"
    "If you didn’t expect this e-mail, you can ignore it."
)
