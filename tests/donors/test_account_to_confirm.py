"""The gift page while a bank account has to be confirmed."""

from datetime import timedelta

import pytest

from donate.gifts.evidence import Evidence
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from tests.donors.statuses import NOW
from tests.donors.visitor import Visitor, words_of
from tests.links import token_of

DEPOSITS: Evidence = {
    "url": "https://payments.stripe.com/microdeposit/x",
    "arrives_on": "2026-03-04",
}


@pytest.mark.parametrize("language", ["en-CA", "fr-CA"])
def test_an_account_that_has_to_be_confirmed(visitor: Visitor, language: str) -> None:
    """The page says where and by when to confirm the account, or that it is too late."""
    gift = visitor.open_gift(mode="card")
    page, session_id = f"/gifts/{token_of(gift)}?lang={language}", f"cs_{gift.id}"
    to_confirm = Fact(FactKind.ACCOUNT_TO_CONFIRM, session_id, NOW, "stripe", evidence=DEPOSITS)
    processing = Fact(FactKind.PAYMENT_PROCESSING, session_id, NOW, "stripe")
    failed = Fact(FactKind.PAYMENT_FAILED, session_id, NOW + timedelta(days=10), "stripe")
    with visitor.database.writing() as session:
        record_facts(session, [(gift.id, processing)], now=NOW)
    # An open page reloads itself when `data-status` changes.
    assert 'data-status="processing"' in visitor.get(page).text
    with visitor.database.writing() as session:
        record_facts(session, [(gift.id, to_confirm)], now=NOW)
    html = visitor.get(page).text
    assert 'data-status="processing-to-confirm"' in html
    assert f'href="{DEPOSITS["url"]}"' in html
    english = language == "en-CA"
    headline = (
        "Please confirm your bank account"
        if english
        else "Veuillez confirmer votre compte bancaire"
    )
    assert headline in words_of(html)
    assert ("March 4, 2026" if english else "4 mars 2026") in words_of(html)
    assert "nothing left to do" not in words_of(html)
    # A donor who returns from Stripe's page sees no spinner, because the donor has to act.
    html = visitor.get(f"{page}&back=paid").text
    assert ("Status Confirmation needed" if english else "Confirmation requise") in words_of(html)
    assert "headline-wait" in html
    assert "headline-waiting" not in html
    assert "data-looks-again" not in html
    assert f'"/give/{gift.code}?lang={language}">Give' not in html
    assert ("On its way" if english else "En cours de traitement") not in words_of(html)
    with visitor.database.writing() as session:
        record_facts(session, [(gift.id, failed)], now=NOW)
    html = visitor.get(page).text
    assert DEPOSITS["url"] not in html
    assert ("wasn’t confirmed in time" if english else "confirmé à temps") in words_of(html)
    assert f"/gifts/{token_of(gift)}/instead" in html
