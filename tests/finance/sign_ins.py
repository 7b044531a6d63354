"""Changes a staff account in ways that end its open sessions."""

from sqlmodel import Session

from donate.finance.staff.accounts import disable, set_password
from tests.finance.finance_site import CHEAP, NOW

ANN, ZOE = "ann@example.org", "zoe@example.org"

NEW = "three loud geese"


def change_password(session: Session) -> None:
    set_password(session, ANN, NEW, now=NOW, passwords=CHEAP)


def shut_out(session: Session) -> None:
    disable(session, ANN, now=NOW)
