"""What staff search for stands in addresses, and stays out of logs, the trail and other sites."""

from pathlib import Path
from urllib.parse import urlsplit

from sqlmodel import select

from donate.finance.models import StaffAct
from tests.faults.processes import a_machine
from tests.faults.quick_start import Forker
from tests.journeys.staff import sign_in
from tests.real_parts import Sqlite

MARK = "qzx"
ASKED = f"{MARK}.ann%40example.org"
SEARCHES = (
    f"/finance/search?q={ASKED}",
    f"/finance/donors?q={ASKED}",
    f"/finance/gifts?reference={ASKED}",
    f"/finance/transfer-mails?q={ASKED}",
    f"/finance/gifts.csv?q={ASKED}&mode=card",
    f"/finance/movements.xlsx?from={ASKED}",
    f"/finance/no-such-page?q={ASKED}",
    f"/finance/search?q={ASKED}%00{MARK * 400}",
)


def test_a_search_leaves_no_word_behind(start: Forker, sqlite: Sqlite, tmp_path: Path) -> None:
    """Signed in or not, or with a database that fails, no log line and no act has the words."""
    url = sqlite.fresh_url()
    with a_machine(start, url, tmp_path) as machine:
        machine.settings["LOG_LEVEL"] = "DEBUG"
        machine.serve()
        http = machine.world.http
        assert {http.get(each).status_code for each in SEARCHES} <= {303, 404}
        sign_in(machine.world)
        answers = [http.get(each) for each in SEARCHES]
        answers += [http.post(each) for each in SEARCHES]
        assert answers[0].status_code == 200
        assert {answer.headers["referrer-policy"] for answer in answers} == {"no-referrer"}
        acts = machine.world.database
        with acts.reading() as session:
            trail = [
                f"{act.act} {act.about} {act.detail}" for act in session.exec(select(StaffAct))
            ]
        file = Path(urlsplit(url).path.removeprefix("/"))
        file.rename(file.with_suffix(".away"))
        assert http.get(SEARCHES[0]).status_code == 503
    assert any("/finance/gifts.csv?mode=card" in line for line in trail)
    assert not [line for line in trail if MARK in line]
    log = (tmp_path / "log").read_text()
    assert "answered 503" in log
    assert MARK not in log
