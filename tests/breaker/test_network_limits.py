"""What belongs to one network limits that network only, in a window that slides."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from donate.breaker.levels import FORM_MOST
from donate.breaker.models import Level
from donate.regions.modes import Mode
from donate.storage.database import Database
from donate.web.limits.networks import networks_of
from tests.breaker.attempts import CARDS, Crowd, address_in, work_for

BOT, HONEST = "203.0.113.7", "198.51.100.20"


@pytest.mark.parametrize(
    ("address", "networks"),
    [
        ("203.0.113.7", ["203.0.113.7"]),
        ("::ffff:203.0.113.7", ["203.0.113.7"]),
        (
            "2001:db8:1:2ff:3::4",
            ["2001:db8:1:2ff::/64", "2001:db8:1:200::/56", "2001:db8:1::/48"],
        ),
        ("fe80::1%eth0", ["fe80::/64", "fe80::/56", "fe80::/48"]),
        ("no address", ["no address"]),
        ("", ["unknown"]),
    ],
)
def test_an_address_belongs_to_networks(address: str, networks: list[str]) -> None:
    """An IPv4 address is one network; an IPv6 address belongs to a /64, a /56 and a /48."""
    assert networks_of(address) == networks


def test_a_network_is_refused_above_its_limit(crowd: Crowd) -> None:
    """A network opens as many card gifts as its limit, and no other network notices."""
    for _ in range(100):
        crowd.attempt(BOT)
    assert crowd.answers == {"opened": 12, "refused": 88}
    assert crowd.attempt(HONEST) == "opened"
    assert crowd.attempt(BOT, Mode.INTERAC) == "opened"
    assert crowd.level() is Level.CALM


@pytest.mark.parametrize("second", [0, 1, 30, 59])
def test_ten_minutes_never_hold_more_than_the_limit(crowd_on_sqlite: Crowd, second: int) -> None:
    """However attempts fall around the edge of a minute, no ten minutes have more than twelve."""
    crowd, opened = crowd_on_sqlite, []
    crowd.wait(seconds=second)
    for _ in range(50):
        answers = [crowd.attempt(BOT, trusted=True) for _ in range(2)]
        opened += [crowd.clock.instant] * answers.count("opened")
        crowd.clock.instant += timedelta(seconds=33)
    assert len(opened) > 2 * 12
    for first in opened:
        within = [at for at in opened if 0 <= (at - first).total_seconds() < 600]
        assert len(within) <= 12


def test_a_full_network_is_free_minute_by_minute(crowd_on_sqlite: Crowd) -> None:
    """What a network opened is forgotten after ten to eleven minutes, and not before."""
    crowd = crowd_on_sqlite
    for _ in range(5):
        crowd.attempt(BOT, trusted=True)
    crowd.wait(minutes=5)
    assert [crowd.attempt(BOT, trusted=True) for _ in range(10)].count("opened") == 7
    crowd.wait(minutes=5, seconds=59)
    assert crowd.attempt(BOT, trusted=True) == "refused"
    crowd.wait(seconds=1)
    assert [crowd.attempt(BOT, trusted=True) for _ in range(10)].count("opened") == 5


@pytest.mark.parametrize("addresses", ["203.0.113.7", "2001:db8:0:{0:x}::1"])
def test_a_network_that_goes_on_is_challenged_for_an_hour(
    crowd_on_sqlite: Crowd, addresses: str
) -> None:
    """After the gifts of ten minutes, each further one of an hour is challenged, and none lost."""
    crowd = crowd_on_sqlite
    for number in range(12):
        assert crowd.attempt(addresses.format(256 * number)) == "opened"
    crowd.wait(minutes=11)
    bot = addresses.format(7)
    assert [crowd.attempt(bot) for _ in range(12)] == ["challenged"] * 12
    assert crowd.give_honestly(bot) == 2
    assert crowd.attempt(bot, Mode.INTERAC) == "opened"
    assert crowd.attempt(HONEST) == "opened"
    crowd.wait(minutes=50)
    assert crowd.attempt(bot) == "opened"


def test_staff_see_a_network_that_is_only_challenged(crowd_on_sqlite: Crowd) -> None:
    """A bot that passes no challenge is logged as an attack, and the log ends after it."""
    crowd = crowd_on_sqlite
    for _ in range(12):
        crowd.attempt(BOT)
    crowd.wait(minutes=11)
    for _ in range(99):
        crowd.attempt(BOT)
    crowd.watch.watch_due()
    assert crowd.log() == []
    crowd.attempt(BOT)
    crowd.watch.watch_due()
    (logged,) = crowd.log()
    assert (logged.attack.ended_at, logged.networks[0].network) == (None, BOT)
    crowd.wait(minutes=11)
    (logged,) = crowd.log()
    assert logged.attack.ended_at is not None


@pytest.mark.parametrize(
    ("pattern", "most"),
    [
        ("2001:db8::{0:x}", CARDS.per_network),
        ("2001:db8:0:{0:x}::1", CARDS.per_network),
        ("2001:db8:0:{1:x}::1", 2 * CARDS.per_network),
    ],
)
def test_new_addresses_of_one_network_do_not_help(
    crowd_on_sqlite: Crowd, pattern: str, most: int
) -> None:
    """A /64 and a /56 have the limit of a network, a /48 twice that; it stays calm for others."""
    crowd = crowd_on_sqlite
    for number in range(60):
        crowd.attempt(pattern.format(number, number * 256), trusted=True)
    assert crowd.answers["opened"] == most
    assert crowd.level() is Level.CALM
    assert crowd.attempt("2001:db8:9::1") == "opened"


def test_one_form_opens_few_gifts(crowd_on_sqlite: Crowd) -> None:
    """One form opens ten gifts within ten minutes, from however many networks it is sent."""
    crowd = crowd_on_sqlite
    answers = [crowd.attempt(address_in(n), form="one form") for n in range(FORM_MOST + 5)]
    assert answers == ["opened"] * FORM_MOST + ["refused"] * 5


@pytest.mark.parametrize(
    "spelling", ["john@gmail.com", "JO.hn+{}@gmail.com", "j.o.h.n+{}@googlemail.com"]
)
def test_one_mailbox_is_challenged_however_it_is_spelled(
    crowd_on_sqlite: Crowd, spelling: str
) -> None:
    """A mailbox has a sixth of a network's limit; then each is challenged, and none refused."""
    crowd = crowd_on_sqlite
    answers = [crowd.attempt(address_in(n), email=spelling.format(n)) for n in range(5)]
    assert answers == ["opened"] * 2 + ["challenged"] * 3
    assert crowd.attempt(HONEST) == "opened"


