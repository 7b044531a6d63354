"""The activity page: its sentences, its filters, its pages, and how little it reads."""

import ast
import re
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event as hook, insert
from sqlalchemy.engine import Connection

from donate.finance.activity.queries import SEARCHED
from donate.finance.activity.trail import record_act
from donate.finance.activity.words import ACTS, act_sentence
from donate.finance.models import StaffAct
from donate.finance.roles import Role
from donate.storage.bulk_writes import table_of
from tests.finance.finance_site import NOW, FinanceSite, csrf

ROOT = Path(__file__).parent.parent.parent
PAGE = "/finance/activity"
NUMBER = re.compile(r"about-(\d+)")


def put_acts(site: FinanceSite, count: int, **more: Any) -> None:
    """Record acts with the subjects about-0, about-1 and so on, two in each second."""
    values = {"staff_id": None, "act": "token_added", "address": "192.0.2.1", "detail": {}} | more
    rows = [
        values | {"about": f"about-{n}", "happened_at": NOW + timedelta(seconds=n // 2)}
        for n in range(count)
    ]
    with site.database.writing() as session:
        session.execute(insert(table_of(StaffAct)), rows)


def numbers(text: str) -> list[int]:
    return [int(number) for number in NUMBER.findall(text)]


def link_in(text: str, rel: str) -> str:
    """Return the link to the page of older (`next`) or newer (`prev`) entries; "" if none."""
    found = re.search(rf'rel="{rel}" href="([^"]+)"', text)
    return found[1].replace("&amp;", "&") if found else ""


def follow(browser: TestClient, path: str, rel: str) -> list[list[int]]:
    """Follow the links to older or newer pages, and return what each page shows."""
    pages = []
    while path:
        text = browser.get(path).text
        pages.append(numbers(text))
        path = link_in(text, rel)
    return pages


def test_a_transfer_is_told_in_a_sentence(site_on_each: FinanceSite) -> None:
    """The entry of a marked transfer has its amount and a link to its gift; refusals have a tab."""
    site = site_on_each
    gift = site.gift()
    browser = site.signed_in()
    form = {
        "csrf": csrf(browser),
        "amount": "50.00",
        "received_on": "2026-03-10",
        "bank_reference": "C1",
    }
    assert browser.post(f"/finance/gifts/{gift.id}/received", data=form).status_code == 303
    text = browser.get(PAGE).text
    link = f'<a href="/finance/gifts/{gift.id}">{gift.reference}</a>'
    assert f"Marked {link} as received: $50.00" in text
    viewer = site.signed_in(Role.VIEWER)
    assert viewer.get(PAGE).status_code == 403
    assert "the role doesn’t allow it" not in browser.get(PAGE).text
    refused = browser.get(f"{PAGE}?tab=refused").text
    assert f"GET {PAGE} was refused: the role doesn’t allow it" in refused
    assert "Marked" not in refused
    page = browser.get(f"/finance/gifts/{gift.id}").text
    assert f'href="{PAGE}?about={gift.reference}"' in page


def test_the_former_address_leads_on(site: FinanceSite) -> None:
    """The former URL of the activity page redirects permanently to the new URL."""
    answer = site.signed_in().get("/finance/trail")
    assert (answer.status_code, answer.headers["location"]) == (308, PAGE)


@pytest.mark.parametrize(
    ("act", "detail", "english", "french"),
    [
        (
            "refund_requested",
            {"amount_minor": 2_050, "currency": "CAD"},
            "Requested a refund for X: $20.50",
            "A demandé un remboursement pour X : 20,50 $",
        ),
        (
            "refund_requested",
            {},
            "Requested a refund for X",
            "A demandé un remboursement pour X",
        ),
        (
            "refused",
            {"why": "stale form"},
            "X was refused: the form was from an earlier session",
            "X a été refusé : le formulaire datait d’une session précédente",
        ),
        (
            "staff_added",
            {"role": "viewer"},
            "Added X as Viewer",
            "A ajouté X avec le rôle Consultation",
        ),
        ("event_tied", {"why": "%(no)s %"}, "Tied the Stripe event X to %(no)s %", None),
        ("bank_file_read", {"rows": 2}, "Bank file read: X", "Bank file read: X"),
        (
            "letter_again",
            {},
            "Sent the e-mail “—” for X again",
            "A renvoyé le courriel « — » pour X",
        ),
    ],
)
def test_acts_are_told_in_both_languages(
    act: str, detail: dict[str, Any], english: str, french: str | None
) -> None:
    """An act is shown as a sentence in English or French, or by its name if it has no sentence."""
    assert "X".join(act_sentence(act, detail, "en-CA")) == english
    if french:
        sentence = "X".join(act_sentence(act, detail, "fr-CA"))
        assert sentence.replace("\xa0", " ").replace("\u202f", " ") == french


def test_every_act_of_the_code_has_words() -> None:
    """Each act that the code records under a literal name has a sentence."""
    names = set()
    for file in (ROOT / "donate").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call) or len(node.args) < 2:
                continue
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            name = node.args[1]
            if called in {"record", "record_act"} and isinstance(name, ast.Constant):
                names.add(name.value)
    assert {"signed_in", "refund_requested"} < names
    assert names - ACTS.keys() == set()


def test_pages_are_walked_both_ways(site_on_each: FinanceSite) -> None:
    """The links to older and newer pages show every act once, in order, with the filters kept."""
    site = site_on_each
    put_acts(site, 120)
    browser = site.signed_in()
    start = f"{PAGE}?kind=token_added&who=0"
    older = follow(browser, start, "next")
    assert [len(page) for page in older] == [50, 50, 20]
    assert list(chain(*older)) == list(range(119, -1, -1))
    last = browser.get(start).text
    for _ in range(2):
        last = browser.get(link_in(last, "next")).text
    newer = link_in(last, "prev")
    back = follow(browser, newer, "prev")
    assert back[0] == older[1]
    assert back[-1] == older[0]


def test_filters_take_several_values(site_on_each: FinanceSite) -> None:
    """A filter may have several people and several acts, and also days, a subject or an address."""
    site = site_on_each
    ann, eve = site.add_staff("a@example.org"), site.add_staff("e@example.org")
    for number, (staff_id, act, address) in enumerate(
        [
            (ann, "signed_in", "192.0.2.1"),
            (ann, "signed_out", "192.0.2.2"),
            (eve, "signed_in", "192.0.2.2"),
            (eve, "password_set", "192.0.2.1"),
            (None, "password_set", ""),
        ]
    ):
        with site.database.writing() as session:
            record_act(
                session,
                act,
                now=NOW + timedelta(days=number),
                staff_id=staff_id,
                address=address,
                about=f"about-{number}",
            )
    browser = site.signed_in()
    for query, expected in {
        "": 5 + 3,  # adding each of the three accounts is an act, too
        f"who={ann}": 2,
        f"who={ann}&who={eve}": 4,
        "who=0": 1 + 3,
        f"who={ann}&who={eve}&kind=signed_in": 2,
        "kind=signed_in&kind=signed_out": 3,
        f"who={eve}&kind=signed_in&kind=password_set": 2,
        "about=about-3": 1,
        f"about=about-3&who={ann}": 0,
        "address=192.0.2.2": 2,
        f"address=192.0.2.2&who={eve}": 1,
        "address=192.0.2.2&kind=signed_in": 1,
        "from=2026-03-11&to=2026-03-12": 2,
        "to=2026-03-09": 0,
        "from=2999-12-31&to=2999-12-31": 0,
        "tab=refused": 0,
    }.items():
        text = browser.get(f"{PAGE}?{query}").text
        assert text.count('<td class="when">') == expected, query


def test_wrong_filters_are_named_and_kept(site: FinanceSite) -> None:
    """A wrong filter gets 422 and a sentence, and the form keeps what was typed and chosen."""
    browser = site.signed_in()
    for query, sentence in {
        "who=99": "Please choose from the list.",
        "kind=refused": "Please choose from the list.",
        "from=yesterday": "Please enter a date such as 2026-03-31.",
        "from=2026-03-02&to=2026-03-01": "This is before the first date.",
        "after=x": "This link is incomplete.",
        "before=1.x": "This link is incomplete.",
        "tab=x": "This link is incomplete.",
    }.items():
        answer = browser.get(f"{PAGE}?about=LWCAN&kind=signed_in&{query}")
        assert answer.status_code == 422, query
        assert sentence in answer.text, query
        assert 'value="LWCAN"' in answer.text
        assert 'value="signed_in" checked' in answer.text


def test_a_rare_combination_is_searched_in_steps(site_on_each: FinanceSite) -> None:
    """The page searches 2,000 entries at a time, and says back to when it has searched."""
    site = site_on_each
    put_acts(site, SEARCHED + 10, address="192.0.2.7")
    with site.database.writing() as session:
        record_act(session, "password_set", now=NOW - timedelta(days=1), address="192.0.2.7")
    browser = site.signed_in()
    text = browser.get(f"{PAGE}?address=192.0.2.7&who=0").text
    assert "Searched back" not in text
    with site.database.writing() as session:
        record_act(session, "password_set", now=NOW - timedelta(days=2), address="192.0.2.8")
    text = browser.get(f"{PAGE}?address=192.0.2.8&who=0").text
    assert "Searched back to" in text
    assert '<td class="when">' not in text
    further = re.findall(r'<a href="([^"]+)">Search further back', text)[0].replace("&amp;", "&")
    text = browser.get(further).text
    assert text.count('<td class="when">') == 1
    assert "Searched back to" not in text


def test_the_page_reads_along_indexes(site_on_each: FinanceSite) -> None:
    """With any filters, each query of acts uses an index, and sorts only what it has found."""
    site = site_on_each
    put_acts(site, 300)
    browser = site.signed_in()
    found: list[tuple[str, Any]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if re.search(r"FROM staff_act\b", statement) and statement.startswith("SELECT"):
            found.append((statement, parameters))

    hook.listen(Connection, "before_cursor_execute", note)
    try:
        for query in (
            *("", "who=0", "who=1&kind=signed_in", "kind=signed_in", "about=about-7"),
            *("address=192.0.2.1", "address=192.0.2.1&who=0", "from=2026-03-01", "tab=refused"),
            *("tab=refused&who=0", "after=1773154800000000.7", "before=1773154800000000.7&who=0"),
        ):
            assert browser.get(f"{PAGE}?{query}").status_code == 200
    finally:
        hook.remove(Connection, "before_cursor_execute", note)
    listed = [one for one in found if "ORDER BY" in one[0]]
    assert len(listed) > 12
    on_sqlite = site.database.is_sqlite
    with site.database.reading() as session:
        connection = session.connection()
        if not on_sqlite:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            connection.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
            connection.exec_driver_sql("SET LOCAL enable_sort = off")
        for statement, parameters in listed:
            explain = "EXPLAIN QUERY PLAN" if on_sqlite else "EXPLAIN"
            rows = connection.exec_driver_sql(f"{explain} {statement}", parameters)
            plan = "\n".join(str(row[-1]) for row in rows)
            assert "staff_act_" in plan, (statement, plan)
            assert "Seq Scan" not in plan, plan
            if "anon_1" not in statement:
                assert not re.search("TEMP B-TREE|Sort", plan), (statement, plan)
