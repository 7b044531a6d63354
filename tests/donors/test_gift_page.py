"""The page of one gift shows its status in plain words, to its donor only."""

import re
from pathlib import Path

import pytest

from donate.donors.gift_page.gift_words import STATUS_NAMES, STATUS_WORDS
from donate.gifts.facts import FactKind
from donate.gifts.queries import facts_of
from donate.gifts.status import StatusName
from tests.donors.statuses import FACTS_FOR, PAID, learn
from tests.donors.visitor import REGIONS, Visitor, visiting, words_of
from tests.links import token_of


def test_every_status_has_words() -> None:
    """Every status has a headline, a sentence and a name for donors."""
    assert set(STATUS_WORDS) == set(STATUS_NAMES) == set(StatusName)
    assert set(FACTS_FOR) | {StatusName.AWAITED} == set(StatusName)


@pytest.mark.parametrize("mode", ["card", "interac", "giving_code"])
@pytest.mark.parametrize("status", FACTS_FOR)
def test_each_status_in_its_own_words(visitor: Visitor, status: StatusName, mode: str) -> None:
    """The page shows the status, and offers to pay only while the gift is unpaid."""
    gift = visitor.open_gift(mode=mode)
    learn(visitor.database, gift, *FACTS_FOR[status])
    for back in ("", "?back=paid", "?back=cancelled", "?problem=page", "?back=%00&look=x&lang=zz"):
        answer = visitor.get(f"/gifts/{token_of(gift)}{back}")
        assert answer.status_code == 200
        assert f'<span class="status status-{status}">' in answer.text
        unpaid = status in (StatusName.FAILED, StatusName.LAPSED)
        assert (f"/gifts/{token_of(gift)}/instead" in answer.text) == unpaid
        assert (f"/gifts/{token_of(gift)}/checkout" in answer.text) == (unpaid and mode == "card")
    if mode == "card":
        named = {StatusName.CONFIRMED: "Thank you, Anne Ouellet!"}
        headline = named.get(status, STATUS_WORDS[status][0])
        assert headline in words_of(visitor.get(f"/gifts/{token_of(gift)}").text)


def test_interac_instructions(first_visitor: Visitor) -> None:
    """Interac instructions show address, exact amount and reference, each with a copy button."""
    gift = first_visitor.open_gift(mode="interac", amount="1234.50")
    answer = first_visitor.get(f"/gifts/{token_of(gift)}")
    copies = re.findall(r'data-copy="([^"]+)"', answer.text)
    assert copies == ["transfers@example.org", "1234.50", gift.reference]
    words = words_of(answer.text)
    assert "Waiting for your transfer" in words
    assert "$1,234.50" in words
    assert "Interac e-Transfer works only with Canadian dollars" in words
    assert "about $3,000" not in words
    assert "asks for a name" not in words
    french = first_visitor.get(f"/gifts/{token_of(gift)}?lang=fr-CA").text
    assert 'data-copy="1234,50"' in french
    assert "En attente de votre virement" in words_of(french)


@pytest.mark.parametrize(
    ("amount", "parts"),
    [
        ("3000", ""),
        ("3000.01", "$3,000.00 + $0.01"),
        ("6000", "$3,000.00 + $3,000.00"),
        ("7500.50", "$3,000.00 + $3,000.00 + $1,500.50"),
    ],
)
def test_large_transfers_may_be_split(visitor: Visitor, amount: str, parts: str) -> None:
    """If the amount is above what banks transfer at once, the page says how to split it."""
    gift = visitor.open_gift(mode="interac", amount=amount)
    words = words_of(visitor.get(f"/gifts/{token_of(gift)}").text)
    assert ("all with the same reference" in words) == bool(parts)
    assert parts in words