def test_who_gives_often_from_home_gets_through(crowd: Crowd) -> None:
    """While it is calm, a network keeps its whole limit after its donor passed a challenge."""
    answers = [crowd.attempt(HONEST, email="ann@example.org") for _ in range(2)]
    assert answers == ["opened"] * 2
    for number in range(10):
        form = f"again {number}"
        assert crowd.attempt(HONEST, email="ann@example.org", form=form) == "challenged"
        assert crowd.needed is not None
        proof = work_for(crowd.needed)
        opened = crowd.attempt(HONEST, email="ann@example.org", form=form, proof=proof)
        assert opened == "opened"
    assert crowd.attempt(HONEST, email="ann@example.org") == "refused"


def test_a_restart_keeps_the_counts(database: Database) -> None:
    """A new process of the service counts on from what the old one counted."""
    before = Crowd(database)
    for _ in range(12):
        before.attempt(BOT)
    assert Crowd(database).attempt(BOT) == "refused"


def test_processes_share_the_counts(database: Database) -> None:
    """Two processes that count at the same time open no more than the limit together."""
    url = database.engine.url.render_as_string(hide_password=False)
    processes = [Crowd(Database(url)), Crowd(Database(url))]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: processes[n % 2].attempt(BOT), range(40)))
    assert answers.count("opened") == 12
    for process in processes:
        process.database.close()
