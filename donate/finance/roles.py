"""The roles of staff: what each of them may do."""

from enum import StrEnum


class Role(StrEnum):
    """The role of a member of staff, which decides what they may do."""

    VIEWER = "viewer"  # A viewer sees gifts.
    FINANCE = "finance"  # Finance staff also mark transfers, refund gifts and decide about events.
    ADMIN = "admin"  # Admins do all of this, and manage the accounts of staff.

    def may(self, needed: "Role") -> bool:
        """Return whether this role includes the permissions of the role `needed`."""
        order = list(Role)
        return order.index(self) >= order.index(Role(needed))
