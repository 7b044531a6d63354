"""The headers of a letter are ours, whatever a donor typed."""

from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies as st

from donate.letters.context import LetterContext
from donate.letters.email_message import Composer
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter
from donate.storage.database import Database
from tests.letters.every_kind import a_letter
from tests.letters.post import SENDER, PostOffice, markup, plain, read_letter, smtp_to
from tests.real_parts import Sqlite
from tests.stripe_gateway.given import NOW

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
def written(sqlite: Sqlite) -> tuple[Letter, LetterContext]:
    database = Database(sqlite.fresh_url())
    found = a_letter(database, LetterKind.INSTRUCTIONS, "en-CA")
    database.close()
    return found


def named(written: tuple[Letter, LetterContext], name: str) -> tuple[Letter, LetterContext]:
    letter, about = written
    donor = type(about.donor)(**about.donor.model_dump() | {"name": name})
    return letter, replace(about, donor=donor)


@pytest.mark.parametrize("name", NASTY, ids=range(len(NASTY)))
def test_a_name_adds_no_header_and_no_recipient(
    written: tuple[Letter, LetterContext], office: PostOffice, name: str
) -> None:
    """Over a real mail server, a name with line breaks, quotes or addresses stays a name."""
    message = Composer(SENDER).compose(*named(written, name), NOW)
    carrier = smtp_to(office)
    carrier.carry(message)
    carrier.hang_up()
    assert office.recipients == ["ann@example.com"]
    assert set(office.taken[0].keys()) - {"X-Peer", "X-MailFrom", "X-RcptTo"} == EXPECTED
    assert "<script>" not in markup(office.taken[0])


@settings(deadline=None)
@given(name=st.text(max_size=200))
def test_any_name_makes_a_letter(written: tuple[Letter, LetterContext], name: str) -> None:
    """Whatever a name is made of, the letter can be written and read again."""
    message = Composer(SENDER).compose(*named(written, name), NOW)
    again = read_letter(message.as_bytes())
    assert set(again.keys()) == EXPECTED
    assert [address.addr_spec for address in again["To"].addresses] == ["ann@example.com"]
    assert plain(again).split() == plain(message).split()


@settings(deadline=None)
@given(name=st.text(min_size=1, max_size=60, alphabet=LETTERS))
def test_a_name_of_letters_arrives_whole(written: tuple[Letter, LetterContext], name: str) -> None:
    """A name in any script arrives in the greeting as it was typed."""
    message = Composer(SENDER).compose(*named(written, name), NOW)
    if "www" not in name.lower():
        assert f"Hello {name}," in plain(read_letter(message.as_bytes()))


def test_every_byte_is_seven_bits(written: tuple[Letter, LetterContext]) -> None:
    """A letter in any language is ASCII on the wire, in lines that every server takes."""
    content = Composer(SENDER).compose(*named(written, "Zoë 李小龍"), NOW).as_bytes()
    assert content.isascii()
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))
    assert b"\n" not in content.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    ("typed", "on_the_wire"),
    [("zoe@bücher.example.org", "zoe@xn--bcher-kva.example.org"), ("Ann@Example.ORG", None)],
)
def test_a_domain_is_written_in_ascii(
    written: tuple[Letter, LetterContext], typed: str, on_the_wire: str | None
) -> None:
    """A domain with other letters is written as mail servers know it."""
    letter, about = written
    donor = type(about.donor)(**about.donor.model_dump() | {"email": typed})
    message = Composer(SENDER).compose(letter, replace(about, donor=donor), NOW)
    address = message["To"].addresses[0].addr_spec
    assert address == (on_the_wire or "Ann@example.org")
