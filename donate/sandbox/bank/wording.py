"""How each bank describes a line, copied from samples in published bank file importers.

Sources: https://github.com/Nef10/SwiftBeanCountImporter (RBC),
https://github.com/firefly-iii/import-configurations (TD, Desjardins), and BMO's own downloads.
"""

import unicodedata
from datetime import date

from donate.sandbox.bank.ledger import BankLine

_PLAIN = {
    "fee": "MONTHLY FEE",
    "nsf": "NSF FEE",
    "own_transfer": "ONLINE TRANSFER TO SAVINGS",
    "other": "MISC PAYMENT",
}
_SHORT = {"fee": "[SO]", "nsf": "[SO]", "own_transfer": "[CW]", "other": "[DN]"}


def folded(name: str) -> str:
    """Return a name as most banks write it: in capital letters and without accents."""
    letters = unicodedata.normalize("NFKD", name)
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).upper()


def rbc_descriptions(line: BankLine) -> tuple[str, str]:
    """Return RBC's two descriptions. For a transfer, the second has the start of the reference."""
    if line.kind == "transfer":
        return "E-TRANSFER - AUTODEPOSIT", f"{folded(line.name)} {line.reference[:8]}".strip()
    if line.kind == "payout":
        return ("MISC PAYMENT", "STRIPE") if line.amount > 0 else ("BUSINESS PAD", "STRIPE")
    return _PLAIN[line.kind], folded(line.name)


def td_description(line: BankLine) -> str:
    """Return TD's description. For a transfer, it shows the end of the reference, but no name."""
    if line.kind == "transfer":
        return f"E-TRANSFER ***{line.reference[-3:]}"
    if line.kind == "payout":
        return "STRIPE          MSP"
    return f"{_PLAIN[line.kind]} {folded(line.name)}".strip()


def bmo_description(line: BankLine) -> str:
    """Return BMO's description. For a transfer, it ends with a code made from day and time."""
    if line.kind == "transfer":
        head = f"[CW]INTERAC ETRNSFR AD RECVD {folded(line.name)}"
        return f"{head:<52}{_bmo_code(line.day, line.number)}"
    if line.kind == "payout":
        return "[DN]STRIPE          MSP/DIV"
    return f"{_SHORT[line.kind]}{_PLAIN[line.kind]} {folded(line.name)}".strip()


def _bmo_code(day: date, number: int) -> str:
    hour, minute = divmod(number * 7 % 1_440, 60)
    return f"{day.year}{day.timetuple().tm_yday:03}{hour:02}{minute:02}{number:05X}N"


def desjardins_description(line: BankLine) -> str:
    """Return Desjardins' description in French, which keeps the accents of a name."""
    if line.kind == "transfer":
        return f"Virement Interac de /{line.name} /"
    if line.kind == "payout":
        return "Dépôt direct /STRIPE" if line.amount > 0 else "Paiement préautorisé /STRIPE"
    words = {"fee": "Frais fixes d'utilisation", "nsf": "Frais chèque sans provision"}
    return words.get(line.kind, f"Virement entre comptes {line.name}".strip())


def cibc_description(line: BankLine) -> str:
    """Return CIBC's description. It never says whether money came in or went out.

    For a transfer, it shows a number of 12 digits.
    """
    if line.kind == "transfer":
        return f"Internet Banking E-TRANSFER {line.number * 7_919:012} {folded(line.name)}"
    if line.kind == "payout":
        return "Electronic Funds Transfer STRIPE"
    return f"{_PLAIN[line.kind]} {folded(line.name)}".strip()


def scotiabank_descriptions(line: BankLine) -> tuple[str, str]:
    """Return Scotiabank's description and sub-description. For a transfer, they show no name."""
    if line.kind == "transfer":
        return "Deposit", "Free Interac E-transfer"
    if line.kind == "payout":
        return "Miscellaneous Payment", "Stripe"
    return _PLAIN[line.kind].capitalize(), line.name


def ofx_texts(line: BankLine) -> tuple[str, str]:
    """Return the NAME (at most 32 characters) and the MEMO of a line in an OFX file."""
    if line.kind == "transfer":
        return folded(line.name)[:32], f"INTERAC E-TRANSFER {line.reference}"
    if line.kind == "payout":
        return "STRIPE", "STRIPE PAYMENTS MSP"
    return _PLAIN[line.kind][:32], folded(line.name)
