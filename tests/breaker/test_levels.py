"""The states of the breaker: calm, challenged, card gifts paused, and calm again by itself."""

from collections import Counter
from datetime import timedelta

import pytest
from sqlmodel import Session, func, select

from donate.breaker import attack_log
from donate.breaker.counters import add_counts
from donate.breaker.levels import Pressure, level_of, pressure_name
from donate.breaker.models import AttemptCount, Lane, Level, SwitchPosition
from donate.breaker.switch import set_switch
from donate.breaker.turned_away import AttemptOutcome
from donate.regions.modes import Mode
from tests.breaker.attempts import Crowd, address_in, work_for

HONEST = "192.0.2.50"


def attack(crowd: Crowd, networks: int = 70, mode: Mode = Mode.CARD, first: int = 0) -> None:
    """Let each of many networks try once."""
    for number in range(first, first + networks):
        crowd.attempt(address_in(number), mode)
    crowd.watch.watch_due()


def heard(crowd: Crowd, part: str, how_many: int) -> None:
    """Let Stripe say that so many cards were declined or paid."""
    with crowd.database.writing() as session:
        names = [pressure_name(Lane.STRIPE, part, code) for code in ("", "LWCAN")]
        add_counts(session, dict.fromkeys(names, how_many), crowd.clock.now())


@pytest.mark.parametrize(
    ("pressure", "level"),
    [
        (Pressure(opened=99), Level.CALM),
        (Pressure(opened=100), Level.CHALLENGED),
        (Pressure(opened=900, paid=801), Level.CALM),
        (Pressure(opened=299), Level.CHALLENGED),
        (Pressure(opened=300), Level.PAUSED),
        (Pressure(declined=9), Level.CALM),
        (Pressure(declined=10), Level.CHALLENGED),
        (Pressure(declined=60, paid=51), Level.CALM),
        (Pressure(declined=39), Level.CHALLENGED),
        (Pressure(declined=40), Level.PAUSED),
        (Pressure(asked=29), Level.CALM),
        (Pressure(asked=30), Level.CHALLENGED),
        (Pressure(refused=10_000), Level.CALM),
    ],
)
def test_the_level_follows_from_the_counts(pressure: Pressure, level: Level) -> None:
    """Unpaid gifts, declines and challenged networks raise the level, each at its number."""
    assert level_of(Lane.STRIPE, pressure, 100) is level
    assert level_of(Lane.OTHER, pressure, 100) is min(level, Level.CHALLENGED)


def test_a_network_without_history_is_challenged_and_gives(crowd: Crowd) -> None:
    """While a hundred networks attack, they open few gifts, and an honest one needs two steps."""
    attack(crowd, 100)
    assert crowd.answers == {"opened": 26, "challenged": 74}
    assert crowd.level() is Level.CALM  # 26 is the share of one code; other codes stay calm
    assert crowd.give_honestly(HONEST) == 2
    assert crowd.attempt(HONEST, code="LWUSA") == "opened"
    assert crowd.attempt(HONEST, Mode.INTERAC) == "opened"


def test_an_attack_over_all_codes_challenges_all(crowd_on_sqlite: Crowd) -> None:
    """Over several giving codes, the limit for all holds, and everybody is challenged."""
    crowd = crowd_on_sqlite
    for number in range(60):
        crowd.attempt(address_in(number), code=("LWCAN", "LWUSA")[number % 2])
    assert crowd.answers == {"opened": 40, "challenged": 20}
    assert crowd.level() is Level.CHALLENGED


def test_the_challenge_stays_while_networks_attack(crowd_on_sqlite: Crowd) -> None:
    """An attack that goes on for half an hour opens no more gifts than in its first minute."""
    crowd = crowd_on_sqlite
    for _ in range(30):
        attack(crowd, 30)
        crowd.wait(minutes=1)
    assert crowd.answers["opened"] == 26
    assert crowd.give_honestly(HONEST) == 2


def test_one_network_cannot_keep_everybody_challenged(crowd_on_sqlite: Crowd) -> None:
    """When only one network goes on, everybody else is at ease after eleven minutes."""
    crowd = crowd_on_sqlite
    attack(crowd)
    for _ in range(12):
        for _ in range(5):
            crowd.attempt("203.0.113.7")
        crowd.wait(minutes=1)
    assert crowd.give_honestly(HONEST) == 1


