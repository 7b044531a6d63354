"""What the service reads in Interac's e-mails, in both languages and in each form they come in."""

from datetime import date
from email.message import EmailMessage

import pytest

from donate.bank.transfer_mails.layouts import MailKind, read_interac_amount, read_interac_date
from donate.bank.transfer_mails.reading import MailReading
from donate.errors import BadInput
from tests.bank.transfer_mails.mail_desk import examine, problem_of
from tests.bank.transfer_mails.mail_writer import OUR_ADDRESS, WrittenMail, encoded, sign

FRENCH = WrittenMail(
    language="fr", amount="1 234,56 $", name="JEANNE ÉTÉ", day="31 août 2026", message="Bonjour"
)


OLD_SUBJECT = "INTERAC e-Transfer: A money transfer from JANE DOE has been automatically deposited"


def read(content: bytes) -> MailReading:
    (examined,) = examine(content)
    assert examined.reading, examined.problem
    return examined.reading


def test_english_deposit() -> None:
    """An English e-mail gives its reference, name, reply address, amount, day and message."""
    reading = read(WrittenMail(message="LWCAN-7KQ4M2X\n\nFor the roof").signed())
    assert reading == MailReading(
        kind=MailKind.DEPOSITED,
        language="en-CA",
        interac_reference="C1AVzjTtqRCM",
        day=date(2026, 8, 31),
        sent_at=None,
        amount=read_interac_amount("$25.00"),
        sender_name="JANE DOE",
        sender_email="jane@example.com",
        message="LWCAN-7KQ4M2X\n\nFor the roof",
        recipients=(OUR_ADDRESS,),
    )


@pytest.mark.parametrize("encoding", ["8bit", "quoted-printable", "base64"])
@pytest.mark.parametrize("charset", ["utf-8", "cp1252", "iso-8859-1"])
def test_french_deposit(encoding: str, charset: str) -> None:
    """A French e-mail reads the same in each transfer encoding and character set."""
    mail = WrittenMail(**{**FRENCH.__dict__, "encoding": encoding, "charset": charset})
    reading = read(mail.signed())
    assert reading.amount
    assert (reading.language, reading.amount.amount_minor) == ("fr-CA", 123_456)
    assert (reading.sender_name, reading.message) == ("JEANNE ÉTÉ", "Bonjour")
    assert reading.day == date(2026, 8, 31)


@pytest.mark.parametrize(
    ("subject", "kind"),
    [
        ("Interac e-Transfer: JANE DOE sent you $25.00. Claim your deposit!", "claim"),
        ("Reminder: Interac e-Transfer: JANE DOE sent you $25.00. Claim your deposit!", "reminder"),
        ("Interac e-Transfer: Reminder: JANE DOE sent you $25.00. Claim your deposit!", "reminder"),
        (OLD_SUBJECT, "deposited"),
        ("Interac e-Transfer: JANE DOE cancelled this transfer", "cancelled"),
        ("Interac e-Transfer: the transfer from JANE DOE has expired", "expired"),
        ("Interac e-Transfer: the transfer from JANE DOE was declined", "declined"),
    ],
)
def test_kinds(subject: str, kind: str) -> None:
    """The subject tells a deposit from an offer, a reminder, a cancellation and the rest."""
    assert read(WrittenMail(subject=subject).signed()).kind == kind


@pytest.mark.parametrize(
    ("subject", "kind"),
    [
        (
            "Virement INTERAC : Un virement de fonds de JANE DOE a été automatiquement déposé.",
            "deposited",
        ),
        (
            "Rappel : Virement Interac : JANE DOE vous a envoyé 25,00 $. Obtenez votre dépôt!",
            "reminder",
        ),
        ("Virement Interac : le virement de JANE DOE a été annulé", "cancelled"),
        ("Virement Interac : le virement de JANE DOE a expiré", "expired"),
    ],
)
def test_french_kinds(subject: str, kind: str) -> None:
    """The French subjects tell the same."""
    mail = WrittenMail(language="fr", amount="25,00 $", day="31 août 2026", subject=subject)
    assert read(mail.signed()).kind == kind


