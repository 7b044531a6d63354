"""All entries, in the order in which an export reads the tables, and the tables without donors."""

from collections.abc import Mapping, Sequence
from typing import Final

from donate.errors import N_
from donate.personal_data.inventory.donors_and_gifts import DONOR_TABLES
from donate.personal_data.inventory.entries import Keeping, PersonalTable, Source, Viewers
from donate.personal_data.inventory.letters_and_staff import LETTER_TABLES, STAFF_TABLES
from donate.personal_data.inventory.payments import BANK_TABLES, STRIPE_TABLES

# Actions by staff come last, because the rows of all other tables show which acts to look for.
_EXPORTED: Final = (
    *DONOR_TABLES,
    *LETTER_TABLES,
    *STRIPE_TABLES,
    *BANK_TABLES,
    *STAFF_TABLES,
)
_ABOUT_MANY: Final = (
    PersonalTable(
        "donor_name_word",
        N_("Search words for names"),
        Source.SERVICE,
        N_("to find a donor by name"),
        Keeping.WITH_ORIGINAL,
        Viewers.NOBODY,
        {"word": N_("Word")},
        left_out=("profile_id",),
    ),
    PersonalTable(
        "search_document",
        N_("Search words for gifts"),
        Source.SERVICE,
        N_("to find a gift by name, e-mail, note or tribute"),
        Keeping.WITH_ORIGINAL,
        Viewers.NOBODY,
        {"words": N_("Words")},
        left_out=("id", "gift_id"),
    ),
    PersonalTable(
        "search_key",
        N_("Search keys for gifts"),
        Source.SERVICE,
        N_(
            "to find a gift by its amount, its identifier at Stripe or the bank, or the last four "
            "digits of a card"
        ),
        Keeping.WITH_ORIGINAL,
        Viewers.NOBODY,
        {"key": N_("Source ID")},
        left_out=("kind", "gift_id"),
    ),
    PersonalTable(
        "statement_file",
        N_("Bank statements as we received them"),
        Source.BANK,
        N_("to prove where each bank line came from"),
        Keeping.BOOKS,
        Viewers.NOBODY,
        {"content": N_("The whole file")},
        left_out=(
            *("id", "sha256", "name", "shape", "encoding", "first_day", "last_day", "new_count"),
            *("known_count", "imported_by", "imported_at"),
        ),
    ),
    PersonalTable(
        "statement_upload",
        N_("Bank statements waiting for a decision"),
        Source.BANK,
        N_("to import the file once staff have decided"),
        Keeping.UPLOAD,
        Viewers.FINANCE,
        {"content": N_("The whole file")},
        left_out=("id", "sha256", "name", "shape", "date_form", "uploaded_by", "uploaded_at"),
    ),
    PersonalTable(
        "closed_month_pack",
        N_("The accountant’s files for closed months"),
        Source.SERVICE,
        N_("to give the accountant each month’s books as they were closed"),
        Keeping.BOOKS,
        Viewers.FINANCE,
        {"content": N_("The whole file")},
        left_out=("month",),
    ),
    PersonalTable(
        "saved_view",
        N_("Views saved by staff"),
        Source.STAFF,
        N_("to open a list again; the view may have a name that staff searched for"),
        Keeping.VIEW,
        Viewers.STAFF,
        {"name": N_("Name"), "query": N_("Filters")},
        left_out=("id", "staff_id", "version", "changed_at"),
    ),
)
INVENTORY: Final[Sequence[PersonalTable]] = (*_EXPORTED, *_ABOUT_MANY)

_ABOUT_STAFF: Final = {
    "pending_sign_in": "token_hash target",
    "provider_account": "issuer subject",
    "provider_sign_in": "state_hash browser_hash nonce code_verifier target address",
    "recovery_code": "code_hash",
    "second_factor": "secret",
    "refusal_sum": "why network account",
    "staff": "email name language password_hash",
    "staff_device": "token_hash",
    "staff_invitation": "token_hash",
    "staff_session": "token_hash csrf_token address browser",
    "staff_token": "token_hash",
}
_ABOUT_NOBODY: Final = {
    "account_file": "",
    "attack": "",
    "attack_network": "network",
    "attack_step": "",
    "attempt_count": "name",
    "bank_account": "name label currency added_by",
    "bank_quiet_days": "confirmed_by",
    "breaker_switch": "set_by",
    "catchup_run": "cursor totals differing",
    "chain_amendment": "removed redacted rows_before rows_after about actor",
    "chain_permit": "table_name",
    "chain_link": "table_name fingerprints hash",
    "chain_seal": "hash",
    "close_request": "asked_by content_hash reasons",
    "closed_month": (
        "closed_by confirmed_by language control_totals open_items entries_hash pack_hash"
    ),
    "day_total": "kind currency code mode fund",
    "kept_entry": "number currency description description_values",
    "kept_line": "currency part memo memo_values fund",
    "learned_shape": "name title fingerprint mapping learned_by forgotten_by",
    "letter_share": "mailbox_hash network",
    "letter_text": "code language subject headline opening closing written_by",
    "matching_run": "seen",
    "offline_batch": "form_key name started_by closed_by",
    "offline_batch_total": "currency",
    "old_stop_link": "token_hash",
    "open_expiry": "session_id",
    "payout_to_read": "payout_id trouble",
    "pruned_total": "kind currency code mode fund",
    "stripe_payout": (
        "payout_id currency status method reconciliation_status trace_id trace_status failure_code "
        "balance_transaction failure_balance_transaction original_payout reversed_by"
    ),
    "stripe_turn": "",
    "transfer_mail_key": "selector record",
    "unknown_payment": "payment",
    "webhook_delivery": "change message_id answer reason",
    "webhook_heard": "",
    "webhook_receiver": "form_key url description secret old_secret disabled_why",
    "webhook_subscription": "",
}
NO_DONORS: Final[Mapping[str, frozenset[str]]] = {
    table: frozenset(columns.split()) for table, columns in (_ABOUT_STAFF | _ABOUT_NOBODY).items()
}
"""The tables that have nothing about donors, with their columns that could hold a text."""
