"""The inventory knows every column of every table, and docs/privacy.md says what it says."""

from pathlib import Path

import pytest

from donate.personal_data.inventory.all_tables import INVENTORY, NO_DONORS
from donate.personal_data.inventory.entries import PersonalTable
from tests.personal_data.all_columns import TABLES, can_hold_a_text

PRIVACY = Path(__file__).parent.parent.parent / "docs/privacy.md"


def test_every_table_has_one_entry() -> None:
    """Each table is in the inventory, or in the list of those without anything about donors."""
    names = [entry.name for entry in INVENTORY]
    assert len(names) == len(set(names))
    assert set(names) | set(NO_DONORS) == set(TABLES)
    assert set(names) & set(NO_DONORS) == set()


@pytest.mark.parametrize("entry", INVENTORY, ids=lambda entry: entry.name)
def test_every_column_is_exported_or_left_out(entry: PersonalTable) -> None:
    """A new column in a table about donors needs a decision, and a row in docs/privacy.md."""
    columns = [*entry.fields, *entry.left_out]
    assert sorted(columns) == sorted(column.name for column in TABLES[entry.name].columns)


@pytest.mark.parametrize("name", sorted(NO_DONORS))
def test_a_table_without_donors_gets_no_new_text(name: str) -> None:
    """A new column that can hold a text, in any other table, needs a decision too."""
    texts = {column.name for column in TABLES[name].columns if can_hold_a_text(column)}
    assert texts == NO_DONORS[name]


def test_the_walk_sees_texts_json_and_bytes() -> None:
    """The walk counts texts, JSON and bytes, but no enums, numbers and dates."""
    texts = {column.name for column in TABLES["stripe_event"].columns if can_hold_a_text(column)}
    assert {"payload", "history", "reason"} <= texts
    assert texts & {"state", "received_at", "gift_id", "tries"} == set()


def row_of(entry: PersonalTable) -> str:
    """Return the row of docs/privacy.md about a table."""
    fields = ", ".join(f"`{name}`" for name in entry.fields)
    cells = (
        *(entry.title, f"`{entry.name}`: {fields}", entry.source.value, entry.why),
        *(entry.keeping.value, entry.viewers.value),
    )
    return f"| {' | '.join(cells)} |"


@pytest.mark.parametrize("entry", INVENTORY, ids=lambda entry: entry.name)
def test_privacy_md_has_a_row_for_each_table(entry: PersonalTable) -> None:
    """docs/privacy.md says of each table what the inventory says."""
    assert row_of(entry) in PRIVACY.read_text().splitlines()
