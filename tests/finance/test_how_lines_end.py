"""Each line of a file is certain, suggested or unidentified with its reason, in whatever form."""

import codecs
import html
import re
from collections.abc import Callable

import pytest

from donate.bank.matching.inputs import Band
from donate.bank.reconciliation.deciding import NoGiftPart
from donate.bank.reconciliation.models import NoGiftReason
from donate.bank.statements.models import RecordedLine
from donate.finance.statements.line_view import why_nothing
from tests.bank.reconciliation.bank_lines import bank_line, decide
from tests.finance.bank_desk import LINES
from tests.finance.finance_site import FinanceSite
from tests.finance.statement_desk import finish, lines, upload

HEADER = "Date,Transaction,Name,Memo,Amount"
LOOKALIKES = str.maketrans("Q5268M", "OSZGBN")
# Each line: its text, which may have the references of gifts; its amount; the best it can be; and
# what the page says about it.
CASES = [
    pytest.param("WIRE {}", (5_000,), 5_000, Band.CERTAIN, "contains the reference", id="whole"),
    pytest.param("wire {spaced}", (5_100,), 5_100, Band.CERTAIN, "contains the", id="spaces"),
    pytest.param("wire {lower}", (5_200,), 5_200, Band.CERTAIN, "contains the", id="lower case"),
    pytest.param("WIRE {typed}", (5_300,), 5_300, Band.CERTAIN, "contains the", id="O for 0"),
    pytest.param(
        "WIRE {} {}", (3_000, 4_000), 7_000, Band.CERTAIN, "these 2 gifts", id="two gifts"
    ),
    pytest.param(
        "WIRE {}",
        (8_000,),
        6_000,
        Band.LIKELY,
        "$60.00, but the gift still needs $80.00",
        id="less",
    ),
    pytest.param(
        "WIRE {}",
        (9_000,),
        9_500,
        Band.LIKELY,
        "$95.00, but the gift still needs $90.00",
        id="more",
    ),
    pytest.param(
        "INTERAC e-Transfer From: MAYA TREMBLAY",
        (1_100,),
        1_100,
        Band.LIKELY,
        "The name matches",
        id="name",
    ),
    pytest.param(
        "WIRE {cut}", (1_200,), 1_300, Band.NONE, "incomplete or mistyped", id="cut short"
    ),
    pytest.param(
        "WIRE LWCAN-7HAJK3T",
        (),
        1_400,
        Band.NONE,
        "LWCAN-7HAJK3T, but no recent gift",
        id="unknown",
    ),
    pytest.param(
        "INTERAC e-Transfer From: JOHN DOE", (), 1_500, Band.NONE, "called JOHN DOE", id="stranger"
    ),
    pytest.param("DEPOSIT", (), 1_600, Band.NONE, "The bank shows no name", id="nameless"),
    pytest.param("STRIPE MSP", (), 1_700, Band.NONE, "no payout or top-up of this", id="payout"),
    pytest.param("TRANSFER FROM 0042", (), 1_800, Band.NONE, "another account", id="own money"),
    pytest.param("INTERAC E-TRANSFER CANCELLED", (), 1_900, Band.NONE, "came back", id="cancelled"),
    pytest.param("EFT Withdrawal to HYDRO", (), -1_050, Band.NONE, "Money that left", id="debit"),
    pytest.param("MONTHLY PLAN FEE", (), -495, Band.NONE, "Money that left", id="fee"),
    pytest.param(
        "STRIPE MSP", (), -2_100, Band.NONE, "no payout or top-up of this", id="debit of Stripe"
    ),
]


def text_with(site: FinanceSite, text: str, needed: tuple[int, ...], key: str) -> str:
    """Open gifts that need these amounts, and write their references into the text."""
    gifts = [site.gift(f"{key} {n}", amount_minor=minor) for n, minor in enumerate(needed)]
    references = [gift.reference for gift in gifts]
    body = references[0].removeprefix("LWCAN-") if references else ""
    return text.format(
        *references,
        spaced=f"LW CAN {body[:3]} {body[3:]}",
        lower=f"lwcan-{body}".lower(),
        typed=f"LWCAN-{body.translate(LOOKALIKES)}",
        cut=f"LWCAN-{body[:5]}",
    )


@pytest.mark.parametrize(("text", "needed", "minor", "band", "said"), CASES)
def test_the_page_says_why_a_line_ends_so(
    site: FinanceSite, text: str, needed: tuple[int, ...], minor: int, band: Band, said: str
) -> None:
    """The page of a line has its band, and a sentence that is about this line."""
    written = text_with(site, text, needed, "gift")
    row = f"3/9/2026,OTHER,{written},,{minor / 100:.2f}\n"
    browser = site.signed_in()
    uploaded = upload(browser, f"{HEADER}\n{row}".encode())
    assert finish(browser, uploaded, new_account_0="Chequing").status_code == 303
    (line,) = lines(site)
    assert (line.text, line.amount_minor, line.band) == (written, minor, band)
    page = html.unescape(re.sub(r"<[^>]+>", "", browser.get(f"{LINES}/{line.id}").text))
    assert said in page


def semicolons(text: str) -> str:
    """Write the file as a French program does: with semicolons and decimal commas."""
    return re.sub(r"(-?\d)\.(\d\d)$", r"\1,\2", text.replace(",", ";"), flags=re.MULTILINE)


FORMS: dict[str, Callable[[str], bytes]] = {
    "LF": str.encode,
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "CR": lambda text: text.replace("\n", "\r").encode(),
    "a BOM": lambda text: codecs.BOM_UTF8 + text.encode(),
    "Windows-1252": lambda text: text.encode("cp1252"),
    "UTF-16": lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
    "semicolons and decimal commas": lambda text: semicolons(text).encode(),
    "junk above the header": lambda text: f"My account\n\nAs of March\n{text}".encode(),
    "commas too many": lambda text: re.sub(r"(?m)(?<=.)$", ",,", text).encode(),
    "no end of the last line": lambda text: text.rstrip("\n").encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_form_of_a_file_changes_nothing(site: FinanceSite, form: str) -> None:
    """In each form of the file every line is there once, with the same amount, text and band."""
    wanted = []
    for number, case in enumerate(CASES):
        text, needed, minor, band, _ = case.values
        written = text_with(site, f"{text} É", needed, f"{number}")  # type: ignore[arg-type]
        wanted += [(written, minor, band)]
    rows = [f"3/9/2026,OTHER,{text},,{minor / 100:.2f}\n" for text, minor, _ in wanted]  # type: ignore[operator]
    content, browser = FORMS[form]("".join([f"{HEADER}\n", *rows])), site.signed_in()
    for _ in range(2):  # the second time adds nothing
        imported = finish(browser, upload(browser, content), new_account_0="Chequing")
        assert imported.status_code == 303
        assert [(line.text, line.amount_minor, line.band) for line in lines(site)] == wanted


def test_what_is_left_of_a_line_says_so_too(site: FinanceSite) -> None:
    """A line that was not compared yet says so, and a part of one is explained like the whole."""
    line = bank_line(site.database, 5_000, "DEPOSIT")
    assert "has not been compared" in site.signed_in().get(f"{LINES}/{line.id}").text
    decide(site.database, line, NoGiftPart(NoGiftReason.OTHER, 2_000))
    with site.database.reading() as session:
        stored = session.get_one(RecordedLine, line.id)
    stored.band = Band.NONE
    assert why_nothing(stored, ["LWCAN"]).message.startswith("The bank shows no name")
