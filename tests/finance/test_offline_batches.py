"""A batch of cheques and cash counts only when its count and sum are the expected ones."""

import threading
from datetime import date

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from donate.errors import BadInput, Conflict
from donate.gifts.offline.batches import add_draft, close_batch, record_one, start_batch
from donate.gifts.offline.models import EntryState
from donate.storage.database import Database
from tests.finance.finance_site import NOW, REGIONS, FinanceSite
from tests.finance.offline_desk import (
    CASH,
    CHEQUE,
    HOME,
    act,
    add,
    audit,
    batches,
    entered,
    entries,
    gifts,
    movements,
    new_key,
    problems,
    start,
)


def start_for(database: Database, count: int, total_minor: int) -> int:
    with database.writing() as session:
        batch, _ = start_batch(
            session,
            "Sunday",
            date(2026, 3, 8),
            {"CAD": (count, total_minor)},
            new_key(),
            actor="staff:1",
            now=NOW,
        )
        assert batch.id is not None
        return batch.id


def put(database: Database, batch: int, amount_minor: int, key: str = "") -> None:
    with database.writing() as session:
        add_draft(session, batch, entered(amount_minor), key or new_key(), actor="staff:1", now=NOW)


def test_a_batch_counts_when_it_closes(site_on_each: FinanceSite) -> None:
    """No entry of a batch is a gift before the batch closes; then each is exactly one gift."""
    site = site_on_each
    browser = site.signed_in()
    batch = start(browser, 2, "170.00")
    assert add(browser, batch, CHEQUE).is_redirect
    assert add(browser, batch, CASH).is_redirect
    assert (gifts(site.database), movements(site.database)) == ([], [])
    page = browser.get(batch).text
    assert "2 · $170.00" in page
    assert "Agrees" in page
    assert act(browser, batch, "closed").headers["location"] == f"{batch}?done=closed"
    assert sorted(gift.amount_minor for gift in gifts(site.database)) == [2_000, 15_000]
    assert {gift.status for gift in gifts(site.database)} == {"confirmed"}
    assert {move[2] for move in movements(site.database)} == {"2026-03-08"}
    assert {entry.state for entry in entries(site.database)} == {EntryState.RECORDED}
    closings = [a.detail for a in site.acts() if a.act == "offline_batch_closed"]
    assert closings == [{"gifts": 2}]
    assert audit(site.database) == []


@pytest.mark.parametrize(
    ("count", "total"),
    [
        pytest.param(2, "20.00", id="one is missing"),
        pytest.param(1, "20.01", id="a cent is missing"),
        pytest.param(1, "19.99", id="a cent too much"),
    ],
)
def test_a_batch_that_differs_stays_open(site: FinanceSite, count: int, total: str) -> None:
    """A batch whose count or sum is not exactly the expected one cannot be closed."""
    browser = site.signed_in()
    batch = start(browser, count, total)
    add(browser, batch, CASH)
    page = act(browser, batch, "closed")
    assert page.status_code == 422
    assert "exactly what is expected" in page.text
    assert gifts(site.database) == []
    assert not batches(site.database)[0].is_closed
    assert act(browser, batch, "expected", count_CAD="1", sum_CAD="20").is_redirect
    assert act(browser, batch, "closed").is_redirect
    assert len(gifts(site.database)) == 1


def test_the_database_refuses_a_batch_that_differs(database: Database) -> None:
    """Even plain SQL cannot close a batch whose numbers differ from the expected ones."""
    batch = start_for(database, 2, 4_000)
    put(database, batch, 2_000)
    closing = sa.text("UPDATE offline_batch SET is_closed = :yes, closed_at = started_at")
    with pytest.raises(IntegrityError), database.writing() as session:
        session.execute(closing, {"yes": True})
    put(database, batch, 2_000)
    with database.writing() as session:
        session.execute(closing, {"yes": True})
    assert batches(database)[0].is_closed


def test_an_empty_batch_cannot_be_closed(database: Database) -> None:
    """A batch without entries cannot be closed."""
    batch = start_for(database, 1, 2_000)
    with pytest.raises(BadInput), database.writing() as session:
        close_batch(session, REGIONS, batch, version=1, actor="staff:1", now=NOW)


def test_an_entry_is_removed_and_typed_again(site: FinanceSite) -> None:
    """A removed draft is not in the sums, its values fill the form, and it is never a gift.

    The draft itself keeps nothing about the donor.
    """
    browser = site.signed_in()
    batch = start(browser, 1, "21.00")
    add(browser, batch, CHEQUE)
    (entry,) = entries(site.database)
    removed = act(browser, batch, "removed", entry=str(entry.id))
    page = removed.text
    assert removed.status_code == 200
    assert f'value="{entry.donor_name}"' in page
    assert 'value="150.00"' in page
    assert 'value="0042"' in page
    (left,) = entries(site.database)
    assert entry.donor_name
    assert entry.donor_email
    assert {left.donor_name, left.donor_email, left.donor_address, left.note} == {""}
    assert "0 · $0.00" in page
    again = act(browser, batch, "removed", entry=str(entry.id))
    assert again.status_code == 409
    add(browser, batch, CASH, amount="21.00")
    act(browser, batch, "closed")
    assert [gift.amount_minor for gift in gifts(site.database)] == [2_100]
    assert audit(site.database) == []


