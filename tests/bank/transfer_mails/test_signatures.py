"""Only e-mails that Interac signed, for us, count; imitations and changed e-mails do not."""

import time
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from donate.bank.transfer_mails.examining import SignatureCheck
from donate.bank.transfer_mails.mail_parts import split_mail
from donate.bank.transfer_mails.signatures import is_public_key
from donate.money import Money
from tests.bank.transfer_mails.mail_desk import examine, problem_of
from tests.bank.transfer_mails.mail_writer import (
    SELECTOR,
    SIGNED,
    WrittenMail,
    public_record,
    sign,
)

# A key of 768 bits, which anyone can break.
SHORT_KEY = (
    "MHwwDQYJKoZIhvcNAQEBBQADawAwaAJhAMBFGXH7cSxv4wrlWB6RJT1DTtHlh45xUn4OXsbNX/c5hVWZm0ph"
    "78JkYk25b0R+325/aJzNm+N2P2vSJ5U27miNH8cruXrlIpV5+W9WpZLCJTz/R01AVzGNluPN561AiQIDAQAB"
)
MAIL = WrittenMail()
ORIGINAL = MAIL.signed()


def test_signed_mail() -> None:
    """An e-mail that Interac's key signed is valid, with either kind of line ending."""
    for content in (ORIGINAL, ORIGINAL.replace(b"\r\n", b"\n")):
        (examined,) = examine(content)
        assert examined.check is SignatureCheck.VALID


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (MAIL.content(), "no signature of Interac"),
        (MAIL.signed(domain="example.net"), "no signature of Interac"),
        (MAIL.signed(domain="interac.ca"), "no signature of Interac"),
        (MAIL.signed(domain="x.payments.interac.ca"), "no signature of Interac"),
        (MAIL.signed(domain="payments.interac.ca.example.net"), "no signature of Interac"),
        (MAIL.signed(key="a stranger's"), "doesn’t fit"),
        (MAIL.signed(length=True), "no signature of Interac"),
        (MAIL.signed(covers=("from", "date", *SIGNED[7:])), "no signature of Interac"),
        (MAIL.signed(covers=("from", "subject")), "no signature of Interac"),
        (ORIGINAL.replace(b"rsa-sha256", b"rsa-sha1"), "no signature of Interac"),
        (ORIGINAL.replace(b"bh=", b"bh=AAAA"), "doesn’t fit"),
        (ORIGINAL.replace(b" h=", b" h"), "no signature of Interac"),
        (ORIGINAL.replace(f"s={SELECTOR}".encode(), b"s=../../x"), "no signature of Interac"),
        (ORIGINAL + b"\r\nAmount: $900.00", "doesn’t fit"),
        (ORIGINAL.replace(b"$25.00", b"$26.00"), "doesn’t fit"),
        (ORIGINAL.replace(b"jane@example.com", b"eve@example.com"), "doesn’t fit"),
        (b"From: Eve <notify@payments.interac.ca>\r\n" + ORIGINAL, "more than once"),
        (b"Subject: Another\r\n" + ORIGINAL, "more than once"),
        (b"X-PaymentKey: CAother1\r\n" + ORIGINAL, "more than once"),
        (b"Content-Type: text/html\r\n" + ORIGINAL, "more than once"),
    ],
)
def test_imitations(content: bytes, says: str) -> None:
    """A missing, foreign, weak or broken signature refuses the e-mail, and so do added headers."""
    assert says in problem_of(content)


HEADERS = ("from", "subject", "date")
PLAIN = b'Content-Type: text/plain; charset="utf-8"'
IN_PARTS = b"\r\n".join(
    [
        *MAIL.content().partition(b"\r\n\r\n")[0].split(b"\r\n")[:-2],
        b'Content-Type: multipart/alternative; boundary="their-mark"',
        b"",
        b"--their-mark",
        PLAIN,
        b"",
        *"\n".join(MAIL.text_lines()).encode().split(b"\n"),
        b"--their-mark--",
        b"",
    ]
)


def test_a_body_that_shows_its_boundary() -> None:
    """A signature need not cover Content-Type if the body begins and ends with the boundary."""
    (examined,) = examine(sign(IN_PARTS, covers=HEADERS))
    assert examined.check is SignatureCheck.VALID
    assert examined.reading
    assert examined.reading.amount == Money(2_500, "CAD")


