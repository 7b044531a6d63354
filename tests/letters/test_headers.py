"""Neither a donor's name nor the organisation's adds headers or recipients to an e-mail."""

from dataclasses import replace
from email import message_from_bytes
from email.header import decode_header, make_header
from email.utils import getaddresses

import pytest
from hypothesis import given, settings, strategies as st

from donate.letters.context import LetterContext
from donate.letters.email_message import Composer
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter
from donate.regions.terms import Organisation
from donate.storage.database import Database
from tests.letters.every_kind import a_letter
from tests.letters.mailer import SENDER, LocalMailServer, markup, plain, read_letter, smtp_to
from tests.real_parts import Sqlite
from tests.stripe_gateway.gifts_and_events import NOW

EXPECTED = {
    "Message-ID", "Date", "From", "To", "Reply-To", "Subject",
    "Content-Language", "Auto-Submitted", "MIME-Version", "Content-Type",
}  # fmt: skip
NASTY = [
    "Ann\r\nBcc: everybody@example.org",
    "Ann\nSubject: You won",
    "Ann\r\n\r\n<script>alert(1)</script>",
    'Ann" <other@example.org>, "',
    "Ann <other@example.org>",
    "=?utf-8?q?Ann=0ABcc:_x=40example.org?=",
    "Ann\x00Lee",
    "(comment) Ann; Lee:",
    "Zoë O’Hara " + "é" * 40,
    "\ud800",
]

LETTERS = st.characters(categories=["L"])


@pytest.fixture(scope="module")
def sample(sqlite: Sqlite) -> tuple[Letter, LetterContext]:
    database = Database(sqlite.fresh_url())
    letter = a_letter(database, LetterKind.INSTRUCTIONS, "en-CA")
    database.close()
    return letter


def named(sample: tuple[Letter, LetterContext], name: str) -> tuple[Letter, LetterContext]:
    letter, context = sample
    donor = type(context.donor)(**context.donor.model_dump() | {"name": name})
    return letter, replace(context, donor=donor)


def sent_by(sample: tuple[Letter, LetterContext], **names: str) -> tuple[Letter, LetterContext]:
    letter, context = sample
    assert context.region
    values = context.region.organisation.model_dump() | names
    organisation = Organisation.model_validate(values)
    region = context.region.model_copy(update={"organisation": organisation})
    return letter, replace(context, region=region)


@pytest.mark.parametrize("name", NASTY, ids=ascii)
def test_a_name_adds_no_header_and_no_recipient(
    sample: tuple[Letter, LetterContext], mail_server: LocalMailServer, name: str
) -> None:
    """A donor's name with line breaks, quotes or addresses adds no header and no recipient."""
    message = Composer(SENDER).compose(*named(sample, name), NOW)
    carrier = smtp_to(mail_server)
    carrier.carry(message)
    carrier.hang_up()
    assert mail_server.recipients == ["ann@example.com"]
    assert set(mail_server.messages[0].keys()) - {"X-Peer", "X-MailFrom", "X-RcptTo"} == EXPECTED
    assert "<script>" not in markup(mail_server.messages[0])


@settings(deadline=None)
@given(name=st.text(max_size=200))
def test_any_name_makes_a_letter(sample: tuple[Letter, LetterContext], name: str) -> None:
    """An e-mail can be written, and parsed again, whatever the donor's name is."""
    message = Composer(SENDER).compose(*named(sample, name), NOW)
    parsed = read_letter(message.as_bytes())
    assert set(parsed.keys()) == EXPECTED
    assert [address.addr_spec for address in parsed["To"].addresses] == ["ann@example.com"]
    assert plain(parsed).split() == plain(message).split()


@settings(deadline=None)
@given(name=st.text(min_size=1, max_size=60, alphabet=LETTERS))
def test_a_name_in_any_script_is_greeted(sample: tuple[Letter, LetterContext], name: str) -> None:
    """A donor's name in any script appears unchanged in the greeting."""
    message = Composer(SENDER).compose(*named(sample, name), NOW)
    if "www" not in name.lower():
        assert f"Hello {name}," in plain(read_letter(message.as_bytes()))


def test_an_email_is_ascii(sample: tuple[Letter, LetterContext]) -> None:
    """An e-mail in any language is ASCII, with CRLF line ends and lines of at most 998 bytes."""
    content = Composer(SENDER).compose(*named(sample, "Zoë 李小龍"), NOW).as_bytes()
    assert content.isascii()
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))
    assert b"\n" not in content.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    ("typed", "encoded"),
    [("zoe@bücher.example.org", "zoe@xn--bcher-kva.example.org"), ("Ann@Example.ORG", None)],
)
def test_a_domain_is_written_in_ascii(
    sample: tuple[Letter, LetterContext], typed: str, encoded: str | None
) -> None:
    """An accented domain of a donor's e-mail address is written in its ASCII form."""
    letter, context = sample
    donor = type(context.donor)(**context.donor.model_dump() | {"email": typed})
    message = Composer(SENDER).compose(letter, replace(context, donor=donor), NOW)
    address = message["To"].addresses[0].addr_spec
    assert address == (encoded or "Ann@example.org")


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ({"name": "Roof Fund", "legal_name": "Roof Fund of Ottawa Inc."}, "Roof Fund"),
        ({"legal_name": "Roof Fund of Ottawa Inc."}, "Roof Fund of Ottawa Inc."),
        ({}, ""),
        ({"name": "Église du Mont‑Royal, Montréal"}, "Église du Mont‑Royal, Montréal"),
        ({"name": "希望之家"}, "希望之家"),
        ({"name": 'The "Roof" <roof@evil.example>'}, 'The "Roof" <roof@evil.example>'),
        ({"name": "=?utf-8?q?Roof?= (fund); a@b.org"}, "Roof (fund); a@b.org"),
        ({"name": "É" * 200}, "É" * 200),
    ],
    ids=ascii,
)
def test_an_email_names_its_sender(
    sample: tuple[Letter, LetterContext], names: dict[str, str], shown: str
) -> None:
    """The From header has the organisation's name, else its legal name, and always our address."""
    content = Composer(SENDER).compose(*sent_by(sample, **names), NOW).as_bytes()
    assert content.isascii()
    parsed = read_letter(content)
    assert set(parsed.keys()) == EXPECTED
    assert [address.addr_spec for address in parsed["From"].addresses] == [SENDER]
    # `decode_header` ignores the spaces between encoded words (RFC 2047), as mail programs do.
    ((name, address),) = getaddresses([message_from_bytes(content)["From"]])
    assert (str(make_header(decode_header(name))), address) == (shown, SENDER)
