"""What an entry of the inventory says about a table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum

from donate.errors import N_


class Source(Enum):
    """Where data come from. The value is a msgid."""

    DONOR = N_("the donor")
    STAFF = N_("staff")
    STRIPE = N_("Stripe")
    BANK = N_("the charity’s bank")
    INTERAC = N_("Interac’s e-mails")
    SERVICE = N_("this program")


class Keeping(Enum):
    """How long data are kept. The value is a msgid."""

    BOOKS = N_("with the charity’s books, for at least six years after the year of the gift")
    PROFILE = N_("until the charity erases the donor’s data")
    UNTIL_DONE = N_("with the gift, but not needed once it is settled")
    CHOICE = N_("permanently, as a hash, so that the donor’s wish is respected")
    WITH_ORIGINAL = N_("as long as the original")
    UPLOAD = N_("until staff import or discard the file")
    VIEW = N_("until its owner deletes it")
    DAY = N_("for a day, and then until the next link is made")
    QUARTER = N_("for 15 minutes, and then until the next failed sign-in")
    SECONDS = N_("for a few seconds, until the e-mail is sent")
    EIGHT_DAYS = N_("for eight days")


class Viewers(Enum):
    """Who sees data. The value is a msgid."""

    STAFF = N_("all staff")
    FINANCE = N_("finance staff and admins")
    DONOR_AND_STAFF = N_("the donor and all staff")
    NOBODY = N_("nobody; only the program uses it")


class RowKey(StrEnum):
    """What the value of a column refers to. Such values lead to the rows about a donor."""

    PROFILE = "profile"  # The id of a donor profile.
    GIFT = "gift"  # The id of a gift.
    TYPED = "typed"  # The id of what was typed with a gift.
    ADDRESS = "address"  # An e-mail address in lower case.
    LINE = "line"  # The id of a bank line.
    TRANSFER = "transfer"  # The id of an Interac transfer.
    BANK_REFERENCE = "bank_reference"  # What a bank calls a transfer, in capitals.
    SUBJECT = "subject"  # The subject of a trail entry.


@dataclass(frozen=True, slots=True)
class PersonalTable:
    """A table with rows about donors. All texts are msgids.

    `fields` are the exported columns with their labels, `left_out` the others: keys of this program
    and hashes, which say nothing about a person. The rows about a donor are those in which a column
    of `found_by` has one of the keys found so far. `gives` are the keys that these rows add. If
    `found_by` is empty, a row is about many donors or copies other rows, and is not exported.

    A donor who opens their own page gets only tables that are `for_donor`. In the others staff may
    have written about somebody else, or joined rows to this donor by mistake, so that a person has
    to look first. `staffs_words` are the keys of a JSON column with such texts. `joined_by_staff`
    is a column that is not NULL if staff joined the row to a gift; donors don't get such a row.
    """

    name: str
    title: str
    source: Source
    why: str
    keeping: Keeping
    viewers: Viewers
    fields: Mapping[str, str]
    found_by: Mapping[str, RowKey] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    gives: Mapping[RowKey, str] = field(default_factory=dict)
    for_donor: bool = True
    staffs_words: tuple[str, ...] = ()
    joined_by_staff: str = ""
