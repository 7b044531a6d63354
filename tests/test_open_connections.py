"""Which open connection makes room for another, and how many files a process may open."""

import resource

import pytest

from donate.cli import main
from donate.errors import Misconfigured
from donate.web.limits import file_limit
from donate.web.limits.open_connections import OpenConnections, Phase

ANN, BEN, CHLOE = "192.0.2.1", "192.0.2.2", "2001:db8::1"
SAME_HOUSEHOLD = "2001:db8:0:00ff::2"


class Connection:
    def __init__(self) -> None:
        self.is_cut = False

    def cut(self) -> None:
        self.is_cut = True


def opened(connections: OpenConnections, address: str, phase: Phase = Phase.HEAD) -> Connection:
    connection = Connection()
    connections.open(connection, address)
    connections.move(connection, phase)
    return connection


def cut(*connections: Connection) -> list[int]:
    """Return the numbers of those that were closed to make room."""
    return [number for number, each in enumerate(connections) if each.is_cut]


def test_the_longest_waiting_makes_room() -> None:
    """When all connections are used, the one that has waited longest for a head is closed."""
    connections = OpenConnections(3)
    three = [opened(connections, address) for address in (ANN, BEN, CHLOE)]
    connections.move(three[0], Phase.ANSWER)
    connections.move(three[0], Phase.HEAD)  # it waits again, now as the last of the three
    opened(connections, BEN)
    assert cut(*three) == [1]
    opened(connections, BEN)
    assert cut(*three) == [1, 2]
    assert len(connections) == 3


def test_slow_bodies_and_readers_make_room_too() -> None:
    """A new connection never makes room for those that send no body or read no answer."""
    connections = OpenConnections(4)
    phases = (Phase.READER, Phase.ANSWER, Phase.BODY, Phase.HEAD)
    four = [opened(connections, ANN, phase) for phase in phases]
    for closed in ([0], [0, 2], [0, 2, 3]):
        new = opened(connections, BEN)
        assert (cut(*four), new.is_cut) == (closed, False)


def test_what_is_being_answered_is_never_closed() -> None:
    """If all connections are being answered, the new one is closed, and none of them."""
    connections = OpenConnections(2)
    two = [opened(connections, address, Phase.ANSWER) for address in (ANN, BEN)]
    late = opened(connections, CHLOE, Phase.ANSWER)
    assert (late.is_cut, cut(*two), len(connections)) == (True, [], 2)


def test_a_network_makes_room_for_itself() -> None:
    """A network with too many connections loses its own, and other networks none."""
    connections = OpenConnections(100, per_network=2)
    older = opened(connections, ANN)
    two = [opened(connections, CHLOE) for _ in range(2)]
    opened(connections, SAME_HOUSEHOLD)
    assert (cut(older, *two), len(connections)) == ([1], 3)
    connections.close(two[1])
    opened(connections, CHLOE)
    assert cut(older, *two) == [1]


def test_a_proxy_has_no_limit_of_its_own() -> None:
    """All clients of a proxy come from its address, so it may open all connections there are."""
    connections = OpenConnections(5, per_network=1, proxies=("10.0.0.0/8", "a-name"))
    five = [opened(connections, "10.1.2.3") for _ in range(5)]
    assert cut(*five) == []
    opened(connections, "10.1.2.3")
    assert cut(*five) == [0]


@pytest.mark.parametrize(
    ("files", "connections", "backlog"),
    [(512, 256, 128), (1_024, 512, 256), (8_192, 4_096, 2_048), (1 << 20, 4_096, 2_048)],
)
def test_connections_leave_files_for_the_rest(files: int, connections: int, backlog: int) -> None:
    """Connections, and those not yet accepted, leave a quarter of the files for everything else."""
    assert file_limit.connections_for(files) == connections
    assert file_limit.backlog_for(files) == backlog


def limits(soft: int, hard: int, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Pretend that the system has these limits; return a list of those that are set."""
    current = [(soft, hard)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: current[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, new: current.append(new))
    return current


@pytest.mark.parametrize(
    ("soft", "hard", "becomes"),
    [
        (256, 524_288, 8_192),
        (1_024, resource.RLIM_INFINITY, 8_192),
        (1_024, 4_096, 4_096),
        (20_000, 20_000, 20_000),
    ],
)
def test_the_limit_is_raised(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, becomes: int
) -> None:
    """At start the limit of open files is raised to what is needed, or to what is allowed."""
    current = limits(soft, hard, monkeypatch)
    assert file_limit.raise_file_limit() == becomes
    assert current[-1] == (becomes, hard)


def test_too_few_files_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the system allows less than needed, a sentence says so and how to change it."""
    limits(256, 8_192, monkeypatch)
    assert file_limit.too_few_files() is None
    limits(256, 8_191, monkeypatch)
    sentence = file_limit.too_few_files()
    assert sentence
    assert "allows 8191 open files" in sentence
    assert "allow 8192 (LimitNOFILE=" in sentence


def test_much_too_few_files_refuse_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """With fewer than 512 files the service does not start."""
    limits(100, 511, monkeypatch)
    with pytest.raises(Misconfigured, match="511 open files"):
        file_limit.raise_file_limit()
    limits(100, 512, monkeypatch)
    assert file_limit.raise_file_limit() == 512


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("command", ["doctor", "serve"])
def test_doctor_and_start_say_it(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`donate doctor` names the limit, and `donate serve` says why it does not start."""
    limits(400, 400, monkeypatch)
    assert main([command]) == 1
    printed = capsys.readouterr()
    assert "the system allows 400 open files" in printed.out + printed.err
