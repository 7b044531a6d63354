"""A bank account that has to be confirmed: the page says so, leads on, and says what came of it."""

from datetime import timedelta

import pytest

from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from tests.donors.statuses import NOW
from tests.donors.visiting import Visitor, words_of

DEPOSITS = {"url": "https://payments.stripe.com/microdeposit/x", "arrives_on": "2026-03-04"}


@pytest.mark.parametrize("language", ["en-CA", "fr-CA"])
def test_an_account_that_has_to_be_confirmed(visitor: Visitor, language: str) -> None:
    """The page says what is left to do, by when and where; and why, when it was never done."""
    gift = visitor.given(mode="card")
    page, session_id = f"/gifts/{gift.token}?lang={language}", f"cs_{gift.id}"
    waits = Fact(FactKind.ACCOUNT_TO_CONFIRM, session_id, NOW, "stripe", evidence=DEPOSITS)
    begun = Fact(FactKind.PAYMENT_PROCESSING, session_id, NOW, "stripe")
    failed = Fact(FactKind.PAYMENT_FAILED, session_id, NOW + timedelta(days=10), "stripe")
    with visitor.database.writing() as session:
        record_facts(session, [(gift.id, begun)], now=NOW)
    # A page that is open replaces itself when this changes.
    assert 'data-status="processing"' in visitor.get(page).text
    with visitor.database.writing() as session:
        record_facts(session, [(gift.id, waits)], now=NOW)
    told = visitor.get(page).text
    assert 'data-status="processing-to-confirm"' in told
    assert f'href="{DEPOSITS["url"]}"' in told
    english = language == "en-CA"
    headline = "still has to be confirmed" if english else "doit encore être confirmé"
    assert headline in words_of(told)
    assert ("March 4, 2026" if english else "4 mars 2026") in words_of(told)
    assert "nothing left to do" not in words_of(told)
    # Back from Stripe's page, too, nothing spins: the donor has to act.
    told = visitor.get(f"{page}&back=paid").text
    assert ("Status Account to confirm" if english else "Compte à confirmer") in words_of(told)
    assert "headline-wait" in told
    assert "headline-waiting" not in told
    assert "data-reloads" not in told
    assert f'"/give/{gift.code}?lang={language}">Give' not in told
    assert ("On its way" if english else "En route") not in words_of(told)
    with visitor.database.writing() as session:
        record_facts(session, [(gift.id, failed)], now=NOW)
    told = visitor.get(page).text
    assert DEPOSITS["url"] not in told
    assert ("not confirmed in time" if english else "confirmé à temps") in words_of(told)
    assert f"/gifts/{gift.token}/instead" in told