def test_the_donor_says_that_it_is_sent(visitor: Visitor) -> None:
    """A donor's "I've sent it" is recorded once, and does not confirm the gift."""
    gift = visitor.open_gift(mode="interac")
    page = f"/gifts/{token_of(gift)}"
    assert "within 20 days" in words_of(visitor.get(page).text)
    for _ in range(2):
        assert visitor.post(f"{page}/sent").headers["location"].startswith(page)
    html = visitor.get(page).text
    words = words_of(html)
    assert words.count("You told us") == 1
    main = html.partition("<main")[2]
    for elsewhere in (f"{page}/instead", "/give/LWCAN", f"{page}/sent", "Send your e-Transfer"):
        assert elsewhere not in main
    assert f'action="{page}/not-sent' in main
    assert "I’ve sent it" not in words
    assert "We’ll confirm your gift when it arrives" in words
    with visitor.database.reading() as session:
        facts = facts_of(session, gift.id)
        (gift_now,) = [each for each in visitor.gifts() if each.id == gift.id]
    assert [fact.kind for fact in facts] == ["gift_opened", "transfer_announced"]
    assert (gift_now.status, gift_now.received_minor) == ("awaited", 0)


def test_a_gift_said_to_be_sent_that_lapses(visitor: Visitor) -> None:
    """If a gift lapses after "I've sent it", its page shows the other modes again."""
    gift = visitor.open_gift(mode="giving_code")
    page = f"/gifts/{token_of(gift)}"
    visitor.post(f"{page}/sent")
    learn(visitor.database, gift, (FactKind.GIFT_LAPSED, None))
    html = visitor.get(page).text
    assert f"{page}/instead" in html
    assert "<details" not in html


def test_a_card_gift_cannot_be_said_to_be_sent(visitor: Visitor) -> None:
    """A donor cannot report a card gift as sent; for an unknown gift the answer is 404."""
    card = visitor.open_gift(mode="card")
    visitor.post(f"/gifts/{token_of(card)}/sent")
    with visitor.database.reading() as session:
        assert "transfer_announced" not in [f.kind for f in facts_of(session, card.id)]
    assert visitor.post("/gifts/nosuchgift/sent").status_code == 404


def test_giving_code_instructions(visitor: Visitor) -> None:
    """The instructions for a giving code have the region's text, the code and the reference."""
    gift = visitor.open_gift(mode="giving_code", lang="fr-CA", amount="50,00")
    page = visitor.get(f"/gifts/{token_of(gift)}").text
    assert "Par chèque." in words_of(page)
    assert re.findall(r'data-copy="([^"]+)"', page) == ["50,00", gift.reference, "LWCAN"]


@pytest.mark.parametrize("token", ["x" * 22, "%00", "%ED%A0%80", "a%27--", "x" * 5_000, "é"])
def test_an_unknown_token_is_404(first_visitor: Visitor, token: str) -> None:
    """An unknown token gets a 404 page on every route."""
    pages = [
        first_visitor.get(f"/gifts/{token}"),
        first_visitor.post(f"/gifts/{token}/checkout"),
        first_visitor.post(f"/gifts/{token}/instead", mode="card"),
    ]
    assert {page.status_code for page in pages} == {404}
    assert "We couldn’t find what you’re looking for." in pages[0].text


def test_nothing_but_the_whole_token_opens_a_gift(visitor: Visitor) -> None:
    """Only the exact token in the URL opens a gift's page."""
    gift = visitor.open_gift()
    token = token_of(gift)
    others = [token[:-1], token[:4], token[1:], f"{token}x", token.swapcase(), "%", "_" * 22]
    for other in [*others, gift.reference, str(gift.id), gift.id.hex, str(gift.donor_id)]:
        assert visitor.get(f"/gifts/{other}").status_code == 404, other
    assert visitor.get(f"/gifts/{token}").status_code == 200


def test_the_page_is_private(visitor: Visitor) -> None:
    """A gift's page is not indexed or cached, sends no referrer, and does not name the donor."""
    gift = visitor.open_gift()
    answer = visitor.get(f"/gifts/{token_of(gift)}")
    assert '<meta name="robots" content="noindex">' in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "anne@" not in answer.text
    assert "Ouellet" not in answer.text
    assert not re.findall(r'(?:href|src|action)="(?:https?:)?//', answer.text)


