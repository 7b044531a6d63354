"""The staff page of one monthly gift: what it shows, and what staff can do there."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from donate.finance.roles import Role
from donate.gifts.audit import differences
from donate.gifts.monthly.pledge_copy import PledgeStage
from donate.letters.kinds import LetterKind
from donate.storage.database import Database
from tests.finance.pledge_desk import PledgeDesk, open_pledge_desk, words_of
from tests.finance.pledge_samples import sample_pledges


@pytest.fixture
def desk(database: Database) -> Iterator[PledgeDesk]:
    with open_pledge_desk(database) as desk:
        yield desk


def test_staff_pause_and_resume(desk: PledgeDesk) -> None:
    """Staff pause and resume a monthly gift at Stripe, and the page says who did it and why."""
    page = desk.do("paused")
    assert "Pause: Done." in page
    assert "The donor called Ann Lee" in page
    assert desk.at_stripe()["pause_collection"] == {"behavior": "void", "resumes_at": None}
    assert (desk.row.stage, desk.row.next_on) == (PledgeStage.PAUSED, None)
    assert desk.pass_month()["status"] == "void"
    assert [month.id for month in desk.months()] == [desk.gift.id]
    assert "Resume: Done." in desk.do("resumed")
    assert desk.at_stripe()["pause_collection"] is None
    assert desk.row.stage is PledgeStage.ACTIVE
    assert desk.pass_month()["status"] == "paid"
    assert len(desk.months()) == 2
    # Stripe's events report the same two changes again.
    assert desk.news() == ["paused", "resumed"]
    acts = [(act.act, act.about, act.detail["reason"]) for act in desk.acts()]
    about = (desk.gift.reference, "The donor called")
    assert acts == [
        ("pledge_pause_requested", *about),
        ("pledge_resume_requested", *about),
    ]


def test_a_pause_until_a_date_ends_by_itself(desk: PledgeDesk) -> None:
    """A gift that is paused until a date opens no month before that date, and then runs again."""
    until = date(2026, 5, 1)
    assert "Pause until May 1, 2026: Done." in desk.do("paused", until=until.isoformat())
    assert desk.at_stripe()["pause_collection"]["resumes_at"] == 1_777_608_000
    row = desk.row
    assert (row.stage, row.resumes_on, row.next_on) == ("paused", until, date(2026, 5, 10))
    words = words_of(desk.page())
    assert "Nothing is collected before May 1, 2026." in words
    assert "Not collected April 2026" in words
    assert "Next gift, after the pause May 10, 2026" in words
    assert desk.pause_ends().ask_due() == 0
    desk.later(days=31)
    assert desk.pass_month()["status"] == "void"
    assert len(desk.months()) == 1
    desk.later(days=21)  # May 1
    assert desk.row.stage is PledgeStage.PAUSED
    ends = desk.pause_ends()
    assert ends.ask_due() == 1
    assert ends.ask_due() == 0
    assert (desk.row.stage, desk.row.resumes_on) == (PledgeStage.ACTIVE, None)
    assert desk.pass_month()["status"] == "paid"
    assert desk.news() == ["paused"]
    assert len(desk.months()) == 2
    with desk.site.database.reading_snapshot() as session:
        assert list(differences(session)) == []


def test_staff_read_which_card_pays(desk: PledgeDesk) -> None:
    """The page shows the last four digits of the card once Stripe has told them."""
    assert "ending in" not in words_of(desk.page())
    desk.pledges.methods.learn(desk.gift)
    assert "Visa ending in 4242" in words_of(desk.page())


def test_a_pause_is_asked_about_again_while_stripe_is_away(desk: PledgeDesk) -> None:
    """If Stripe does not answer when a pause should end, the service asks again an hour later."""
    desk.do("paused", until="2026-03-20")
    desk.later(days=11)
    path = f"/v1/subscriptions/{desk.at_stripe()['id']}"
    trouble = {"path": path, "kind": "500", "times": 2}
    desk.sandbox.control("POST", "/_sandbox/trouble", method="GET", **trouble)
    ends = desk.pause_ends()
    assert [ends.ask_due(), ends.ask_due()] == [0, 0]
    desk.sandbox.control("DELETE", "/_sandbox/trouble")
    desk.later(hours=2)
    assert ends.ask_due() == 1
    assert desk.row.stage is PledgeStage.ACTIVE


def test_staff_end_it_after_the_month(desk: PledgeDesk) -> None:
    """If staff end a gift after the paid month, it runs until then, and no month follows."""
    page = desk.do("ended", when="month", confirmed="yes")
    assert "End after the month that is paid: Done." in page
    assert desk.at_stripe()["cancel_at_period_end"] is True
    assert (desk.row.stage, desk.row.ends_on, desk.row.next_on) == (
        PledgeStage.ENDING,
        date(2026, 4, 10),
        None,
    )
    assert 'value="month"' not in desk.page().text
    desk.later(days=32)
    desk.hear()
    assert desk.row.stage is PledgeStage.ENDED
    assert len(desk.months()) == 1


def test_staff_end_it_now(desk: PledgeDesk) -> None:
    """If staff end a gift now, Stripe cancels it, and staff cannot change it any more."""
    assert "End now: Done." in desk.do("ended", when="now", confirmed="yes")
    assert desk.at_stripe()["status"] == "canceled"
    assert (desk.row.stage, desk.row.ends_on) == (PledgeStage.ENDED, date(2026, 3, 10))
    page = desk.page().text
    assert "/paused" not in page
    assert "/ended" not in page
    again = desk.send("paused", desk.form())
    assert again.status_code == 409
    assert "This monthly gift can’t be changed that way right now" in again.text


def test_a_form_sent_twice_acts_once(desk: PledgeDesk) -> None:
    """A double click requests one change, and sends one e-mail."""
    form = desk.form()
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: desk.send("paused", form), range(2)))
    assert {answer.status_code for answer in answers} == {303}
    link = desk.form()
    assert [desk.send("link-sent", link).status_code for _ in range(2)] == [303, 303]
    assert [letter.kind for letter in desk.letters()] == [LetterKind.PLEDGE_LINK]
    acts = [act.act for act in desk.acts()]
    assert acts == ["pledge_pause_requested", "pledge_link_sent"]


def test_the_second_of_two_clerks_is_told(desk: PledgeDesk) -> None:
    """If a gift has changed since a form was opened, the form does nothing and the page says so."""
    form = desk.form(when="now", confirmed="yes")
    desk.do("paused")
    answer = desk.send("ended", form)
    assert answer.status_code == 409
    page = words_of(answer)
    assert "has changed since you opened the page" in page
    assert "Pause Done. The donor called Ann Lee" in page
    # The page shows the words twice: in the history, and in the field where they were typed.
    assert answer.text.count("The donor called") == 2
    assert desk.at_stripe()["status"] == "active"


def test_a_refusal_is_told(desk: PledgeDesk) -> None:
    """If Stripe refuses a change, the page says so, and nothing has changed."""
    desk.trouble("400")
    page = desk.do("paused")
    assert "Pause: Stripe refused, and nothing was changed." in page
    assert "Stripe’s message: “" in page
    assert desk.row.stage is PledgeStage.ACTIVE


def test_a_change_without_an_answer_is_asked_again(desk: PledgeDesk) -> None:
    """If Stripe does not answer, the page says so, and the worker asks again until it is done."""
    desk.trouble("500")
    assert "Pause: Stripe hasn’t answered yet." in desk.do("paused")
    desk.sandbox.control("DELETE", "/_sandbox/trouble")
    desk.later(minutes=1)
    assert desk.pledges.ask_due() == 1
    assert desk.row.stage is PledgeStage.PAUSED
    assert "Pause Done." in words_of(desk.page())


@pytest.mark.parametrize(
    ("act", "typed", "sentence"),
    [
        ("paused", {"reason": " "}, "Please give a reason."),
        ("paused", {"reason": "x" * 501}, "Please shorten this to 500 characters."),
        ("paused", {"until": "tomorrow"}, "Please enter a date such as 2026-03-31."),
        ("paused", {"until": "2026-03-10"}, "Please enter a date after today."),
        ("paused", {"until": "2029-01-01"}, "Please enter a date within two years."),
        ("ended", {"when": "now"}, "Please tick this box"),
        ("ended", {"when": "soon", "confirmed": "yes"}, "Please choose when it ends."),
        ("link-sent", {"reason": ""}, "Please give a reason."),
    ],
)
def test_a_bad_form_is_refused_with_a_sentence(
    desk: PledgeDesk, act: str, typed: dict[str, str], sentence: str
) -> None:
    """A wrong field gets a sentence, what was typed stays in the form, and nothing is requested."""
    form = desk.form(**typed)
    answer = desk.send(act, form)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert 'aria-invalid="true"' in answer.text
    for name in ("reason", "until"):
        assert typed.get(name, "").strip() in answer.text
    assert desk.acts() == []


@pytest.mark.parametrize("missing", ["form_key", "version"])
def test_an_incomplete_form_does_nothing(desk: PledgeDesk, missing: str) -> None:
    """A form without its hidden fields is refused."""
    form = desk.form()
    del form[missing]
    assert desk.send("paused", form).status_code == 409
    assert desk.row.stage is PledgeStage.ACTIVE


def test_a_viewer_sees_no_forms(desk: PledgeDesk) -> None:
    """A viewer reads the page without forms, and may not send one."""
    form = desk.form()
    viewer = desk.site.signed_in(Role.VIEWER)
    page = viewer.get(f"/finance/monthly/{desk.gift.id}")
    assert page.status_code == 200
    assert 'name="version"' not in page.text
    form["csrf"] = page.text.partition('name="csrf" value="')[2].partition('"')[0]
    sent = viewer.post(f"/finance/monthly/{desk.gift.id}/paused", data=form)
    assert sent.status_code == 403
    assert desk.row.stage is PledgeStage.ACTIVE


def test_a_later_month_has_no_such_page(desk: PledgeDesk) -> None:
    """The page exists only for the gift that began a pledge."""
    gifts = sample_pledges(desk.site.database)
    assert desk.browser.get(f"/finance/monthly/{gifts['past_due'].id}").status_code == 200
    desk.later(days=31)
    desk.pass_month()
    newest = desk.months()[0]
    browser = desk.site.signed_in(email="later@example.org")
    assert newest.id != desk.gift.id
    assert browser.get(f"/finance/monthly/{newest.id}").status_code == 404
    assert browser.get("/finance/monthly/nothing").status_code == 404
    assert f"/finance/monthly/{desk.gift.id}" in browser.get(f"/finance/gifts/{newest.id}").text


def test_nul_in_a_form_does_not_fail(desk: PledgeDesk) -> None:
    """A form with a NUL in its key is taken like any other, and twice has effect once."""
    form = desk.form(form_key="a\x00b")
    assert [desk.send("paused", form).status_code for _ in range(2)] == [303, 303]
    assert len(desk.acts()) == 1
