"""The keys of the charity's bank accounts, as they are used in the chart of accounts."""

import re
from typing import Final

from sqlmodel import Session, col, select

from donate.bank.statements.models import BankAccount
from donate.gifts.search_index.folding import fold

_LONGEST: Final = 20


def bank_keys(session: Session) -> dict[int, str]:
    """Return a key for each bank account: its name in lower case, with hyphens, without accents.

    “TD Chèques (CAD)” becomes `td-cheques-cad`. If the name is too long, or would have the same key
    as an older account, the account's id is added at the end. So a key never changes later.
    """
    statement = select(BankAccount.id, BankAccount.name).order_by(col(BankAccount.id))
    keys: dict[int, str] = {}
    for number, name in session.exec(statement):
        assert number is not None
        whole = re.sub(r"[^a-z0-9]+", "-", fold(name)).strip("-")
        short = whole[:_LONGEST].strip("-") or "bank"
        is_own = whole == short and whole not in keys.values()
        keys[number] = whole if is_own else f"{short}-{number}"
    return keys