def test_a_region_that_is_gone(first_visitor: Visitor, database_url: str, tmp_path: Path) -> None:
    """A gift's page still opens after its region or mode was removed from regions.toml."""
    gifts = [first_visitor.open_gift(mode=mode) for mode in ("interac", "giving_code", "card")]
    text = REGIONS.read_text(encoding="utf-8")
    elsewhere = tmp_path / "elsewhere.toml"
    elsewhere.write_text(text[text.index("[LWJPN]") :], encoding="utf-8")
    fewer = tmp_path / "fewer.toml"
    cut = text.index("[LWCAN.modes.interac]"), text.index("[LWJPN]")
    fewer.write_text(text[: cut[0]] + text[cut[1] :], encoding="utf-8")
    for regions_file in (elsewhere, fewer):
        with visiting(first_visitor.database, database_url, regions_file=regions_file) as later:
            for gift in gifts:
                answer = later.get(f"/gifts/{token_of(gift)}")
                assert answer.status_code == 200
                assert gift.reference in answer.text
                instead = later.post(f"/gifts/{token_of(gift)}/instead", mode="interac")
                assert instead.status_code == 303


def test_the_same_gift_in_another_mode(first_visitor: Visitor) -> None:
    """The button for another mode opens one other gift, however often it is clicked."""
    card = first_visitor.open_gift(mode="card")
    urls = {
        first_visitor.post(f"/gifts/{token_of(card)}/instead", mode="interac").headers["location"]
        for _ in range(2)
    }
    assert len(urls) == 1
    _, other = first_visitor.gifts()
    assert urls == {f"/gifts/{token_of(other)}"}
    assert (other.mode, other.amount) == ("interac", card.amount)


def test_a_gift_given_in_another_mode_asks_for_no_transfer(visitor: Visitor) -> None:
    """If a donor gave in another mode instead, the first gift's page asks for no transfer."""
    sent_later = visitor.open_gift(mode="interac")
    page = f"/gifts/{token_of(sent_later)}"
    visitor.post(f"{page}/instead?lang=fr-CA", mode="giving_code")
    _, other = visitor.gifts()
    assert other.language == "fr-CA"
    assert "Waiting for your transfer" in words_of(visitor.get(page).text)
    learn(visitor.database, other, (FactKind.TRANSFER_RECEIVED, other.amount_minor))
    html = visitor.get(page).text
    assert "You’ve already made this gift another way" in words_of(html)
    assert f'href="/gifts/{token_of(other)}?' in html
    assert "partnership@" not in html.partition("<footer")[0]
    assert f"{page}/instead" not in html


def test_the_page_shows_part_of_the_address(visitor: Visitor) -> None:
    """The gift's page shows enough of the donor's e-mail address to notice a typo."""
    gift = visitor.open_gift()
    page = visitor.get(f"/gifts/{token_of(gift)}").text
    assert "a…@example.org" in words_of(page)
    assert "anne@example.org" not in page


@pytest.mark.parametrize("mode", ["gold", "", "cash"])
def test_a_mode_that_is_not_offered_opens_nothing(visitor: Visitor, mode: str) -> None:
    """A request for a mode that is not offered redirects to the form and opens no gift."""
    gift = visitor.open_gift()
    answer = visitor.post(f"/gifts/{token_of(gift)}/instead", mode=mode)
    assert answer.headers["location"] == "/give/LWCAN?lang=en-CA"
    assert len(visitor.gifts()) == 1


def test_a_paid_gift_is_not_made_again(visitor: Visitor) -> None:
    """A paid gift offers neither another mode nor the checkout page."""
    gift = visitor.open_gift(mode="card")
    learn(visitor.database, gift, PAID)
    instead = visitor.post(f"/gifts/{token_of(gift)}/instead", mode="interac")
    assert instead.headers["location"] == f"/gifts/{token_of(gift)}"
    again = visitor.post(f"/gifts/{token_of(gift)}/checkout")
    assert again.status_code == 409
    assert "You’ve already made this payment" in words_of(again.text)
    assert len(visitor.gifts()) == 1
