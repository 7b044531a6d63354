"""Every column that can hold a text about a donor has a rule, and the rules are carried out."""

import pytest

from donate.gifts.donor_profiles.models import DonorProfile
from donate.gifts.donor_profiles.queries import profile_of_gift
from donate.gifts.models import Gift
from donate.personal_data.collecting import held_rows
from donate.personal_data.donor_scope import scope_for_staff
from donate.personal_data.erasing.erasing import erase_donor
from donate.personal_data.erasing.event_search import find_events
from donate.personal_data.erasing.rules import DELETED, KEPT, REPLACED, SCRUBBED
from donate.personal_data.erasing.summary import traces_of
from donate.personal_data.inventory.all_tables import INVENTORY
from donate.personal_data.inventory.entries import PersonalTable
from donate.storage.database import Database
from tests.chain.chained import link_all, problems
from tests.personal_data.all_columns import TABLES, can_hold_a_text, columns_with
from tests.personal_data.held_rows import NOW, hold_everything


@pytest.mark.parametrize("entry", INVENTORY, ids=lambda entry: entry.name)
def test_every_text_is_erased_or_kept(entry: PersonalTable) -> None:
    """A new column with a text needs a decision: erased, scrubbed, or kept."""
    texts = sorted(c.name for c in TABLES[entry.name].columns if can_hold_a_text(c))
    ruled = [*REPLACED.get(entry.name, ()), *SCRUBBED.get(entry.name, ())]
    ruled += KEPT.get(entry.name, "").split()
    if entry.name in DELETED:
        assert ruled == []
    else:
        assert sorted(ruled) == texts


def test_no_rule_is_about_an_unknown_table() -> None:
    """Every rule is about a table of the inventory."""
    names = {entry.name for entry in INVENTORY}
    assert {*REPLACED, *DELETED, *SCRUBBED, *KEPT} <= names


def erase(database: Database, gift: Gift) -> int:
    with database.reading() as session:
        donor = profile_of_gift(session, session.get_one(Gift, gift.id))
        held = held_rows(session, scope_for_staff(session, donor))
    events = find_events(database, traces_of(held))
    with database.writing() as session:
        donor = profile_of_gift(session, session.get_one(Gift, gift.id))
        return erase_donor(session, donor, events, actor="service", now=NOW)


def test_a_canary_is_left_only_where_the_rules_say(database: Database) -> None:
    """Each text of each table names the donor before, and only kept columns do afterwards."""
    gift = hold_everything(database, "canary")
    hold_everything(database, "robin")
    link_all(database)
    with database.reading() as session:
        before = columns_with(session, "canary")
        others = columns_with(session, "robin")
    assert len(before) > 60
    assert erase(database, gift)
    with database.reading() as session:
        left = columns_with(session, "canary")
        assert columns_with(session, "robin") == others
    kept = {(table, column) for table, columns in KEPT.items() for column in columns.split()}
    # The test's other profile is not merged with this one. In two columns only the donor's address
    # and whole name are taken out.
    others_own = {each for each in left if each[0] == "donor_profile"}
    by_trace = {("bank_line", "suggestions"), ("balance_transaction", "description")}
    assert {each for each in left if each[0] in KEPT} - others_own - by_trace <= kept
    assert {table for table, _ in left} & {*DELETED} == set()
    with database.reading() as session:
        profile = session.get_one(DonorProfile, gift.profile_id)
        assert "canary" not in str(profile.model_dump()).lower()
        assert profile.erased_at == NOW
    assert problems(database) == []
    # Again, nothing is left to do.
    link_all(database)
    assert erase(database, gift) == 0