def test_older_layout() -> None:
    """An older e-mail names the amount in a sentence, and its day is that of the header Date."""
    mail = WrittenMail(
        subject=OLD_SUBJECT,
        date="Mon, 31 Aug 2026 23:30:00 -0700",
        lines=[
            "Hi THE FRIENDS,",
            "JANE DOE has sent you a money transfer for the amount of $1,234.56 (CAD).",
            "Message: LWCAN-7KQ4M2X",
            "Reference Number : C1AVzjTtqRCM",
            "Please do not reply to this email.",
        ],
    )
    reading = read(mail.signed())
    assert reading.amount
    assert reading.amount.amount_minor == 123_456
    assert reading.message == "LWCAN-7KQ4M2X"
    (examined,) = examine(mail.signed())
    assert examined.day == date(2026, 9, 1)


def test_claim_without_a_text() -> None:
    """A claim may name its reference only in a signed header."""
    subject = "Interac e-Transfer: JANE DOE sent you $25.00. Claim your deposit!"
    mail = WrittenMail(subject=subject, lines=["Hi,", "Claim it."])
    assert read(mail.signed()).interac_reference == "C1AVzjTtqRCM"
    unsigned = mail.signed(
        covers=("from", "subject", "date", "content-type", "content-transfer-encoding")
    )
    assert "reference number" in problem_of(unsigned)


PAGE = (
    "<html><head><style>p{}</style></head><body><div style='display:none'>Message: hidden</div>"
    "<table><tr><td><b>Message:</b></td><td>caf&eacute;<br>&lt;b&gt;two&lt;/b&gt;</td></tr>"
    "<tr><td>Date:</td><td>August 31, 2026</td></tr>"
    "<tr><td>Reference Number:</td><td>C1AVzjTtqRCM</td></tr>"
    "<tr><td>Sent From:</td><td>JANE <i>DOE</i></td></tr>"
    "<tr><td>Amount:</td><td>$25.00 (CAD)</td></tr></table></body></html>"
)


def test_page_only() -> None:
    """An e-mail that is only HTML gives its visible text, with entities as characters."""
    assert read(WrittenMail(html=PAGE).signed()).message == "café\n<b>two</b>"


def multipart(*, plain: str, page: str) -> bytes:
    message = EmailMessage()
    message["From"] = "Interac <notify@payments.interac.ca>"
    message["To"] = OUR_ADDRESS
    message["Subject"] = (
        "Interac e-Transfer: You've received $25.00 from JANE DOE and it has been automatically "
        "deposited."
    )
    message.set_content(plain)
    message.add_alternative(page, subtype="html")
    return sign(message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))


def test_two_alternatives() -> None:
    """With a text and a page, the text counts."""
    plain = "\n".join(WrittenMail(message="In plain text").text_lines())
    assert read(multipart(plain=plain, page=PAGE)).message == "In plain text"


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("$0.01", 1),
        ("$1,234.56 (CAD)", 123_456),
        ("$25,000.00", 2_500_000),
        ("8,00 $", 800),
        ("98, 00 $", 9_800),
        ("1\u00a0234,56 $ (CAD)", 123_456),
        ("1\u202f234,56\u00a0$", 123_456),
    ],
)
def test_amounts(text: str, minor: int) -> None:
    """Amounts are read exactly in both languages, with each kind of space."""
    assert read_interac_amount(text).amount_minor == minor


@pytest.mark.parametrize(
    "text",
    [
        "$25.00 (USD)",
        "US$25.00",
        "25.00",
        "$25",
        "$1,23.45",
        "$25.000",
        "€25.00",
        "$0.00",
        "-$5.00",
        "",
    ],
)
def test_amounts_that_are_refused(text: str) -> None:
    """Another currency, a part of an amount, and zero are refused."""
    with pytest.raises(BadInput):
        read_interac_amount(text)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("August 31, 2026", date(2026, 8, 31)),
        ("31 août 2026", date(2026, 8, 31)),
        ("1er février 2026", date(2026, 2, 1)),
        ("February 30, 2026", None),
        ("31/08/2026", None),
        ("soon", None),
    ],
)
def test_dates(text: str, day: date | None) -> None:
    """Dates are read with the names of their months, and never guessed."""
    assert read_interac_date(text) == day