def test_a_network_without_a_row_cannot_keep_everybody_challenged(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network that came when the log of the attack was full counts once a minute too."""
    monkeypatch.setattr(attack_log, "MOST_NETWORKS", 20)
    attack(crowd)
    for _ in range(12):
        for _ in range(5):
            crowd.attempt("203.0.113.7")
            crowd.watch.watch_due()
        crowd.wait(minutes=1)
    assert crowd.give_honestly(HONEST) == 1


def test_networks_without_a_row_count_as_one(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    """In each minute, a challenged network counts once, and all networks without a row as one."""
    monkeypatch.setattr(attack_log, "MOST_NETWORKS", 20)
    tries = {address_in(number): Counter({AttemptOutcome.ASKED: 3}) for number in range(30)}
    now, counted = crowd.clock.now(), []
    for at in (now, now, now + timedelta(minutes=1)):
        with crowd.database.writing() as session:
            attack = attack_log.begin_attack(session, Lane.STRIPE, now=now)
            counted.append(attack_log.note_networks(session, attack, tries, now=at))
    assert counted == [21, 0, 21]


def test_declines_pause_cards_and_nothing_else(crowd: Crowd) -> None:
    """Many declines challenge, more pause card gifts; Interac stays open throughout."""
    heard(crowd, "declined", 10)
    assert crowd.give_honestly(HONEST) == 2
    heard(crowd, "declined", 30)
    assert crowd.level() is Level.PAUSED
    assert crowd.attempt(HONEST) == "refused"
    assert crowd.attempt(HONEST, Mode.BANK_DEBIT) == "refused"
    assert crowd.attempt(HONEST, Mode.INTERAC) == "opened"


def test_it_is_calm_again_within_fifteen_minutes(crowd: Crowd) -> None:
    """Eleven minutes after the last attempt and decline, nobody is challenged any more."""
    attack(crowd)
    heard(crowd, "declined", 1_000)
    assert crowd.level() is Level.PAUSED
    crowd.wait(minutes=9)
    assert crowd.level() is Level.PAUSED
    crowd.wait(minutes=2)
    assert crowd.level() is Level.CALM
    assert crowd.give_honestly(HONEST) == 1


def test_an_honest_crowd_is_not_an_attack(crowd_on_sqlite: Crowd) -> None:
    """When a radio asks for gifts, many cards are paid and some declined, and it stays calm."""
    crowd = crowd_on_sqlite
    for number in range(0, 100, 10):
        attack(crowd, 10, first=number)
        heard(crowd, "paid", 9)
        heard(crowd, "declined", 2)
    assert crowd.answers == {"opened": 100}


def test_a_flood_of_transfers_is_challenged_apart(crowd: Crowd) -> None:
    """A flood of Interac gifts challenges these, never refuses a new network, and leaves cards."""
    attack(crowd, 100, Mode.INTERAC)
    assert crowd.answers == {"opened": 53, "challenged": 47}
    assert crowd.give_honestly(HONEST, Mode.INTERAC) == 2
    assert crowd.attempt(HONEST) == "opened"


def test_testers_who_pass_the_challenge_are_paused(crowd_on_sqlite: Crowd) -> None:
    """Bots that do the work of each challenge open three times the limit, and then nothing."""
    crowd = crowd_on_sqlite
    heard(crowd, "declined", 10)
    for number in range(150):
        form = f"form of {number}"
        if crowd.attempt(address_in(number), form=form) == "challenged":
            assert crowd.needed
            crowd.attempt(address_in(number), form=form, proof=work_for(crowd.needed))
        if crowd.answers["opened"] >= 3 * 40:
            break
    assert crowd.level() is Level.PAUSED
    assert crowd.attempt(HONEST) == "refused"


@pytest.mark.parametrize(
    ("position", "card", "interac"),
    [
        (SwitchPosition.PAUSE, "refused", "opened"),
        (SwitchPosition.CALM, "opened", "opened"),
        (SwitchPosition.AUTOMATIC, "challenged", "opened"),
    ],
)
def test_the_switch_holds_the_breaker(
    crowd: Crowd, position: SwitchPosition, card: str, interac: str
) -> None:
    """The newest setting of the switch decides, whatever the counts say."""
    heard(crowd, "declined", 20)
    with crowd.database.writing() as session:
        for each in (SwitchPosition.PAUSE, SwitchPosition.CALM, position):
            set_switch(session, each, "shell", now=crowd.clock.now())
    assert crowd.attempt(HONEST) == card
    assert crowd.attempt(HONEST, Mode.INTERAC) == interac


def test_old_counts_are_deleted(crowd: Crowd) -> None:
    """A quarter of an hour after an attack only what counts for an hour is left, then nothing."""
    attack(crowd)
    assert rows(crowd) > 70
    crowd.wait(minutes=17)
    assert rows(crowd) == crowd.answers["opened"]
    crowd.wait(minutes=50)
    assert rows(crowd) == 0


def rows(crowd: Crowd) -> int:
    session: Session
    with crowd.database.reading() as session:
        return session.exec(select(func.count()).select_from(AttemptCount)).one()
