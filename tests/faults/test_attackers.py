"""A small attack over HTTP; `make prove` sends ten thousand attempts from each kind of network."""

from pathlib import Path

from tests.faults.attackers import attackers


def test_strangers_use_up_nothing_of_others(tmp_path: Path) -> None:
    """From 1,000 networks or from one, strangers open few sessions, and an honest donor gives."""
    with attackers(tmp_path) as crowd:
        one = crowd.measure("one address", 70, "192.0.2.1")
        many = crowd.measure("1,000 networks", 110, "192.0.2.2")
    assert one.answers == {201: 60, 429: 10}
    assert (one.honest_steps, one.interac) == (1, 201)
    assert many.answers[201] + one.answers[201] < 150
    assert many.answers[403] > 20
    assert (many.honest_steps, many.interac) == (2, 201)
