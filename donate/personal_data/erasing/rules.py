"""What happens to each column that can hold a text about a donor, when the donor is erased.

`tests/personal_data/erasing/test_rules.py` compares this with every column of the inventory.
"""

from collections.abc import Mapping
from typing import Any, Final

ERASED: Final = "[erased]"
"""Replaces an erased text where the place can't be empty, such as in the middle of a text."""

REPLACED: Final[Mapping[str, Mapping[str, Any]]] = {
    "donor_profile": dict.fromkeys(
        ("email", "email_key", "name", "first_name", "initial", "street", "city", "postal_code"), ""
    ),
    "donor": {"name": "", "email": ""},
    "gift_wish": {"note": "", "tribute_kind": "", "tribute_name": ""},
    "offline_entry": {"donor_name": "", "donor_email": "", "donor_address": "", "note": ""},
    "letter": {"reason": ""},
    "open_checkout": {"url": ""},
    "bank_line_part": {"note": "", "undo_reason": ""},
    "transfer_mail": {"sender_name": "", "sender_key": "", "sender_email": "", "message": ""},
    "transfer_mail_file": {"content": b""},
    "donor_note": {"text": ERASED},
    "donor_edit": {"old": "", "new": ""},
    "donor_merge": {"why": ""},
}
"""Columns that get a new value in every row about the donor."""

DELETED: Final = (
    *("donor_link", "donor_link_request", "sign_in_failure", "taught_payer", "donor_name_word"),
    *("search_document", "gift_origin"),
)
"""Tables whose rows about the donor are deleted. The gifts' words are then stored again."""

SCRUBBED: Final[Mapping[str, tuple[str, ...]]] = {
    "gift": ("link_name",),  # gets a new one, so that old links open nothing
    "gift_fact": ("evidence",),
    "staff_act": ("about", "detail"),
    "stripe_event": ("payload", "history"),
    "balance_transaction": ("description",),
    "bank_line": ("suggestions",),
    "saved_view": ("name", "query"),
}
"""Columns from which only what is about the person is removed."""

KEPT: Final[Mapping[str, str]] = {
    "donor_profile": "language province country",
    "gift": "reference form_key code fund currency language time_zone flags",
    "donor": "country language",
    "gift_fact": "source_id currency actor",
    "gift_movement": "source_id currency fund",
    "pledge": "code fund currency",
    "pledge_news": "source_id",
    "offline_entry": (
        "form_key code fund currency language cheque_number cheque_key bank_name entered_by"
    ),
    "letter": "occasion asked_by",
    "reminder_choice": "address_hash",
    "stripe_event": "event_id type reason waits_for tied_by",
    "open_checkout": "session_id",
    "open_agreement": "session_id",
    "open_pledge_change": "key subscription form_key",
    "open_refund": "key form_key payment",
    "balance_transaction": (
        "txn_id type reporting_category balance_type currency source_id payment fee_details "
        "exchange_rate original_currency"
    ),
    "bank_line_part": "source_id decided_by undone_by",
    "bank_line": "currency text text_key bank_reference",
    "transfer_mail": "interac_reference currency language",
    "transfer_mail_file": "sha256 selector added_by",
    "donor_note": "form_key written_by",
    "donor_edit": "field edited_by",
    "donor_merge": "merged_by undone_by",
    "staff_act": "act address",
    "search_key": "key",
    "statement_file": "sha256 name shape encoding content imported_by",
    "statement_upload": "sha256 name content shape date_form uploaded_by",
    "closed_month_pack": "content",
}
"""Columns that are kept. `summary.py` tells which of them still name the person, and why."""

KEPT_EVIDENCE: Final = frozenset(
    """code mode country pledge invoice attempt language session agreement payment_status
    billing_reason decline_code arrives_on deposits date bank_reference cheque_number cheque_date
    bank payment payment_intent status failure_reason request due_by fees act subscription paused
    resumes_at ends_with_the_month ends_at month_ends_at anchor payment_method tied_by type
    request_id""".split()
)
"""The keys of a fact's evidence that are kept; texts under any other key are erased."""
FREE_TEXTS: Final = frozenset({"why", "reason", "note", "filter", "written"})
"""The keys of an act's details that hold staff's own words."""