def test_the_form_keeps_what_stays_the_same(site: FinanceSite) -> None:
    """After an entry is saved, method and anonymity stay chosen, and the amount is empty."""
    browser = site.signed_in()
    batch = start(browser, 2, "40.00")
    page = browser.get(add(browser, batch, CASH).headers["location"]).text
    assert 'name="mode" value="cash" checked' in page
    assert 'name="donor" value="anonymous" checked' in page
    assert 'name="amount" inputmode="decimal" autocomplete="off" value=""' in page
    # Enter presses the first button of a form, which must be the one that saves.
    form = page.partition("/entered")[2]
    assert form.index(">Save</button>") < form.index('value="find"')


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        pytest.param({"batch_name": ""}, "batch_name", id="no name"),
        pytest.param({"received_on": "2026-03-11"}, "received_on", id="future"),
        pytest.param({"count_CAD": "0"}, "count_CAD", id="none"),
        pytest.param({"count_CAD": "2001"}, "count_CAD", id="too many"),
        pytest.param({"count_CAD": "2", "sum_CAD": ""}, "sum_CAD", id="no sum"),
        pytest.param({"count_CAD": "", "sum_CAD": ""}, "count_CAD", id="nothing"),
    ],
)
def test_a_wrong_batch_is_told(site: FinanceSite, typed: dict[str, str], field: str) -> None:
    """A wrong field of the form that starts a batch gets a sentence beside it."""
    browser = site.signed_in()
    form = {
        "batch_name": "Sunday",
        "received_on": "2026-03-08",
        "count_CAD": "2",
        "sum_CAD": "40",
        "form_key": new_key(),
    }
    page = act(browser, HOME, "batch-started", **form | typed)
    assert page.status_code == 422
    assert field in problems(page)
    assert batches(site.database) == []


def test_a_batch_is_started_once(site: FinanceSite) -> None:
    """The form that starts a batch, sent twice, starts one batch."""
    browser, key = site.signed_in(), new_key()
    assert start(browser, 1, "20", form_key=key) == start(browser, 1, "20", form_key=key)
    assert len(batches(site.database)) == 1
    assert [act.act for act in site.acts()].count("offline_batch_started") == 1


def test_what_another_clerk_did_is_told(site: FinanceSite) -> None:
    """If a batch changed after a clerk read it, closing it or expecting another sum gets 409."""
    ann, luc = site.signed_in(), site.signed_in(email="luc@example.org")
    batch = start(ann, 1, "20.00")
    add(ann, batch, CASH)
    seen = str(batches(site.database)[0].version)
    add(luc, batch, CASH, amount="5.00")
    assert act(ann, batch, "closed", version=seen).status_code == 409
    page = act(ann, batch, "expected", version=seen, count_CAD="1", sum_CAD="20")
    assert page.status_code == 409
    assert "Someone has changed this batch" in page.text
    assert gifts(site.database) == []


def test_nothing_is_added_to_a_closed_batch(site: FinanceSite) -> None:
    """An entry for a batch that was closed meanwhile answers 409 and keeps what was typed."""
    browser = site.signed_in()
    batch = start(browser, 1, "20.00")
    add(browser, batch, CASH)
    act(browser, batch, "closed")
    page = add(browser, batch, CASH, amount="7.00")
    assert page.status_code == 409
    assert "was not saved" in page.text
    assert act(browser, batch, "closed").status_code == 409
    assert len(gifts(site.database)) == 1


def in_threads(*tasks: object) -> list[BaseException]:
    """Run tasks at the same time, and return what they raised."""
    raised: list[BaseException] = []
    barrier = threading.Barrier(len(tasks))

    def run(task: object) -> None:
        barrier.wait()
        try:
            task()  # type: ignore[operator]
        except Exception as error:  # noqa: BLE001 -- the caller looks at it
            raised.append(error)

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_two_clerks_lose_nothing(database: Database) -> None:
    """Two clerks type into one batch at once: all entries are there, and the sums are right."""
    batch = start_for(database, 20, 20 * 1_000)

    def type_ten() -> None:
        for _ in range(10):
            put(database, batch, 1_000)

    assert in_threads(type_ten, type_ten) == []
    with database.writing() as session:
        assert close_batch(session, REGIONS, batch, version=21, actor="s", now=NOW) == 20
    assert len(gifts(database)) == 20
    assert audit(database) == []


def test_closing_and_adding_at_once(database: Database) -> None:
    """If one clerk closes a batch while another adds to it, exactly one of them is refused."""
    for _ in range(5):
        batch = start_for(database, 1, 1_000)
        put(database, batch, 1_000)

        def close(batch: int = batch) -> None:
            with database.writing() as session:
                close_batch(session, REGIONS, batch, version=2, actor="staff:1", now=NOW)

        def another(batch: int = batch) -> None:
            put(database, batch, 500)

        assert [type(error) for error in in_threads(close, another)] == [Conflict]
    assert audit(database) == []


def test_one_form_at_once_is_one_entry(database: Database) -> None:
    """A form that is sent several times at once records one gift or one draft."""
    batch = start_for(database, 1, 1_000)

    def one() -> None:
        with database.writing() as session:
            record_one(session, REGIONS, entered(700), "one-key", actor="staff:1", now=NOW)

    assert in_threads(*[one] * 4, *[lambda: put(database, batch, 1_000, "draft-key")] * 4) == []
    assert [gift.amount_minor for gift in gifts(database)] == [700]
    assert sorted(entry.amount_minor for entry in entries(database)) == [700, 1_000]
    assert audit(database) == []