@pytest.mark.parametrize(
    ("written", "changed"),
    [
        (b'boundary="their-mark"', b'boundary="my-mark"'),
        (b'multipart/alternative; boundary="their-mark"', b"text/plain"),
        (b'; boundary="their-mark"', b""),
    ],
    ids=["another boundary", "no parts", "no boundary"],
)
def test_an_uncovered_content_type_that_was_changed(written: bytes, changed: bytes) -> None:
    """If Content-Type is not covered, it cannot have the body read in another way."""
    signed = sign(IN_PARTS, covers=HEADERS)
    assert "no signature of Interac" in problem_of(signed.replace(written, changed, 1))


@pytest.mark.parametrize("space", [b" ", b"\t", b" \t "])
def test_spaces_at_the_end_of_a_line_change_nothing(space: bytes) -> None:
    """A relaxed signature allows more spaces before a line's end, so they must not be read."""
    head = b"Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    assert split_mail(head + b"Nu=" + space + b"\r\nmber: 1\r\n").content() == b"Number: 1\n"


@pytest.mark.parametrize("place", ["before", "after"])
def test_text_outside_of_the_parts(place: str) -> None:
    """Text before or after the parts leaves open which boundary is right, so it is refused."""
    head, _, body = IN_PARTS.partition(b"\r\n\r\n")
    body = b"Text\r\n" + body if place == "before" else body + b"Text\r\n"
    assert "no signature" in problem_of(sign(head + b"\r\n\r\n" + body, covers=HEADERS))


@pytest.mark.parametrize(
    "sender",
    [
        "Interac <notify@example.net>",
        "Interac <notify@interac.ca>",
        "Interac <notify@x.payments.interac.ca>",
        "Interac <notify@payments.interac.ca.example.net>",
        '"notify@payments.interac.ca" <eve@example.net>',
        "notify@payments.interac.ca <eve@example.net>",
        "notify@payments.interac.ca, eve@example.net",
        "Interac <notify@payments\u0131interac.ca>".encode("utf-8").decode("latin-1"),
        "",
    ],
)
def test_senders_that_are_not_aligned(sender: str) -> None:
    """A sender at any other domain is not Interac, whoever signed the e-mail."""
    assert problem_of(sign(b"X: y\r\n" + WrittenMail(sender=sender).content()))


def test_second_sender_in_one_header() -> None:
    """Two senders in one header From are refused, even if both are Interac's."""
    mail = WrittenMail(sender="notify@payments.interac.ca, catch@payments.interac.ca")
    assert "more than one sender" in problem_of(mail.signed())


def test_topmost_valid_signature() -> None:
    """A signature of somebody else above Interac's, or a broken one, does not hide Interac's."""
    for outer in (
        sign(ORIGINAL, domain="example.net", key="a stranger's"),
        sign(ORIGINAL, key="a stranger's"),
    ):
        (examined,) = examine(outer)
        assert examined.check is SignatureCheck.VALID


def test_expired_signature() -> None:
    """An e-mail stays evidence after its signature has expired."""
    (examined,) = examine(MAIL.signed(tags="x=1000000000"))
    assert examined.check is SignatureCheck.VALID


def test_transfer_to_somebody_else() -> None:
    """A signed e-mail about a transfer to another address is refused: anyone can get one."""
    mail = WrittenMail(headers={"To": "eve@example.net"})
    assert "was sent to eve@example.net" in problem_of(mail.signed())


def test_missing_key() -> None:
    """Without the public key, an e-mail is neither valid nor refused."""
    (examined,) = examine(ORIGINAL, keys={})
    assert examined.check is SignatureCheck.NO_KEY
    assert examined.problem is None


def test_keys_that_cannot_be_used() -> None:
    """A short key, another kind, a withdrawn one and noise are no keys."""
    assert is_public_key(public_record())
    for record in (
        f"v=DKIM1; k=rsa; p={SHORT_KEY}",
        public_record().replace("k=rsa", "k=ed25519"),
        public_record().replace("DKIM1", "DKIM2"),
        "v=DKIM1; k=rsa; p=",
        "v=DKIM1; p=AAAA",
        "é",
        "",
    ):
        assert not is_public_key(record)