def test_message_that_imitates() -> None:
    """Labels that the sender writes into the message stay its text; Interac's own lines count."""
    message = "Reference Number: FAKE12345\nSent From: SOMEBODY\nAmount: $9,000.00 (CAD)"
    reading = read(WrittenMail(message=message).signed())
    assert (reading.interac_reference, reading.sender_name) == ("C1AVzjTtqRCM", "JANE DOE")
    assert reading.message == message


@pytest.mark.parametrize(
    ("mail", "says"),
    [
        (WrittenMail(headers={"X-PaymentKey": "CAother1"}), "two references"),
        (WrittenMail(reference="no reference"), "reference number"),
        (WrittenMail(amount="$25.00 (USD) $25.00"), "not about a transfer"),
        (WrittenMail(name="JANE\u202eEOD"), "character"),
        (WrittenMail(name="JANE\u200bDOE"), "character"),
        (WrittenMail(message="4242 4242 4242 4242"), "card number"),
        (WrittenMail(message="x" * 2_001), "too long"),
        (WrittenMail(subject="Interac e-Transfer: Autodeposit is now on"), "not about a transfer"),
        (WrittenMail(headers={"Content-Type": "text/plain; charset=utf-7"}), "character set"),
        (WrittenMail(headers={"Content-Type": "application/pdf"}), "no text"),
        (WrittenMail(headers={"Content-Transfer-Encoding": "uuencode"}), "encoding"),
        (WrittenMail(headers={"Content-Transfer-Encoding": "base64"}), "no complete e-mail"),
        (WrittenMail(lines=["Reference Number: C1AVzjTtqRCM", "Message: hi"]), "order"),
        (WrittenMail(lines=["Message: hi"]), "order"),
        (WrittenMail(lines=["Reference Number: FAKE12", "Reference Number: FAKE13"]), "order"),
        (WrittenMail(subject="=?utf-9?Q?x?="), "header Subject"),
        (WrittenMail(day="Tomorrow", date="whenever"), "date"),
    ],
)
def test_what_cannot_be_read(mail: WrittenMail, says: str) -> None:
    """What cannot be read exactly is refused with a sentence that says what is wrong."""
    assert says in problem_of(mail.signed())


def test_amounts_that_differ() -> None:
    """A subject and a text with two amounts are refused, and so are two names."""
    lines = WrittenMail().text_lines()
    other = [line.replace("25.00", "26.00") for line in lines]
    assert "two amounts" in problem_of(WrittenMail(lines=other).signed())
    other = [line.replace("JANE DOE", "JOHN DOE") for line in lines]
    assert "two senders" in problem_of(WrittenMail(lines=other).signed())


def test_odd_characters_in_a_message() -> None:
    """A message keeps its words; a character that turns text around is replaced."""
    assert (
        read(WrittenMail(message="to\u202eyou \U0001f600").signed()).message
        == "to\ufffdyou \U0001f600"
    )


def test_name_with_line_breaks() -> None:
    """A line break in the subject's name adds no header and no line."""
    subject = (
        "Interac e-Transfer: You've received $25.00 from JANE\r\n\r\nDOE and it has been "
        "automatically deposited."
    )
    mail = WrittenMail(headers={"Subject": encoded(subject + "é")[:-2]}, subject="x")
    assert problem_of(mail.signed())
    mail = WrittenMail(name="JANE DOE", headers={"Subject": f"=?utf-8?Q?{quoted(subject)}?="})
    assert read(mail.signed()).sender_name == "JANE DOE"


def quoted(text: str) -> str:
    return "".join(f"={byte:02X}" for byte in text.encode())
