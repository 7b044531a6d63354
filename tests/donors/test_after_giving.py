"""After giving, the page thanks, says what happens next, and offers only what does something."""

import re
from html import unescape

import pytest

from donate.api.next_step import next_step_as_json
from donate.api.schemas import NextInstructions
from donate.demo.start import EXAMPLE_CHARITY
from donate.gifts.facts import FactKind
from donate.gifts.models import Gift
from donate.gifts.queries import facts_of
from donate.gifts.status import StatusName
from donate.modes.interac import Interac
from donate.regions.regions import load_regions
from tests.donors.statuses import FACTS_FOR, learn
from tests.donors.visitor import Visitor, words_of
from tests.links import token_of


def confirmed(visitor: Visitor, **fields: str) -> Gift:
    gift = visitor.open_gift(mode="card", **fields)
    learn(visitor.database, gift, *FACTS_FOR[StatusName.CONFIRMED])
    return gift


def next_steps(page: str) -> list[str]:
    steps = re.search(r'<ol class="next">(.*?)</ol>', page, re.DOTALL)
    return [words_of(step) for step in re.findall(r"<li>(.*?)</li>", steps[1])] if steps else []


def test_what_happens_after_a_confirmed_gift(kitchen: Visitor) -> None:
    """The page says that an e-mail comes, and that it is no receipt itself."""
    gift = confirmed(kitchen)
    email, receipt = next_steps(kitchen.get(f"/gifts/{token_of(gift)}").text)
    assert email == "We’ll e-mail your confirmation to a…@example.org."
    assert receipt.startswith("This page isn’t an official receipt for income tax purposes.")
    assert receipt.endswith("Write to kitchen@example.org.")
    french = kitchen.get(f"/gifts/{token_of(gift)}?lang=fr").text
    assert "Merci, Anne Ouellet!" in words_of(french)
    assert next_steps(french)[0].startswith("Nous vous envoyons une confirmation")


def test_no_email_is_promised_where_none_is_sent(visitor: Visitor) -> None:
    """A service without a mail server promises no e-mail."""
    assert len(next_steps(visitor.get(f"/gifts/{token_of(confirmed(visitor))}").text)) == 1


def test_a_processing_debit(kitchen: Visitor) -> None:
    """While a bank works on a debit, the page says when the money is taken, then of the e-mail."""
    gift = kitchen.open_gift(mode="bank_debit")
    learn(kitchen.database, gift, *FACTS_FOR[StatusName.PROCESSING])
    debit, email = next_steps(kitchen.get(f"/gifts/{token_of(gift)}").text)
    assert "within five business days" in debit
    assert "when your gift arrives" in email


def test_nothing_comes_next_while_the_donor_has_to_act(kitchen: Visitor) -> None:
    """The instructions for an e-Transfer come without a list of what happens next."""
    gift = kitchen.open_gift(mode="interac")
    assert next_steps(kitchen.get(f"/gifts/{token_of(gift)}").text) == []


@pytest.mark.parametrize(
    ("amount", "offered"), [("50", "$20"), ("20", "$10"), ("5", "$10"), ("5000", "$100")]
)
def test_monthly_giving_is_offered_once(kitchen: Visitor, amount: str, offered: str) -> None:
    """Right after a one-time gift, about half of it is offered as a monthly gift; later nothing."""
    gift = confirmed(kitchen, amount=amount)
    page = f"/gifts/{token_of(gift)}"
    back = kitchen.get(f"{page}?back=paid").text
    offer = re.search(r'href="(/give/LWCAN\?frequency=monthly[^"]+)">([^<]+)', back)
    assert offer
    assert offer[2] == f"Give {offered}.00 every month"
    form = kitchen.get(offer[1].replace("&amp;", "&")).text
    assert re.search(r'id="preset_monthly-\d+"[^>]* checked', form)
    assert "frequency=monthly" not in kitchen.get(page).text


def test_a_declined_card_says_so(kitchen: Visitor) -> None:
    """After a declined card the page says so, without the code, and offers the other ways."""
    gift = kitchen.open_gift(mode="card")
    learn(kitchen.database, gift, (FactKind.PAYMENT_DECLINED, 5_000))
    page = kitchen.get(f"/gifts/{token_of(gift)}?back=cancelled").text
    assert "Your card was declined" in words_of(page)
    assert "Try again" in words_of(page)
    others = re.findall(r'name="mode" value="(\w+)"', page)
    assert others == ["bank_debit", "interac", "giving_code"]


def test_the_recipients_name_is_said_to_donors(kitchen: Visitor) -> None:
    """If the region knows the name that banks show for its address, the page and the API say it."""
    gift = kitchen.open_gift(mode="interac")
    page = kitchen.get(f"/gifts/{token_of(gift)}?lang=fr-CA").text
    assert "c’est «\u00a0The Example Kitchen\u00a0»" in unescape(page)
    step = Interac(load_regions(EXAMPLE_CHARITY)).begin(gift)
    answer = next_step_as_json(step, "en-CA")
    assert isinstance(answer, NextInstructions)
    assert answer.recipient_name == "The Example Kitchen"


def test_taking_back_comes_after_what_happens_next(kitchen: Visitor) -> None:
    """After "I've sent it", the page first says what happens next, then how to take that back."""
    page = f"/gifts/{token_of(kitchen.open_gift(mode='interac'))}"
    kitchen.post(f"{page}/sent")
    html = kitchen.get(page).text
    assert 0 < html.index('id="next"') < html.index(f"{page}/not-sent")


def test_a_report_can_be_taken_back(kitchen: Visitor) -> None:
    """A donor can take "I've sent it" back and say it again; each is recorded once."""
    gift = kitchen.open_gift(mode="interac")
    page = f"/gifts/{token_of(gift)}"
    for step in ("not-sent", "sent", "sent", "not-sent", "not-sent", "sent"):
        kitchen.post(f"{page}/{step}")
        (now,) = [each for each in kitchen.gifts() if each.id == gift.id]
        assert now.transfer_announced == (step == "sent")
        assert ("Send your e-Transfer" in kitchen.get(page).text) == (step != "sent")
    with kitchen.database.reading() as session:
        kinds = [fact.kind.value for fact in facts_of(session, gift.id)]
    said, back = "transfer_announced", "announcement_taken_back"
    assert kinds == ["gift_opened", said, back, said]


def test_a_printed_page_bears_its_address(kitchen: Visitor) -> None:
    """The page has its own address for printing, and nothing to press that does nothing."""
    gift = kitchen.open_gift(mode="interac")
    page = kitchen.get(f"/gifts/{token_of(gift)}").text
    assert f"This page: http://127.0.0.1:8000/gifts/{token_of(gift)}" in words_of(page)
    for status in (StatusName.CONFIRMED, StatusName.REFUNDED):
        done = kitchen.open_gift(mode="card")
        learn(kitchen.database, done, *FACTS_FOR[status])
        assert "Check again" not in kitchen.get(f"/gifts/{token_of(done)}").text
