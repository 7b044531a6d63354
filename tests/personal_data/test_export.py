"""An export has everything that is held about a donor, and nothing about anybody else."""

import io
import json
import zipfile
from typing import Any

import pytest

from donate.finance.routes import FinancePages  # noqa: F401 -- defines all tables
from donate.gifts.donor_profiles.models import DonorProfile
from donate.gifts.models import Donor, Gift
from donate.personal_data.donor_scope import scope_for_donor, scope_for_staff
from donate.personal_data.export import donor_archive
from donate.personal_data.inventory.all_tables import INVENTORY
from donate.personal_data.inventory.entries import PersonalTable
from donate.personal_data.stripe_fields import personal_fields
from donate.storage.database import Database
from donate.web.templating import Pages
from tests.gifts.samples import open_gift_of
from tests.personal_data.held_rows import NOW, hold_everything
from tests.stripe_gateway.gifts_and_events import event, event_now, settle

EXPORTED = [entry for entry in INVENTORY if entry.found_by]


def files_of(archive: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        return {name: packed.read(name).decode() for name in packed.namelist()}


def export_of(database: Database, gift: Gift, *, for_donor: bool = False) -> dict[str, str]:
    with database.reading_snapshot() as session:
        profile = session.get_one(DonorProfile, gift.profile_id)
        scope = (scope_for_donor if for_donor else scope_for_staff)(session, profile)
        return files_of(donor_archive(session, scope, Pages(), now=NOW))


def rows_of(files: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    return {name: held["rows"] for name, held in json.loads(files["data.json"])["tables"].items()}


def test_an_export_has_every_table(database: Database) -> None:
    """The rows about the donor are there, from every table, and none about another donor."""
    gift = hold_everything(database, "maya")
    hold_everything(database, "zoe")
    files = export_of(database, gift)
    rows = rows_of(files)
    assert {name: len(found) for name, found in rows.items()} == {
        entry.name: 2 if entry.name == "gift_fact" else 1 for entry in EXPORTED
    }
    for entry in EXPORTED:
        assert set(rows[entry.name][-1]) == set(entry.fields)
    everything = "".join(files.values())
    assert "maya/letter/reason" in everything
    assert "zoe" not in everything


@pytest.mark.parametrize("entry", EXPORTED, ids=lambda entry: entry.name)
def test_no_key_and_no_hash_is_exported(entry: PersonalTable) -> None:
    """Tokens, keys of forms, hashes and addresses of payment pages stay out of an export."""
    secret = ("token", "hash", "form_key", "secret", "url")
    assert [name for name in entry.fields if any(word in name for word in secret)] == []


def test_a_donor_takes_only_what_is_their_own(database: Database) -> None:
    """On their own page a donor gets no words of staff, no bank lines and no merged profiles."""
    gift = hold_everything(database, "maya")
    cheque = open_gift_of(database, "cheque", email="zoe@example.com", name="Zoe Roy")
    with database.writing() as session:
        session.get_one(DonorProfile, cheque.profile_id).merged_into_id = gift.profile_id
    files = export_of(database, gift, for_donor=True)
    rows = rows_of(files)
    assert set(rows) == {entry.name for entry in EXPORTED if entry.for_donor}
    assert [gift["reference"] for gift in rows["gift"]] == [gift.reference]
    everything = "".join(files.values())
    for table in ("donor_note", "bank_line", "transfer_mail", "staff_act", "offline_entry"):
        assert f"maya/{table}" not in everything
    assert "maya/gift_fact/evidence" not in everything
    assert "Zoe" not in everything
    left_out = json.loads(files["data.json"])["left_out"]
    assert {"donor_note", "bank_line", "search_document"} <= set(left_out)
    assert "You can ask to see anything on this list" in files["data-en.html"]


def test_an_event_that_staff_tied_stays_out(database: Database) -> None:
    """Donors do not get events that staff tied to their gift, which may be about somebody else."""
    gift = open_gift_of(database, name="Maya")
    bobs = {"id": "cus_bob", "customer_details": {"name": "Bob Roy", "email": "bob@example.com"}}
    late = event("customer.created", bobs)
    settle(database, late)
    with database.writing() as session:
        stored = session.merge(event_now(database, late))
        stored.gift_id = stored.tied_to = gift.id
    assert "Bob Roy" in export_of(database, gift)["data.json"]
    assert "Bob Roy" not in "".join(export_of(database, gift, for_donor=True).values())


def test_a_cheque_without_an_address_stays_out(database: Database) -> None:
    """Donors do not get gifts without an e-mail address, which only staff tied to their profile."""
    gift = open_gift_of(database, name="Maya")
    cheque = open_gift_of(database, "cheque", email="zoe@example.com", name="Zoe Roy")
    with database.writing() as session:
        session.get_one(Gift, cheque.id).profile_id = gift.profile_id
        session.get_one(Donor, cheque.donor_id).email = ""
    assert len(rows_of(export_of(database, gift))["gift"]) == 2
    assert len(rows_of(export_of(database, gift, for_donor=True))["gift"]) == 1


def test_staff_get_the_merged_profiles_too(database: Database) -> None:
    """For staff, an export has the gifts of all profiles that were merged into the donor's."""
    gift = hold_everything(database, "maya")
    other = open_gift_of(database, "other", email="m@example.com", name="Maya R.")
    with database.writing() as session:
        session.get_one(DonorProfile, other.profile_id).merged_into_id = gift.profile_id
    rows = rows_of(export_of(database, gift))
    assert {row["reference"] for row in rows["gift"]} == {gift.reference, other.reference}
    assert len(rows["donor_profile"]) == 2


def test_each_field_is_explained_in_both_languages(database: Database) -> None:
    """JSON says in both languages what each field is, where from, why and how long it is kept."""
    files = export_of(database, hold_everything(database, "maya"))
    for held in json.loads(files["data.json"])["tables"].values():
        texts = [held[key] for key in ("title", "from", "why", "kept", "seen_by")]
        for text in (*texts, *held["fields"].values()):
            assert set(text) == {"en-CA", "fr-CA"}
            assert all(text.values())
    assert json.loads(files["data.json"])["tables"]["gift"]["from"]["fr-CA"] == "le donateur"


def test_pages_are_for_people(database: Database) -> None:
    """Each page is in its language, writes amounts with their currency, and escapes markup."""
    gift = open_gift_of(database, name="Ann <b>Lee</b>")
    files = export_of(database, gift, for_donor=True)
    english, french = files["data-en.html"], files["data-fr.html"]
    assert '<html lang="en-CA">' in english
    assert "$50.00" in english
    assert '<html lang="fr-CA">' in french
    assert "50,00\N{NO-BREAK SPACE}$" in french
    assert "Ann &lt;b&gt;Lee&lt;/b&gt;" in english
    assert "<b>" not in english


def test_of_stripes_events_only_the_persons_part_is_exported() -> None:
    """Of a raw event, an export has what is about the payer, each value under its path."""
    card = {"last4": "4242", "brand": "visa"}
    event = {
        "id": "evt_1",
        "data": {
            "object": {
                "amount": 5_000,
                "billing_details": {"name": "Ann", "address": {"line1": None, "city": "Ottawa"}},
                "payment_method_details": {"card": card},
                "refunds": [{"receipt_email": "ann@example.com"}],
            }
        },
    }
    assert personal_fields(event) == {
        "data.object.billing_details.name": "Ann",
        "data.object.billing_details.address.city": "Ottawa",
        "data.object.payment_method_details.card.last4": "4242",
        "data.object.refunds[0].receipt_email": "ann@example.com",
    }