def forwarded(inner: bytes, *, encoded: bool = False) -> bytes:
    """Return an e-mail of a clerk with another one attached, as mail programs attach it."""
    head = (
        b"From: ann@example.org\r\nSubject: Fwd\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/mixed; boundary="cut"\r\n\r\n'
        b"--cut\r\nContent-Type: text/plain\r\n\r\nSee below.\r\n--cut\r\n"
    )
    if encoded:
        message = EmailMessage(policy=SMTP)
        message.set_content(inner, maintype="application", subtype="octet-stream")
        message.set_param("name", "mail.eml")
        del message["MIME-Version"]
        return head + message.as_bytes() + b"\r\n--cut--\r\n"
    return head + b"Content-Type: message/rfc822\r\n\r\n" + inner + b"\r\n--cut--\r\n"


@pytest.mark.parametrize("encoded", [False, True])
def test_forwarded_as_an_attachment(encoded: bool) -> None:
    """An attached e-mail is read, and its own signature is checked."""
    (examined,) = examine(forwarded(ORIGINAL, encoded=encoded))
    assert examined.check is SignatureCheck.VALID
    changed = ORIGINAL.replace(b"$25.00", b"$26.00")
    assert "doesn’t fit" in problem_of(forwarded(changed, encoded=encoded))


def test_forwarded_inline() -> None:
    """An e-mail that quotes Interac's is refused with a sentence that says how to send it."""
    quoted = b"From: ann@example.org\r\nSubject: Fwd\r\n\r\n> From: notify@payments.interac.ca\r\n"
    assert "forward it as an attachment" in problem_of(quoted)
    assert "no e-mail of Interac" in problem_of(b"From: ann@example.org\r\n\r\nHello\r\n")


def nested(depth: int) -> bytes:
    head = b"From: ann@example.org\r\n"
    for number in range(depth):
        head += b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (number, number)
    return head


def claimed(mail: WrittenMail) -> bytes:
    """Return an e-mail with a signature that only claims to be Interac's."""
    return (
        b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=payments.interac.ca; s=tests2026;"
        b" h=from:subject:content-type:content-transfer-encoding; bh=AAAA; b=AAAA\r\n"
    ) + mail.content()


@pytest.mark.alone
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no e-mail of Interac"),
        (b"\x00" * 20, "no complete e-mail"),
        (b"\xff\xfe\xfa", "no complete e-mail"),
        (ORIGINAL.replace(b"Reply-To", b"X: y\rReply-To"), "no complete e-mail"),
        (b"x" * (1024 * 1024 + 1), "larger than 1 MB"),
        (b"A: b\r\n" * 20_000, "no complete e-mail"),
        (nested(9_000)[: 1024 * 1024], "too many parts"),
        (b"Content-Type: multipart/x; boundary=b\r\n\r\n" + b"--b\r\n" * 9_999, "too many parts"),
        (claimed(WrittenMail(html="<div>" * 60_000)), "can’t be read"),
        (claimed(WrittenMail(html="<!--" * 200_000)), ""),
        (claimed(WrittenMail(html="<p " + "a" * 900_000)), ""),
        (claimed(WrittenMail(html="<a b='" * 100_000)), "reference number"),
        (claimed(WrittenMail(html="&lt" * 300_000)), "reference number"),
        (claimed(WrittenMail(subject="=?utf-8?Q? " * 5_000)), "header Subject"),
        (claimed(WrittenMail(subject="=?utf-8?Q? " * 50_000)), "no complete e-mail"),
        (claimed(WrittenMail(lines=["Amount: $1"] * 80_000)), "reference number"),
        (claimed(WrittenMail(lines=["Message:" + " " * 900_000 + "x"])), "no complete e-mail"),
        (claimed(WrittenMail(lines=["Message:" + " \t" * 99 + "x"] * 2_000)), "order"),
    ],
    ids=range(18),
)
def test_bombs(content: bytes, says: str) -> None:
    """A file that is damaged or made to exhaust the reader is refused within three seconds."""
    started = time.monotonic()
    (without_key,) = examine(content, keys={})
    assert without_key.problem
    assert says in without_key.problem.message % dict(without_key.problem.values)
    assert problem_of(content)
    assert time.monotonic() - started < 3
