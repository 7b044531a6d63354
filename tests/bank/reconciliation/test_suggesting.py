"""The matcher's suggestions are stored with the lines, and checked again when accepted."""

import threading
from datetime import timedelta

import pytest
from sqlmodel import select, update

from donate.bank.matching.inputs import Band, LineClass
from donate.bank.matching.suggestions import PayGift
from donate.bank.received_transfers import Transfer, mark_received
from donate.bank.reconciliation.accepting import accept_suggestion
from donate.bank.reconciliation.deciding import GiftPart, NoGiftPart, undo_part
from donate.bank.reconciliation.models import NoGiftReason, TaughtPayer
from donate.bank.reconciliation.suggesting import read_suggestions, suggest_for_open_lines
from donate.bank.statements.models import RecordedLine
from donate.bank.transfer_mails.models import InteracTransfer
from donate.errors import Conflict
from donate.finance.payouts.bank_lines import bank_lines as lines_of_payout
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.money import Money
from donate.storage.database import Database
from donate.stripe_gateway.balance.models import StripePayout
from tests.bank.reconciliation.bank_lines import (
    NOW,
    bank_line,
    decide,
    findings,
    gift,
    payout,
    reread,
)
from tests.bank.reconciliation.interac_mails import deposited_mail

CODES = ["LWCAN"]


def suggest(database: Database) -> dict[Band, int]:
    return suggest_for_open_lines(database, CODES, now=NOW)


def accept(database: Database, line: RecordedLine, key: str | None = None, **more: bool) -> None:
    """Accept the suggestion with this key; by default the best one that is stored with `line`."""
    assert line.id is not None
    with database.writing() as session:
        accept_suggestion(
            session,
            line.id,
            read_suggestions(line)[0].key if key is None else key,
            version=line.version,
            actor="staff:1",
            now=NOW,
            **more,
        )


def test_a_donor_who_said_so_stands_out(database: Database) -> None:
    """Of two equal gifts, the one whose donor said that it was sent is likely, until taken back."""
    gift(database, "other")
    one = gift(database)
    line = bank_line(database, 5_000, "E-TRANSFER")

    def say(kind: FactKind) -> None:
        fact = Fact(kind, str(one.id), NOW - timedelta(days=4), "donor")
        with database.writing() as session:
            record_facts(session, [(one.id, fact)], now=NOW)

    assert suggest(database)[Band.AMBIGUOUS] == 1
    say(FactKind.TRANSFER_ANNOUNCED)
    assert suggest(database)[Band.LIKELY] == 1
    (part,) = read_suggestions(reread(database, line))[0].suggestion.parts
    assert isinstance(part, PayGift)
    assert part.gift_id == one.id
    say(FactKind.ANNOUNCEMENT_TAKEN_BACK)
    assert suggest(database)[Band.AMBIGUOUS] == 1


def test_a_reference_in_the_line_is_certain(database: Database) -> None:
    """A line with the gift's reference and amount is certain, and its suggestion pays the gift."""
    one = gift(database)
    line = bank_line(database, 5_000, f"E-TRANSFER {one.reference}")
    assert suggest(database)[Band.CERTAIN] == 1
    stored = reread(database, line)
    assert (stored.band, stored.line_class) == (Band.CERTAIN, LineClass.INCOMING_TRANSFER)
    assert read_suggestions(stored)[0].received == {one.id: 0}
    accept(database, stored)
    assert reread(database, one).received_minor == 5_000
    assert findings(database) == []


def test_an_email_ties_a_line_without_a_name(database: Database) -> None:
    """Interac's e-mail supplies the reference; the days of choice, e-mail and booking all stay."""
    one = gift(database)
    mail_id = deposited_mail(database, f"For {one.reference}")
    line = bank_line(database, 5_000, "E-TRANSFER ***uJP", day=NOW.day + 1)
    assert suggest(database)[Band.CERTAIN] == 1
    stored = reread(database, line)
    accept(database, stored)
    with database.reading() as session:
        mail = session.get_one(InteracTransfer, mail_id)
    assert (mail.bank_line_id, mail.day) == (line.id, NOW.date())
    paid = reread(database, one)
    assert (paid.received_minor, paid.opened_on, paid.received_on) == (5_000, NOW.date(), line.day)


def test_undo_frees_the_email(database: Database) -> None:
    """If the line is undone, Interac's e-mail may explain another line."""
    one = gift(database)
    mail_id = deposited_mail(database, f"For {one.reference}")
    line = bank_line(database, 5_000, "E-TRANSFER ***uJP", day=NOW.day)
    suggest(database)
    accept(database, reread(database, line))
    with database.writing() as session:
        undo_part(session, 1, "wrong", actor="staff:1", now=NOW)
    with database.reading() as session:
        assert session.get_one(InteracTransfer, mail_id).bank_line_id is None
    assert suggest(database)[Band.CERTAIN] == 1


def test_a_gift_that_was_paid_meanwhile_is_not_paid_again(database: Database) -> None:
    """If a gift got money since the suggestion was made, accepting it is refused."""
    one = gift(database)
    line = bank_line(database, 5_000, f"E-TRANSFER {one.reference}")
    suggest(database)
    other = bank_line(database, 5_000, "OTHER")
    decide(database, other, GiftPart(one.id, 5_000))
    with pytest.raises(Conflict, match="has changed meanwhile"):
        accept(database, reread(database, line))
    assert reread(database, one).received_minor == 5_000


