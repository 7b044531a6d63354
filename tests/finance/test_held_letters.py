"""What staff see and decide about e-mails that a daily limit holds back."""

from sqlmodel import col, select

from donate.finance.roles import Role
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter, LetterShare, LetterState, ShareLimit, new_letter
from donate.storage.bulk_writes import insert_new
from tests.finance.finance_site import FinanceSite, csrf

NETWORK = "203.0.113.77"


def put_held(site: FinanceSite, state: LetterState, network: str = NETWORK) -> int:
    gift, now = site.gift(f"form-{state}-{network}"), site.clock.now()
    row = new_letter(gift.id, LetterKind.INSTRUCTIONS, "", now=now) | {"state": state}
    with site.database.writing() as session:
        insert_new(session, Letter, [row])
        number = session.exec(select(Letter.id).where(Letter.gift_id == gift.id)).one()
        assert number is not None
        session.add(
            LetterShare(
                letter_id=number,
                mailbox_hash="0" * 64,
                network=network,
                held_by=ShareLimit.NETWORK,
            )
        )
    return number


def states(site: FinanceSite) -> list[str]:
    with site.database.reading() as session:
        return list(session.exec(select(Letter.state).order_by(col(Letter.id))))


def decide(site: FinanceSite, what: str, role: Role = Role.FINANCE, **more: str) -> int:
    browser = site.signed_in(role, f"{what}-{role}@example.org")
    data = {"csrf": csrf(browser), "held_by": "network", "network": NETWORK} | more
    return browser.post(f"/finance/letters/{what}", data=data).status_code


def test_staff_decide_about_held_letters(site_on_each: FinanceSite) -> None:
    """Staff see how many e-mails of which network are held back, and send them all."""
    site = site_on_each
    put_held(site, LetterState.WAITING)
    put_held(site, LetterState.SET_ASIDE)
    put_held(site, LetterState.SET_ASIDE, "198.51.100.1")
    viewer = site.signed_in(Role.VIEWER)
    assert "3 e-mails are held back" in viewer.get("/finance/gifts").text
    page = viewer.get("/finance/letters").text
    assert NETWORK in page
    assert "One network opened too many gifts" in page
    assert "Send now" not in page
    assert decide(site, "held-sent", Role.VIEWER) == 403
    assert decide(site, "held-sent") == 303
    assert states(site) == ["waiting", "waiting", "set_aside"]
    with site.database.reading() as session:
        taken = session.exec(select(LetterShare.taken_at).order_by(col(LetterShare.letter_id)))
        assert list(taken) == [site.clock.now(), site.clock.now(), None]
    act = site.acts()[-1]
    assert (act.act, act.about, act.detail) == ("held_letters_sent", NETWORK, {"letters": 2})


def test_staff_dismiss_held_letters(site_on_each: FinanceSite) -> None:
    """Staff dismiss all e-mails of one network, and are no longer told of them."""
    site = site_on_each
    put_held(site, LetterState.WAITING)
    put_held(site, LetterState.SET_ASIDE)
    assert decide(site, "held-dismissed") == 303
    assert states(site) == ["dismissed", "dismissed"]
    assert "held back" not in site.signed_in().get("/finance/gifts").text
    assert decide(site, "held-dismissed", Role.ADMIN) == 303
    assert [act.act for act in site.acts()].count("held_letters_dismissed") == 1


def test_an_unknown_limit_is_refused(site: FinanceSite) -> None:
    """A form that names no limit decides nothing."""
    number = put_held(site, LetterState.WAITING)
    assert decide(site, "held-sent", held_by="everything") == 422
    assert states(site) == ["waiting"]
    assert number


def test_sending_all_again_leaves_out_what_is_held(site: FinanceSite) -> None:
    """“Send them again” is for e-mails that failed; what a limit holds back stays as it is."""
    put_held(site, LetterState.SET_ASIDE)
    browser = site.signed_in()
    assert "could not be sent" not in browser.get("/finance/gifts").text
    browser.post("/finance/letters/again", data={"csrf": csrf(browser)})
    assert states(site) == ["set_aside"]


def test_a_single_decision_ends_the_holding(site: FinanceSite) -> None:
    """Staff dismiss one held e-mail on the page of its gift, and it is no longer counted."""
    number = put_held(site, LetterState.SET_ASIDE)
    browser = site.signed_in()
    with site.database.reading() as session:
        gift_id = session.get_one(Letter, number).gift_id
    data = {"csrf": csrf(browser), "letter": number}
    browser.post(f"/finance/gifts/{gift_id}/letter-dismissed", data=data)
    with site.database.reading() as session:
        assert session.get(LetterShare, number) is None
