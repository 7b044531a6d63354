"""The texts of the staff pages about donors. The pages translate them."""

from collections.abc import Mapping
from typing import Final

from donate.errors import N_
from donate.gifts.donor_profiles.models import DonorKind

DONOR_KINDS: Final[Mapping[DonorKind, str]] = {
    DonorKind.UNKNOWN: N_("Not decided yet"),
    DonorKind.PERSON: N_("Person"),
    DonorKind.ORGANISATION: N_("Organization"),
    DonorKind.CHARITY: N_("Registered charity or government"),
    DonorKind.ANONYMOUS: N_("Anonymous"),
}
DONOR_FIELDS: Final[Mapping[str, str]] = {
    "name": N_("Name"),
    "kind": N_("Kind of donor"),
    "first_name": N_("First name"),
    "initial": N_("Initial"),
    "language": N_("Language"),
    "street": N_("Street address"),
    "city": N_("City"),
    "province": N_("Province"),
    "postal_code": N_("Postal code"),
    "country": N_("Country"),
}
DONOR_DONE: Final[Mapping[str, str]] = {
    "changed": N_("Changes saved."),
    "noted": N_("Note added."),
    "anonymised": N_("This donor’s data are erased."),
    "merged": N_("The two donors are merged. Their gifts are listed together below."),
    "merge_undone": N_("The merge is undone. Each donor has their own gifts again."),
}
NO_SUCH_PAGE: Final = N_("This link is incomplete. Here are the newest donors.")
MORE_FOUND: Final = N_("More than %(most)s donors match. Type more of the name or e-mail.")
CHOOSE_ONE: Final = N_("Please choose the donor to merge.")
INCOMPLETE_FORM: Final = N_("This form is incomplete. Please send it again.")
