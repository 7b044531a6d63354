"""The entries for what Stripe, the bank and Interac say about gifts."""

from typing import Final

from donate.errors import N_
from donate.personal_data.inventory.entries import Keeping, PersonalTable, RowKey, Source, Viewers

_WHEN: Final = N_("When")
_AMOUNT: Final = N_("Amount")
_IN_CENTS: Final = N_("Amount in cents")
_CURRENCY: Final = N_("Currency")
_KIND: Final = N_("Kind")
_BY: Final = N_("By")

STRIPE_TABLES: Final = (
    PersonalTable(
        "stripe_event",
        N_("What Stripe reported"),
        Source.STRIPE,
        N_("to prove each payment, and to read it again after a mistake"),
        Keeping.BOOKS,
        Viewers.STAFF,
        {
            "event_id": N_("Stripe ID"),
            "type": _KIND,
            "received_at": N_("Received"),
            "state": N_("Status"),
            "payload": N_("What it says about the person"),
        },
        found_by={"gift_id": RowKey.GIFT, "tied_to": RowKey.GIFT},
        left_out=(
            *("id", "source", "reason", "tries", "due_at", "waits_for", "gift_id", "settled_at"),
            *("tied_to", "tied_by", "history"),
        ),
        gives={RowKey.SUBJECT: "event_id"},
        joined_by_staff="tied_to",
    ),
    PersonalTable(
        "open_checkout",
        N_("Stripe’s payment pages"),
        Source.STRIPE,
        N_("to take the donor back to the payment page, and to check the outcome"),
        Keeping.UNTIL_DONE,
        Viewers.NOBODY,
        {
            "session_id": N_("Stripe ID"),
            "opened_at": N_("Started"),
            "expires_at": N_("Expires"),
        },
        found_by={"gift_id": RowKey.GIFT},
        # `url` is left out because the page at this address shows the donor's e-mail address.
        left_out=("gift_id", "url", "ask_at", "asked_at"),
    ),
    PersonalTable(
        "open_agreement",
        N_("Agreements to monthly debits"),
        Source.STRIPE,
        N_("to process the monthly gift"),
        Keeping.UNTIL_DONE,
        Viewers.NOBODY,
        {"session_id": N_("Stripe ID"), "heard_at": _WHEN},
        found_by={"gift_id": RowKey.GIFT},
        left_out=("gift_id", "ask_at", "keys_spent"),
    ),
    PersonalTable(
        "open_pledge_change",
        N_("Requested changes to monthly gifts"),
        Source.DONOR,
        N_("to carry out the change"),
        Keeping.UNTIL_DONE,
        Viewers.NOBODY,
        {
            "subscription": N_("Stripe ID"),
            "act": _KIND,
            "amount_minor": _IN_CENTS,
            "resumes_at": N_("Resumes on"),
            "requested_at": _WHEN,
        },
        found_by={"gift_id": RowKey.GIFT},
        left_out=("key", "gift_id", "form_key", "ask_at", "tries"),
    ),
    PersonalTable(
        "open_refund",
        N_("Requested refunds"),
        Source.STAFF,
        N_("to carry out the refund"),
        Keeping.UNTIL_DONE,
        Viewers.STAFF,
        {
            "payment": N_("Stripe ID"),
            "amount_minor": _IN_CENTS,
            "reason": N_("Reason"),
            "requested_at": _WHEN,
        },
        found_by={"gift_id": RowKey.GIFT},
        left_out=("key", "gift_id", "form_key", "ask_at", "asked_at", "tries", "keys_spent"),
    ),
    PersonalTable(
        "balance_transaction",
        N_("Payments and fees in Stripe’s balance"),
        Source.STRIPE,
        N_("to keep the books"),
        Keeping.BOOKS,
        Viewers.STAFF,
        {
            "txn_id": N_("Stripe ID"),
            "type": _KIND,
            "amount_minor": _AMOUNT,
            "fee_minor": N_("Fee"),
            "net_minor": N_("Kept"),
            "currency": _CURRENCY,
            "created_at": _WHEN,
            "description": N_("Text"),
        },
        found_by={"gift_id": RowKey.GIFT},
        left_out=(
            *("id", "reporting_category", "balance_type", "tax_minor", "available_at", "source_id"),
            *("payment", "fee_details", "exchange_rate", "original_minor", "original_currency"),
            *("payout_row", "gift_id", "read_at"),
        ),
    ),
)

