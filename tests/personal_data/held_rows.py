"""Fills every table of the inventory with a row about a donor, whose texts name the donor.

A text is made of the donor's word, the table and the column, as in `maya/letter/reason`, so that a
test can tell which value came from where.
"""

import json
import uuid
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Date, Integer, LargeBinary, Uuid, func, insert, select
from sqlmodel import Session, SQLModel

from donate.gifts.models import Gift
from donate.personal_data.inventory.all_tables import INVENTORY
from donate.personal_data.inventory.entries import PersonalTable
from donate.storage.column_types import EnumText, UtcDateTime
from donate.storage.database import Database
from tests.gifts.samples import open_one

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ROOM_FOR_A_MARK = 40
# Values that the database's constraints ask for.
FIXED: dict[str, dict[str, Any]] = {
    "gift_fact": {"kind": "transfer_received", "amount_minor": 5_000, "currency": "CAD"},
    "gift_movement": {"kind": "payment", "cause": "transfer_received", "currency": "CAD"},
    "gift_wish": {"tribute_kind": "honour"},
    "pledge": {"stage": "active", "currency": "CAD", "mode": "card", "code": "LWCAN"},
    "pledge_news": {"kind": "amount"},
    "letter": {"kind": "thank_you", "state": "sent"},
    "reminder_choice": {"channel": "page"},
    "offline_entry": {"state": "recorded", "mode": "cheque", "batch_id": None, "currency": "CAD"},
    "stripe_event": {"source": "webhook", "state": "settled", "tied_to": None},
    "open_pledge_change": {"act": "amount", "amount_minor": 5_000},
    "open_refund": {"reason": "duplicate"},
    "balance_transaction": {
        "amount_minor": 5_000,
        "fee_minor": 100,
        "net_minor": 4_900,
        "currency": "CAD",
        "original_currency": "",
        "original_minor": 0,
        "payout_row": None,
    },
    "bank_line": {"currency": "CAD", "explained_minor": 0, "line_class": None, "band": None},
    "bank_line_part": {
        "kind": "gift",
        "payout_id": None,
        "top_up_id": None,
        "reason": None,
        "is_return": False,
        "undone_at": NOW,
    },
    "transfer_mail": {"state": "deposited", "currency": "CAD", "amount_minor": 5_000},
    "transfer_mail_file": {"mail_check": "counted", "kind": "deposited", "check_due_at": None},
    "donor_link": {"expires_at": datetime(2026, 3, 1, 13, tzinfo=UTC)},
    "donor_note": {"corrects_id": None},
    "bank_account": {"currency": "CAD"},
    "staff_act": {"staff_id": None},
}
SUFFIXES = {"country": "CA", "language": "en-CA", "province": "ON", "currency": "CAD"}


def mark(word: str, table: str, column: str) -> str:
    return f"{word}/{table}/{column}"


def hold_everything(database: Database, word: str) -> Gift:
    """Store a gift of a donor, and a row about them in each table of the inventory."""
    with database.writing() as session:
        gift = open_one(
            session, f"form-{word}", name=f"{word} tree", email=f"{word}@example.com", now=NOW
        )
        keys: dict[str, Any] = {"gift_id": gift.id, "profile_id": gift.profile_id}
        other = _put(session, "donor_profile", word, {})
        keys |= {"into_id": other}
        account = _put(session, "bank_account", word, {})
        file = _put(session, "statement_file", word, {})
        keys |= {"account_id": account, "file_id": file}
        keys["line_id"] = keys["bank_line_id"] = _put(session, "bank_line", word, keys)
        made = {"donor_profile", "donor", "gift", "bank_line", "statement_file", "gift_wish"}
        _put(session, "gift_wish", word, keys)
        for entry in INVENTORY:
            if entry.found_by and entry.name not in made:
                own = _own_keys(entry, gift, word)
                row = _put(session, entry.name, word, keys | own)
                if entry.name == "transfer_mail":
                    keys["transfer_mail_id"] = row
        return gift


def _own_keys(entry: PersonalTable, gift: Gift, word: str) -> dict[str, Any]:
    """Return the columns by which the inventory finds the row, if they are no foreign keys."""
    session_id = f"cs_{word}"
    payload = {"data": {"object": {"id": "pi", "billing_details": {"name": f"{word}/at stripe"}}}}
    special: dict[str, dict[str, Any]] = {
        "pledge": {"id": gift.id},
        "open_checkout": {"session_id": session_id},
        "open_agreement": {"session_id": session_id},
        "donor_link_request": {"email": f"{word}@example.com"},
        "sign_in_failure": {"email": f"{word}@example.com"},
        "staff_act": {"about": gift.reference},
        "stripe_event": {
            "payload": json.dumps(payload).encode(),
            "history": [{"decision": "dismissed", "why": mark(word, "stripe_event", "history")}],
        },
        "transfer_mail": {"sender_email": f"{word.upper()}@example.com"},
        "gift_fact": {"source_id": f"bank:{word}"},
        "gift_movement": {"source_id": f"bank:{word}", "amount_minor": 5_000},
    }
    return special.get(entry.name, {})


def _put(session: Session, name: str, word: str, keys: dict[str, Any]) -> Any:
    """Insert a row in which every text is marked; return its primary key."""
    table = SQLModel.metadata.tables[name]
    fixed = FIXED.get(name, {})
    values = {}
    for column in table.columns:
        if column.name == "id" and "id" not in keys:
            highest = session.execute(select(func.max(column))).scalar()
            values["id"] = (highest or 0) + 1
        elif column.name in fixed or column.name in keys:
            values[column.name] = fixed.get(column.name, keys.get(column.name))
        elif not (column.foreign_keys and column.nullable):
            values[column.name] = _value(column, word)
    session.execute(insert(table).values(values))
    return values.get("id")


def _value(column: Any, word: str) -> Any:
    text = mark(word, column.table.name, column.name)
    match column.type:
        case JSON():
            return {"note": text}
        case UtcDateTime():
            return NOW
        case Date():
            return date(2026, 3, 1)
        case Boolean():
            return False
        case LargeBinary():
            return text.encode()
        case Uuid():
            return uuid.uuid4()
        case EnumText():
            return "unknown"
        case Integer():
            return 1
    length = getattr(column.type, "length", None) or 100
    return SUFFIXES.get(column.name, text if length >= ROOM_FOR_A_MARK else word[:length])
