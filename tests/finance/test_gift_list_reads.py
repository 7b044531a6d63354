"""The list of gifts reads few gifts, by an index, and takes its sums from day totals only."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import event as hook

from donate.finance.gifts.list_pages import PAGE_SIZE
from donate.gifts.listing.queries import MOST_READ
from donate.storage.database import Database
from tests.finance.finance_site import NOW, FinanceSite, open_site, put_gift, rows
from tests.finance.money_samples import TWO_REGIONS, sample_money
from tests.gifts.many_gifts import fill_with_gifts

SORTS = ("started", "received", "amount", "status", "reference")
FILTERS = (
    "",
    "status=confirmed",
    "status=disputed&status=charged_back",
    "mode=giving_code",
    "mode=card&language=en-CA&frequency=once",
    "code=LWJPN",
    "fund=roof",
    "fund=-&currency=CAD",
    "flag=returned_more_than_received",
    "flag=amount_differs&frequency=monthly",
    "announced=yes",
    "flag=paid_more_than_once&flag=returned_more_than_received",
    "currency=CAD&amount_from=33&amount_to=34",
    "from=2024-01-01&to=2025-06-01",
    "by=received&from=2025-01-01&to=2025-12-31",
    "by=moved&from=2025-05-01&to=2025-05-02",
    "by=moved&from=2024-01-01&to=2025-12-31&mode=card",
)
# A regular expression for a step of a query plan that reads a whole table.
_WHOLE = re.compile(
    r"SCAN (gift|gift_movement|donor)\b(?! USING)|Seq Scan on (gift_movement|donor)"
)


@pytest.fixture
def crowded_site(database: Database) -> FinanceSite:
    fill_with_gifts(database, 3 * MOST_READ)
    return open_site(database, regions=TWO_REGIONS)


def test_every_page_of_gifts_is_read_along_an_index(crowded_site: FinanceSite) -> None:
    """Whatever the filter, order and direction, a statement reads a limited number of gifts."""
    database = crowded_site.database
    statements: dict[str, object] = {}

    def note(_c: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        statements[statement] = parameters

    browser = crowded_site.signed_in()
    hook.listen(database.engine, "before_cursor_execute", note)
    for number, chosen in enumerate(FILTERS):
        for sort in (SORTS[number % 5], SORTS[(number + 2) % 5]):
            page = browser.get(f"/finance/gifts?{chosen}&sort={sort}")
            assert page.status_code == 200
            for rel in ("next", "prev"):
                link = re.search(rf'rel="{rel}" href="([^"]+)"', page.text)
                if link:
                    page = browser.get(link[1].replace("&amp;", "&"))
    hook.remove(database.engine, "before_cursor_execute", note)
    assert len(statements) > 50
    assert all("day_total" in s for s in statements if "sum(" in s.lower())
    about_gifts = {s: p for s, p in statements.items() if re.search(r"FROM gift(_movement)?\s", s)}
    read = [(s, most_rows(database, s, p)) for s, p in about_gifts.items()]
    assert [(s, most) for s, most in read if most > 2 * MOST_READ] == []


def most_rows(database: Database, statement: str, parameters: object) -> int:
    """Return the most rows that a step of the plan reads; on SQLite, 0 if no step is unbounded."""
    explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN (ANALYZE, TIMING OFF)"
    with database.reading() as session:
        if not database.is_sqlite:
            # PostgreSQL reads a table of so few gifts as a whole unless that is forbidden. This
            # test thus shows that each statement has a bounded plan, but not that PostgreSQL
            # chooses it if there are many gifts.
            for way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin"):
                session.connection().exec_driver_sql(f"SET LOCAL enable_{way} = off")
        plan = session.connection().exec_driver_sql(
            f"{explain} {statement}",
            parameters,  # type: ignore[arg-type]
        )
        steps = [str(row[-1]) for row in plan]
    if database.is_sqlite:
        unbounded = [step for step in steps if _WHOLE.search(step)]
        sorts_much = any("TEMP B-TREE" in step for step in steps) and not any(
            "CO-ROUTINE" in step or "LIST SUBQUERY" in step for step in steps
        )
        return 10 * MOST_READ if unbounded or sorts_much else 0
    removed = [int(n) for step in steps for n in re.findall(r"Removed by Filter: (\d+)", step)]
    returned = [int(float(n)) for step in steps for n in re.findall(r"actual rows=([\d.]+)", step)]
    return max(removed + returned)


def test_sums_are_of_everything_that_matches(database: Database) -> None:
    """Sums above the list cover all gifts that match or, with `by=moved`, the money in and out."""
    sample_money(database)
    browser = open_site(database, regions=TWO_REGIONS).signed_in()

    def sums(query: str) -> list[str]:
        return re.findall(r"<dd>([^<]+)</dd>", browser.get(f"/finance/gifts?{query}").text)

    assert sums("from=2026-03-01&code=LWCAN") == ["3", "$223.45"]
    assert sums("from=2026-03-01&mode=card&currency=CAD") == ["1", "$50.00"]
    assert sums("by=moved&from=2026-03-01&to=2026-03-31&currency=CAD") == [
        *("$173.45", "$20.00", "$153.45")
    ]
    assert sums("by=moved&from=2026-03-01&to=2026-03-31&fund=roof") == [
        *("$123.45", "$0.00", "$123.45")
    ]
    page = browser.get("/finance/gifts?from=2026-03-01&flag=amount_differs").text
    assert sums("from=2026-03-01&flag=amount_differs") == []
    assert "There are no sums for this filter here." in page
    assert 'href="/finance/gifts.control.json?flag=amount_differs&amp;from=2026-03-01"' in page
    for no_sums in ("mode=card", "from=2020-01-01&to=2026-03-31", "by=received&from=2026-03-01"):
        assert sums(no_sums) == []


def test_an_amount_needs_one_currency(database: Database) -> None:
    """If regions have several currencies, a filter by amount needs a chosen currency."""
    sample_money(database)
    browser = open_site(database, regions=TWO_REGIONS).signed_in()
    page = browser.get("/finance/gifts?amount_from=50")
    assert page.status_code == 422
    assert "Please choose one currency for this amount." in page.text
    assert 'value="50"' in page.text
    page = browser.get("/finance/gifts?amount_from=7000&currency=JPY")
    assert re.findall(r">(LW\w{3}-\w{7})</a>", page.text)[0].startswith("LWJPN")
    assert browser.get("/finance/gifts?amount_from=70.00&currency=JPY").status_code == 422


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("sort", SORTS)
def test_links_lead_through_all_pages_and_back(database: Database, sort: str, order: str) -> None:
    """In each order, the links lead through all pages and back, and keep the filter."""
    with database.writing() as session:
        for i in range(120):
            put_gift(session, f"g{i}", now=NOW - timedelta(seconds=i // 7), amount_minor=5_000)
    browser = open_site(database).signed_in()
    first = browser.get(f"/finance/gifts?mode=interac&sort={sort}&order={order}")
    pages = [first]
    while link := re.search(r'rel="next" href="([^"]+)"', pages[-1].text):
        assert "mode=interac" in link[1]
        pages.append(browser.get(link[1].replace("&amp;", "&")))
    assert [len(rows(page)) for page in pages] == [50, 50, 20]
    assert len({reference for page in pages for reference in rows(page)}) == 120
    back = [pages[-1]]
    while link := re.search(r'rel="prev" href="([^"]+)"', back[-1].text):
        back.append(browser.get(link[1].replace("&amp;", "&")))
    assert [rows(page) for page in back] == [rows(page) for page in reversed(pages)]


def test_columns_and_rows_are_in_the_address(site: FinanceSite) -> None:
    """The URL says which columns the list has, and whether its rows are compact."""
    site.gift(received_minor=5_000)
    browser = site.signed_in()
    page = browser.get("/finance/gifts?column=donor&column=language&rows=compact").text
    heads = re.findall(r'<th scope="col"[^>]*>\s*(?:<a [^>]+>)?(\w+(?: \w+)?)', page)
    assert heads == ["Reference", "Donor", "Language"]
    assert 'class="scroll gifts compact"' in page
    assert "column=donor&amp;column=language&amp;rows=compact" in page
    usual = browser.get("/finance/gifts").text
    heads = re.findall(r'<th scope="col"[^>]*>\s*(?:<a [^>]+>)?(\w+(?: \w+)?)', usual)
    assert heads[0] == "Started"
    assert len(heads) == 8
    assert 'aria-sort="descending"' in usual
    assert 'href="/finance/gifts?sort=started&amp;order=asc"' in usual


def test_filters_fold_away(site: FinanceSite) -> None:
    """The filters are collapsed unless one is set, even to a wrong value."""
    browser = site.signed_in()
    assert "<details open>\n<summary>Filter" not in browser.get("/finance/gifts").text
    for query in ("mode=card", "mode=zz"):
        page = browser.get(f"/finance/gifts?{query}").text
        assert "<details open>\n<summary>Filter" in page


def test_an_old_address_leads_on(database: Database) -> None:
    """URLs of earlier versions, whose fields have one value each, list the same gifts."""
    sample_money(database)
    browser = open_site(database, regions=TWO_REGIONS).signed_in()
    for query, count in (
        ("status=&mode=&code=&by=received&from=2026-03-11&to=2026-03-31", 2),
        ("status=awaited&mode=giving_code&code=LWCAN&by=chosen&from=&to=", 1),
    ):
        page = browser.get(f"/finance/gifts?{query}")
        assert page.status_code == 200
        assert len(re.findall(r'class="reference"><a', page.text)) == count


def test_paging_shows_each_gift_once(database: Database, site_on_each: FinanceSite) -> None:
    """Going from page to page shows every gift once, even if several have the same time."""
    site = site_on_each
    with database.writing() as session:
        stored = [
            put_gift(
                session,
                f"form-{i}",
                now=NOW - timedelta(seconds=i // 7, microseconds=i // 7),
                mode="interac" if i % 9 else "card",
            )
            for i in range(2 * PAGE_SIZE + 20)
        ]
    references = {gift.reference for gift in stored if gift.mode == "interac"}
    browser = site.signed_in()
    seen: list[str] = []
    link: str | None = "/finance/gifts?mode=interac"
    while link:
        page = browser.get(link)
        seen += rows(page)
        older = re.search(r'rel="next" href="([^"]+)"', page.text)
        link = older[1].replace("&amp;", "&") if older else None
        assert link is None or "mode=interac" in link
        if len(seen) == PAGE_SIZE:
            site.gift("meanwhile")
    assert len(seen) == len(set(seen))
    assert set(seen) == references