BANK_TABLES: Final = (
    PersonalTable(
        "bank_line_part",
        N_("Parts of bank lines that pay a gift"),
        Source.STAFF,
        N_("to prove which money paid the gift"),
        Keeping.BOOKS,
        Viewers.STAFF,
        {
            "line_id": N_("Number of the bank line"),
            "amount_minor": _AMOUNT,
            "is_return": N_("Sent back"),
            "note": N_("Staff note"),
            "decided_by": _BY,
            "decided_at": _WHEN,
            "undone_by": N_("Undone by"),
            "undone_at": N_("Undone"),
            "undo_reason": N_("Reason"),
        },
        found_by={"gift_id": RowKey.GIFT},
        left_out=(
            *("id", "kind", "gift_id", "source_id", "made_transfer", "payout_id", "top_up_id"),
            *("reason", "was_certain"),
        ),
        gives={RowKey.LINE: "line_id"},
        for_donor=False,
    ),
    PersonalTable(
        "bank_line",
        N_("Lines of bank statements"),
        Source.BANK,
        N_("to find the money from transfers and cheques"),
        Keeping.BOOKS,
        Viewers.STAFF,
        {
            "id": N_("Number of the bank line"),
            "day": N_("Day"),
            "amount_minor": _AMOUNT,
            "currency": _CURRENCY,
            "text": N_("Text"),
            "bank_reference": N_("Bank’s reference"),
        },
        found_by={"id": RowKey.LINE},
        # The suggestions are guesses about gifts of any donor.
        left_out=(
            *("account_id", "text_key", "nth", "balance_minor", "file_id", "row"),
            *("explained_minor", "line_class", "band", "suggestions", "version"),
        ),
        for_donor=False,
    ),
    PersonalTable(
        "transfer_mail",
        N_("Interac e-Transfers"),
        Source.INTERAC,
        N_("to find the gift that a transfer pays"),
        Keeping.BOOKS,
        Viewers.STAFF,
        {
            "interac_reference": N_("Interac’s reference"),
            "state": N_("Status"),
            "day": N_("Day"),
            "amount_minor": _AMOUNT,
            "currency": _CURRENCY,
            "sender_name": N_("Sender’s name"),
            "sender_email": N_("Sender’s e-mail"),
            "message": N_("Message"),
            "language": N_("Language"),
            "recorded_at": N_("Recorded"),
        },
        found_by={
            "bank_line_id": RowKey.LINE,
            "sender_email": RowKey.ADDRESS,
            "interac_reference": RowKey.BANK_REFERENCE,
        },
        left_out=("id", "sender_key", "bank_line_id"),
        gives={RowKey.TRANSFER: "id"},
        for_donor=False,
    ),
    PersonalTable(
        "transfer_mail_file",
        N_("Interac’s e-mails as we received them"),
        Source.INTERAC,
        N_("to prove the signature of the e-mail"),
        Keeping.BOOKS,
        Viewers.NOBODY,
        {
            "kind": _KIND,
            "content": N_("The whole e-mail"),
            "added_by": _BY,
            "added_at": _WHEN,
        },
        found_by={"transfer_mail_id": RowKey.TRANSFER},
        left_out=(
            *("id", "sha256", "mail_check", "selector", "transfer_mail_id", "check_tries"),
            *("check_due_at", "checked_at"),
        ),
        for_donor=False,
    ),
    PersonalTable(
        "taught_payer",
        N_("Names of payers in bank lines"),
        Source.STAFF,
        N_("to suggest the donor for the next transfer"),
        Keeping.PROFILE,
        Viewers.STAFF,
        {"name": N_("Name"), "taught_by": _BY, "taught_at": _WHEN},
        found_by={"profile_id": RowKey.PROFILE},
        left_out=("id", "profile_id"),
        for_donor=False,
    ),
)
