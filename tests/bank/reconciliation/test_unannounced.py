"""A gift of money that nobody announced is opened by staff and paid by its bank line."""

from datetime import timedelta

import pytest
from sqlmodel import select

from donate.bank.reconciliation.deciding import GiftPart, undo_part
from donate.clock import FixedClock
from donate.gifts.donor_profiles.models import DonorProfile
from donate.gifts.facts import FactKind
from donate.gifts.models import Donor, Gift
from donate.gifts.opening import UnannouncedGift, open_unannounced
from donate.gifts.queries import facts_of
from donate.gifts.status import StatusName
from donate.letters.finder import LetterFinder
from donate.letters.models import Letter
from donate.money import Money
from donate.regions.modes import Mode
from donate.storage.database import Database
from tests.bank.reconciliation.bank_lines import NOW, bank_line, decide, findings, gift, reread
from tests.finance.finance_site import REGIONS


def unannounced(
    database: Database, *, key: str = "line-1", email: str = "", profile_id: int | None = None
) -> Gift:
    donor = Donor(name="Jane Smith", email=email, country="CA", language="en-CA")
    found = UnannouncedGift(REGIONS["LWCAN"], Mode.INTERAC, Money(4_000, "CAD"), donor, profile_id)
    with database.writing() as session:
        return open_unannounced(session, found, key, actor="staff:1", now=NOW)


def letters(database: Database) -> list[Letter]:
    """Return the e-mails that are found, an hour after the transfer."""
    LetterFinder(database, FixedClock(NOW + timedelta(hours=1)), lambda: None).find_due()
    with database.reading() as session:
        return list(session.exec(select(Letter)))


def test_an_unannounced_gift_is_confirmed_by_its_line(database: Database) -> None:
    """Staff open the gift, and the line pays it like any other."""
    line, one = bank_line(database, 4_000), unannounced(database)
    decide(database, line, GiftPart(one.id, 4_000))
    paid = reread(database, one)
    assert (paid.status, paid.received_on) == (StatusName.CONFIRMED, line.day)
    with database.reading() as session:
        facts = {fact.kind: fact for fact in facts_of(session, one.id)}
    opened = facts[FactKind.GIFT_OPENED]
    assert (opened.actor, opened.evidence["mode"]) == ("staff:1", "interac")
    assert findings(database) == []


def test_the_same_form_opens_one_gift(database: Database) -> None:
    """A form that is sent twice opens one gift, and one donor."""
    assert unannounced(database).id == unannounced(database).id
    with database.reading() as session:
        assert len(session.exec(select(Gift)).all()) == 1
        assert len(session.exec(select(Donor)).all()) == 1


def test_a_known_donor_is_chosen(database: Database) -> None:
    """Without an address, the gift belongs to the donor whom staff chose."""
    known = gift(database)
    assert unannounced(database, profile_id=known.profile_id).profile_id == known.profile_id


def test_without_a_choice_the_donor_is_new(database: Database) -> None:
    """Without an address or a choice, the gift belongs to a new donor."""
    known = gift(database)
    assert unannounced(database).profile_id != known.profile_id
    with database.reading() as session:
        assert len(session.exec(select(DonorProfile)).all()) == 2


@pytest.mark.parametrize(("email", "count"), [("", 0), ("jane@example.com", 1)])
def test_thanks_go_only_to_an_address(database: Database, email: str, count: int) -> None:
    """The donor of an unannounced gift is thanked if there is an address."""
    line, one = bank_line(database, 4_000), unannounced(database, email=email)
    decide(database, line, GiftPart(one.id, 4_000))
    assert len(letters(database)) == count


def test_an_undone_unannounced_gift_sends_no_instructions(database: Database) -> None:
    """If the line of an unannounced gift is undone, nobody is asked to send the money."""
    line, one = bank_line(database, 4_000), unannounced(database, email="jane@example.com")
    (part,) = decide(database, line, GiftPart(one.id, 4_000))
    with database.writing() as session:
        assert part.id is not None
        undo_part(session, part.id, "not a gift", actor="staff:1", now=NOW)
    assert reread(database, one).status == StatusName.AWAITED
    assert letters(database) == []