@pytest.mark.parametrize("key", ["", "0", "x" * 32])
def test_a_suggestion_that_is_gone_is_refused(database: Database, key: str) -> None:
    """A suggestion that is not stored with the line cannot be accepted."""
    one = gift(database)
    line = bank_line(database, 5_000, f"E-TRANSFER {one.reference}")
    suggest(database)
    with pytest.raises(Conflict, match="no longer stands"):
        accept(database, reread(database, line), key)


def test_what_a_person_saw_is_accepted_and_nothing_else(database: Database) -> None:
    """If the suggestions of a line have changed, accepting an older one is refused."""
    one, two = gift(database), gift(database, "two")
    line = bank_line(database, 5_000, "AUTODEPOSIT MAYA TREMBLAY")
    suggest(database)
    seen = reread(database, line)
    first = read_suggestions(seen)[0].suggestion.parts[0]
    paid = one if first.gift_id == one.id else two  # type: ignore[union-attr]
    decide(database, bank_line(database, 5_000, "OTHER"), GiftPart(paid.id, 5_000))
    suggest(database)
    with pytest.raises(Conflict, match="no longer stands"):
        accept(database, seen)
    assert [reread(database, each).net_minor for each in (one, two)].count(5_000) == 1


def test_a_marked_transfer_of_an_old_gift_is_tied(database: Database) -> None:
    """A transfer that staff marked for a gift of long ago is tied to its line."""
    one = gift(database)
    with database.writing() as session:
        session.execute(update(Gift).values(opened_at=NOW - timedelta(days=430)))
        transfer = Transfer(NOW.date(), Money(5_000, "CAD"), "CA1xyzUVW", "")
        mark_received(session, one, transfer, actor="staff:1", now=NOW)
    line = bank_line(database, 5_000, "E-TRANSFER CA1xyzUVW")
    assert suggest(database)[Band.CERTAIN] == 1
    accept(database, reread(database, line))
    assert reread(database, one).net_minor == 5_000
    assert findings(database) == []


def test_an_undo_forgets_the_payer(database: Database) -> None:
    """If a decision is undone, the payer's name no longer stands for its donor."""
    one = gift(database)
    bank_line(database, 5_000, f"E-TRANSFER {one.reference} JOHN ROE")
    suggest(database)
    with database.reading() as session:
        line = session.exec(select(RecordedLine)).one()
    accept(database, line)
    with database.writing() as session:
        assert len(session.exec(select(TaughtPayer)).all()) == 1
        undo_part(session, 1, "wrong", actor="staff:1", now=NOW)
        assert session.exec(select(TaughtPayer)).all() == []


def test_a_decision_meanwhile_keeps_what_the_person_saw(database: Database) -> None:
    """A run of the matcher does not overwrite a line that somebody decided about meanwhile."""
    one = gift(database)
    line = bank_line(database, 6_000, f"E-TRANSFER {one.reference}")
    suggest(database)
    before = reread(database, line)
    decide(database, before, NoGiftPart(NoGiftReason.OTHER, 1_000))
    with database.writing() as session:
        session.execute(update(RecordedLine).values(band=Band.NONE))
    assert suggest(database)[Band.CERTAIN] == 1
    assert reread(database, line).open_amount.amount_minor == 5_000


def test_a_person_teaches_a_payers_name(database: Database) -> None:
    """Accepting a suggestion by hand remembers the payer's name; accepting all does not."""
    one, two = gift(database), gift(database, "two")
    for number, each in enumerate((one, two)):
        bank_line(database, 5_000, f"E-TRANSFER {each.reference} JOHN ROE{number}")
    suggest(database)
    with database.reading() as session:
        lines = session.exec(select(RecordedLine).order_by(RecordedLine.text)).all()
    for line, was_certain in zip(lines, (True, False), strict=True):
        accept(database, reread(database, line), was_certain=was_certain)
    with database.reading() as session:
        assert len(session.exec(select(TaughtPayer)).all()) == 1


def test_two_people_accept_at_once(database: Database) -> None:
    """If two people accept the same suggestion at once, the gift is paid once."""
    one = gift(database)
    line = bank_line(database, 5_000, f"E-TRANSFER {one.reference}")
    suggest(database)
    stored, start, results = reread(database, line), threading.Barrier(4), list[str]()

    def run() -> None:
        start.wait()
        try:
            accept(database, stored)
            results.append("accepted")
        except Conflict:
            results.append("refused")

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["accepted", "refused", "refused", "refused"]
    assert reread(database, one).received_minor == 5_000
    assert findings(database) == []


def test_nothing_is_read_without_open_lines(database: Database) -> None:
    """Without open lines, the matcher finds nothing."""
    gift(database)
    assert sum(suggest(database).values()) == 0
    with database.reading() as session:
        assert len(session.exec(select(Gift)).all()) == 1


@pytest.mark.parametrize(("amount", "text"), [(21_140, "STRIPE MSP"), (-700, "STRIPE DEBIT")])
def test_a_payout_is_tied_to_its_line(database: Database, amount: int, text: str) -> None:
    """A line of Stripe with a payout's amount is certain; a negative payout is a debit."""
    number = payout(database, amount)
    line = bank_line(database, amount, text)
    assert suggest(database)[Band.CERTAIN] == 1
    accept(database, reread(database, line))
    assert reread(database, line).open_amount.amount_minor == 0
    with database.reading() as session:
        (tied,) = lines_of_payout(session, session.get_one(StripePayout, number))
    assert tied is not None
    assert tied.text == text
    assert findings(database) == []


def test_a_canceled_payout_is_not_expected(database: Database) -> None:
    """A payout that Stripe canceled explains no line."""
    payout(database, 21_140, status="canceled")
    bank_line(database, 21_140, "STRIPE MSP")
    assert suggest(database)[Band.NONE] == 1
