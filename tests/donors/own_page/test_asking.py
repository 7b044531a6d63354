"""Whoever asks for a link learns nothing about who gives, not even from the time it takes."""

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import Engine, event

from donate.donors.own_page.asking import MOST_PER_NETWORK
from tests.donors.own_page.site import ANN, STRANGER, OwnPageSite
from tests.donors.visitor import error_at, value_of, words_of

ANSWER = "If we know this address, a link is on its way. You can use it once, within 20 minutes."
ROUNDS = 60


@contextmanager
def statements_on(engine: Engine) -> Iterator[list[str]]:
    seen: list[str] = []

    def record(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", record)
    yield seen
    event.remove(engine, "before_cursor_execute", record)


def outcomes(outcome: str) -> float:
    return REGISTRY.get_sample_value("donate_donor_links_total", {"outcome": outcome}) or 0


def test_the_answer_is_the_same(site: OwnPageSite) -> None:
    """A known and an unknown address get the same status, headers, page and database statements."""
    site.give(ANN)
    seen = []
    for email in (ANN, STRANGER):
        with statements_on(site.database.engine) as statements:
            answer = site.ask(email)
            page = site.get(answer.headers["location"])
        seen.append((answer.status_code, dict(answer.headers), page.text, statements))
    assert seen[0] == seen[1]
    assert ANSWER in words_of(seen[0][2])
    assert seen[0][3]


def medians(site: OwnPageSite) -> tuple[float, float, float]:
    """Return the median times for a known and an unknown address, and the noise, in seconds."""
    times: dict[str, list[float]] = {ANN: [], STRANGER: []}
    for number in range(ROUNDS):
        for email in (ANN, STRANGER) if number % 2 else (STRANGER, ANN):
            began = time.perf_counter()
            site.ask(email)
            times[email].append(time.perf_counter() - began)
        site.wait(minutes=11)  # a new window for the limit of the network
    known, unknown = (statistics.median(times[email]) for email in (ANN, STRANGER))
    spread = statistics.quantiles(times[STRANGER], n=4)[2] - unknown
    return known, unknown, max(spread, 0.1 * unknown)


@pytest.mark.alone
def test_the_time_is_the_same(sqlite_site: OwnPageSite) -> None:
    """The median times for a known and an unknown address differ by less than the noise."""
    sqlite_site.give(ANN)
    # On a busy machine one series may be disturbed, but hardly three.
    series = [medians(sqlite_site)]
    while len(series) < 3 and abs(series[-1][0] - series[-1][1]) > series[-1][2]:
        series.append(medians(sqlite_site))
    known, unknown, noise = series[-1]
    assert abs(known - unknown) <= noise, series


def test_an_unknown_address_is_forgotten(site: OwnPageSite) -> None:
    """The request of an unknown address causes no e-mail, and is deleted by the worker."""
    site.ask(STRANGER)
    assert [row["email"] for row in site.requests()] == [STRANGER]
    before = outcomes("unknown_address")
    site.send()
    assert (site.requests(), site.links(), site.carrier.messages) == ([], [], [])
    assert outcomes("unknown_address") == before + 1


def test_a_network_is_limited_with_the_same_answer(sqlite_site: OwnPageSite) -> None:
    """Beyond the limit of a network nothing is stored, and the answer is the same."""
    site, before = sqlite_site, outcomes("too_many_from_network")
    answers = {
        (answer.status_code, answer.headers["location"])
        for answer in (site.ask(f"d{n}@example.com") for n in range(MOST_PER_NETWORK + 5))
    }
    assert len(answers) == 1
    assert len(site.requests()) == MOST_PER_NETWORK
    assert outcomes("too_many_from_network") == before + 5
    site.wait(minutes=11)
    site.ask()
    assert len(site.requests()) == MOST_PER_NETWORK + 1


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "Please enter your e-mail address."),
        ("  ", "Please enter your e-mail address."),
        ("ann", "Please enter an e-mail address such as name@example.com."),
        ("a" * 300 + "@example.com", "Please enter an e-mail address such as name@example.com."),
        ("ann@example.com\x00", "Please enter an e-mail address such as name@example.com."),
        ("ann@example.com\r\nBcc: x@example.com", "Please enter an e-mail address such as"),
    ],
)
def test_a_wrong_address_gets_a_sentence(
    sqlite_site: OwnPageSite, typed: str, message: str
) -> None:
    """A text that is no address is refused with a sentence at the field, and nothing is stored."""
    answer = sqlite_site.ask(typed)
    assert answer.status_code == 422
    assert message in words_of(answer.text)
    assert sqlite_site.requests() == []


def test_what_was_typed_stays(sqlite_site: OwnPageSite) -> None:
    """A wrong address, and one that was typed before switching languages, stays in the field."""
    assert value_of(sqlite_site.ask("ann at example").text, "email") == "ann at example"
    switched = sqlite_site.ask(ANN, language_switch="fr-CA")
    assert value_of(switched.text, "email") == ANN
    assert "Recevoir un lien" in switched.text
    assert error_at(switched.text, "email") == ""
    assert sqlite_site.requests() == []


def test_another_site_cannot_ask(sqlite_site: OwnPageSite) -> None:
    """A form on another site sends no link, so it cannot use its visitors' networks."""
    headers = {"sec-fetch-site": "cross-site"}
    answer = sqlite_site.post("/my-gifts", {"email": ANN}, headers=headers)
    assert answer.status_code == 403
    assert "We haven’t sent anything yet" in answer.text
    assert sqlite_site.requests() == []


def test_a_form_that_cannot_be_read_is_an_empty_one(sqlite_site: OwnPageSite) -> None:
    """A malformed body gets the sentence for an empty field."""
    answer = sqlite_site.browser.post(
        "/my-gifts", content=b"\xff", headers={"content-type": "multipart/form-data"}
    )
    assert answer.status_code == 422
