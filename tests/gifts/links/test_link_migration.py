"""The migration to computed links: old links go on working, and the database forgets them."""

import hashlib
import hmac
import uuid
from pathlib import Path

import pytest
from sqlalchemy import text

from donate.gifts.models import Gift
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter, new_letter
from donate.letters.reminders.stopping import gift_to_remind
from donate.storage.bulk_writes import insert_new
from donate.storage.database import Database
from donate.stripe_gateway.models import StripeEvent
from donate.stripe_gateway.webhooks.inbox import Arrival
from tests.gifts.samples import NOW, open_one
from tests.links import LINKS, token_of
from tests.upgrading import as_before, upgrade_to

TOKENS = ("mEJDuFYX5yE1bOlz0Rxd_w", "-Q2_qMT6eBnm5yTvP0JpAg")
EVENT = (
    b'{"id": "evt_%d", "type": "checkout.session.%s", "cancel_url": "https://x/gifts/%s?back=no"}'
)


@pytest.fixture
def old(database: Database) -> list[uuid.UUID]:
    """Two gifts, an event and a sent reminder, as the release before the migration stored them."""
    with database.writing() as session:
        gifts = [open_one(session, f"form-{number}") for number in range(len(TOKENS))]
        reminder = new_letter(gifts[0].id, LetterKind.UNFINISHED, "", now=NOW)
        insert_new(session, Letter, [reminder])
        event = Arrival(b'{"id": "evt_1", "type": "checkout.session.completed"}', NOW).as_row()
        insert_new(session, StripeEvent, [event])
    with database.writing() as session:
        session.execute(text("DROP TABLE old_stop_link"))
        session.execute(text("ALTER TABLE gift RENAME COLUMN link_name TO token"))
        if not database.is_sqlite:
            rename = "ALTER TABLE gift RENAME CONSTRAINT gift_link_name_key TO gift_token_key"
            session.execute(text(rename))
        for gift, token in zip(gifts, TOKENS, strict=True):
            of_gift = {"token": token, "reference": gift.reference}
            session.execute(
                text("UPDATE gift SET token = :token WHERE reference = :reference"), of_gift
            )
        stored = EVENT % (1, b"completed", TOKENS[0].encode())
        session.execute(text("UPDATE stripe_event SET payload = :payload"), {"payload": stored})
        session.execute(text(as_before("0040")))
    return [gift.id for gift in gifts]


def old_stop_token(gift_id: uuid.UUID, token: str) -> str:
    digest = hmac.digest(token.encode(), b"stop reminders", hashlib.sha256)
    return f"{gift_id.hex}{digest.hex()[:32]}"


def test_old_links_go_on_working(database: Database, old: list[uuid.UUID]) -> None:
    """Links in e-mails from before the migration open the same pages as links made after it."""
    upgrade_to("0040", database)
    with database.reading() as session:
        for gift_id, token in zip(old, TOKENS, strict=True):
            gift = session.get_one(Gift, gift_id)
            for each in (token, token_of(gift)):
                match = LINKS.find_gift(session, each)
                assert match is not None
                assert match.id == gift_id
        reminded = gift_to_remind(session, LINKS, old_stop_token(old[0], TOKENS[0]))
        assert reminded is not None
        assert reminded.id == old[0]
        for wrong in (old_stop_token(old[0], TOKENS[1]), old_stop_token(old[1], TOKENS[1])):
            assert gift_to_remind(session, LINKS, wrong) is None


def test_no_old_link_stays_in_the_database(database: Database, old: list[uuid.UUID]) -> None:
    """After the migration, no table has a token, and neither has the file of SQLite."""
    upgrade_to("0040", database)
    with database.reading() as session:
        gifts = session.execute(text("SELECT * FROM gift")).all()
        events = session.scalars(text("SELECT payload FROM stripe_event")).all()
        stored = f"{gifts}{[bytes(event) for event in events]}"
        assert "https://x/gifts/-?back=no" in stored
        stored += f"{session.execute(text('SELECT * FROM old_stop_link')).all()}"
    for token in (*TOKENS, old_stop_token(old[0], TOKENS[0])):
        assert token not in stored
    if database.is_sqlite:
        path = Path(database.engine.url.database or "")
        with database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
        content = path.read_bytes()
        for token in TOKENS:
            assert token.encode() not in content


def test_new_events_are_stored_without_links() -> None:
    """An event is stored without the tokens of links, and otherwise as it arrived."""
    token = "n" * 44
    arrived = EVENT % (1, b"completed", token.encode())
    stored = Arrival(arrived, NOW).as_row()["payload"]
    assert stored == arrived.replace(token.encode(), b"-")
    for untouched in (b'{"id": "evt_2"}', b"\xff/gifts/", b'{"url": "https://x/gifts/short"}'):
        assert Arrival(untouched, NOW).as_row()["payload"] == untouched
