"""What donors and programs meet while strangers attack, over HTTP."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from donate.breaker.challenge import WAIT_S
from donate.breaker.models import SwitchPosition
from donate.breaker.switch import set_switch
from donate.errors import ChallengeNeeded
from donate.finance.roles import Role
from donate.finance.staff.accounts import add_staff
from donate.finance.staff.tokens import add_token
from tests.breaker.attacked_site import FORM, GIFT, AttackedSite, hidden, needed_by
from tests.breaker.attempts import NOW, work_for
from tests.keys import key_of
from tests.real_parts import Sqlite


@pytest.fixture
def site(sqlite: Sqlite) -> Iterator[AttackedSite]:
    site = AttackedSite(sqlite.fresh_url())
    yield site
    site.database.close()


def test_a_donor_passes_with_a_script(site: AttackedSite) -> None:
    """The page of a challenge keeps the form; with the work done, it leads on at once."""
    site.attack()
    page = site.give()
    assert page.status_code == 200
    assert "One more step" in page.text
    assert hidden(page).items() >= FORM.items()
    proof = work_for(needed_by(page))
    answer = site.visitor().post("/give/LWCAN", data=hidden(page) | {"proof": proof})
    assert answer.headers["location"].startswith("/gifts/")
    assert site.gifts() == 1


def test_a_donor_passes_by_waiting(site: AttackedSite) -> None:
    """Without a script, the donor presses Continue after the wait; too early loses nothing."""
    site.attack()
    form = hidden(site.give())
    site.clock.instant += timedelta(seconds=WAIT_S - 5)
    early = site.visitor().post("/give/LWCAN", data=form)
    assert "Please wait 5 seconds, then press “Continue”." in early.text
    assert hidden(early) == form
    site.clock.instant += timedelta(seconds=5)
    assert site.visitor().post("/give/LWCAN", data=form).status_code == 303


def test_the_page_of_a_challenge_speaks_french(site: AttackedSite) -> None:
    """A French form leads to a French challenge."""
    site.attack()
    page = site.give(lang="fr-CA")
    assert '<html lang="fr-CA">' in page.text
    assert "Encore une étape" in page.text


@pytest.mark.parametrize("how", ["network", "form", "used", "late", "forged", "no work"])
def test_a_proof_passes_only_what_it_was_made_for(site: AttackedSite, how: str) -> None:
    """A proof belongs to one network and form; it works once and not for ever."""
    site.attack()
    form = hidden(page := site.give())
    form["proof"] = proof = work_for(needed_by(page))
    address = "203.0.113.5"
    match how:
        case "network":
            address = "203.0.113.6"
        case "form":
            form["nonce"] = "another-nonce-entirely"
        case "used":
            site.visitor().post("/give/LWCAN", data=form)
            form["preset"] = "5000"
        case "late":
            site.clock.instant += timedelta(minutes=9, seconds=1)
        case "forged":
            form["proof"] = proof.replace(".", "0.", 1)
        case "no work":
            form["proof"] = f"{proof.partition(':')[0]}:1"
    before = site.gifts()
    answer = site.visitor(address).post("/give/LWCAN", data=form)
    assert answer.status_code == (429 if how == "used" else 200)
    assert site.gifts() == before


def test_every_refusal_reads_the_same(site: AttackedSite) -> None:
    """A network that tried too often, a used proof and paused cards get the same answer."""
    full = [site.give(email=f"{n}@example.org") for n in range(13)][-1]
    with site.database.writing() as session:
        set_switch(session, SwitchPosition.PAUSE, "shell", now=NOW)
    paused = site.give("192.0.2.1")
    assert full.status_code == paused.status_code == 429
    assert full.headers["retry-after"] == paused.headers["retry-after"] == "600"
    assert "choose another payment method" in paused.text
    assert "Ann Lee &amp; Sons" in paused.text
    texts = [re.sub(r'value="[^"]*"', "", page.text) for page in (full, paused)]
    assert texts[0] == texts[1]
    programs = [site.give_by_program().json(), site.give_by_program("192.0.2.2").json()]
    assert programs[0] == programs[1]
    assert programs[0]["code"] == "too_many_attempts"
    assert site.give("192.0.2.1", mode="interac").status_code == 303


def test_a_program_passes_a_challenge(site: AttackedSite) -> None:
    """A program gets the challenge as a problem document, and sends its proof in a header."""
    site.attack()
    refused = site.give_by_program()
    body = refused.json()
    assert (refused.status_code, body["code"]) == (403, "challenge_needed")
    assert refused.headers["retry-after"] == str(WAIT_S)
    key = {"Idempotency-Key": key_of("this gift")}
    challenge = site.visitor().post("/api/v1/gifts", json=GIFT, headers=key).json()["challenge"]
    proof = work_for(ChallengeNeeded(**challenge))
    other = site.give_by_program(**{"Donate-Proof": proof})
    assert other.status_code == 403
    sent = key | {"Donate-Proof": proof}
    assert site.visitor().post("/api/v1/gifts", json=GIFT, headers=sent).status_code == 503
    assert site.gifts() == 1


def test_a_program_with_a_staff_token_needs_no_proof(site: AttackedSite) -> None:
    """A program with a staff token is not challenged, and with a wrong token it is."""
    site.attack()
    with site.database.writing() as session:
        staff = add_staff(
            session,
            "zoe@example.org",
            name="Zoe",
            role=Role.FINANCE,
            password="seven calm herons",
            now=NOW,
        )
        assert staff.id is not None
        token = add_token(session, "zoe@example.org", now=NOW)
    assert site.give_by_program(Authorization="Bearer wrong").status_code == 403
    assert site.give_by_program(Authorization=f"Bearer {token}").status_code == 503
    assert site.gifts() == 1


def test_paying_again_is_limited_too(site: AttackedSite) -> None:
    """Each try to pay a gift again counts, because each may open a session at Stripe."""
    path = site.give().headers["location"].partition("?")[0]
    again = f"{path}/checkout"
    answers = [site.visitor().post(again) for _ in range(4)]
    # One mailbox has a sixth of a network's limit, which is 12 here; then there is a challenge.
    assert [answer.status_code for answer in answers] == [303, 200, 200, 200]
    assert "challenge" in answers[-1].text
    page = site.visitor("192.0.2.9").post(again)
    assert f'action="{again}?lang=en-CA"' in page.text
    form = {"proof": work_for(needed_by(page))}
    assert site.visitor("192.0.2.9").post(again, data=form).status_code == 303
