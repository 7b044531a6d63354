"""`donate doctor` changes nothing; --online checks Stripe, the mail server and PUBLIC_URL."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import stripe
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from donate.app import create_app
from donate.cli import main
from donate.storage.database import Database
from donate.stripe_gateway.webhooks.health import record_webhook_time
from tests.letters.mailer import run_mail_server
from tests.outbound_webhooks.receiving import open_desk
from tests.real_parts import SECRET_KEY, Postgres, free_port, make_settings, served
from tests.sandbox.running import RunningSandbox, run_sandbox, session_params
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("environment")
Saying = pytest.CaptureFixture[str]
MISSING = "has no tables yet: run `donate db upgrade`"


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningSandbox]:
    with run_sandbox() as sandbox:
        monkeypatch.setenv("STRIPE_API_BASE", sandbox.url)
        monkeypatch.setenv("PUBLIC_URL", f"http://127.0.0.1:{free_port()}")
        yield sandbox


@pytest.fixture
def account(sandbox: RunningSandbox) -> Iterator[stripe.StripeClient]:
    http: Any = stripe.HTTPXClient(allow_sync_methods=True, timeout=5)
    yield stripe.StripeClient(SECRET_KEY, base_addresses={"api": sandbox.url}, http_client=http)
    http.close()


def output_online(capsys: Saying) -> str:
    capsys.readouterr()
    main(["doctor", "--online"])
    return capsys.readouterr().out


def faults(output: str) -> list[str]:
    return [line[2:] for line in output.splitlines() if line.startswith("- ")]


def test_it_makes_no_database(
    monkeypatch: pytest.MonkeyPatch, capsys: Saying, tmp_path: Path, postgres: Postgres
) -> None:
    """If there is no database, `donate doctor` says so and creates none."""
    nowhere, empty = tmp_path / "nowhere.sqlite3", tmp_path / "empty.sqlite3"
    empty.touch()
    url = postgres.empty_url()
    for address in (f"sqlite:///{nowhere}", f"sqlite:///{empty}", url):
        monkeypatch.setenv("DATABASE_URL", address)
        assert main(["doctor"]) == 1
        assert MISSING in capsys.readouterr().out
    assert not nowhere.exists()
    assert empty.stat().st_size == 0
    database = Database(url)
    assert database.is_new()
    database.close()


@pytest.mark.parametrize(("version", "sentence"), [("0001", "older"), ("9999", "newer")])
def test_it_changes_no_tables(
    monkeypatch: pytest.MonkeyPatch,
    capsys: Saying,
    database: Database,
    database_url: str,
    version: str,
    sentence: str,
) -> None:
    """`donate doctor` reports tables of an older or newer version, and does not change them."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    with database.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": version})
    assert main(["doctor"]) == 1
    assert f"the tables are {sentence} than this version" in capsys.readouterr().out
    with database.reading() as session:
        stored = session.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    assert stored == version


def test_webhooks_need_their_key(
    monkeypatch: pytest.MonkeyPatch, capsys: Saying, database: Database, database_url: str
) -> None:
    """If programs get webhooks and SECOND_FACTOR_KEY is empty, `donate doctor` says so."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    main(["doctor"])
    assert "webhooks" not in capsys.readouterr().out
    open_desk(database).add("https://crm.example.org/")
    assert main(["doctor"]) == 1
    assert "webhooks to other programs cannot be signed" in capsys.readouterr().out
    monkeypatch.setenv("SECOND_FACTOR_KEY", 32 * "k")
    main(["doctor"])
    assert "webhooks" not in capsys.readouterr().out


def test_without_online_nobody_is_asked(sandbox: RunningSandbox) -> None:
    """Without --online, `donate doctor` sends no request to Stripe or other servers."""
    main(["doctor"])
    assert sandbox.control("GET", "/_sandbox/requests") == []


def test_online_changes_nothing_at_stripe(sandbox: RunningSandbox, capsys: Saying) -> None:
    """`donate doctor` tests write permissions with unknown ids, so that nothing is written."""
    output = output_online(capsys)
    assert "ok Stripe accepts the key: test mode, account acct_" in output
    assert "ok The key may do what the service needs with Checkout Sessions, Customers, " in output
    requests = sandbox.control("GET", "/_sandbox/requests")
    writes = [request for request in requests if request["method"] != "GET"]
    assert len(writes) == 7
    assert {request["status"] for request in writes} <= {400, 404}
    counts = sandbox.control("GET", "/_sandbox/state")["counts"]
    assert counts["refunds"] == counts["subscriptions"] == {}


@pytest.mark.parametrize(
    ("permissions", "sentence"),
    [
        ({"charge": "read"}, "Charges and Refunds Write”. Add it in the Dashboard"),
        ({"charge": "read"}, "Without it, no gift can be sent back."),
        ({"event": "none"}, "it lacks the permission “Events Read”"),
        ({"subscription": "none"}, "it lacks the permission “Subscriptions Read”"),
        ({"customer": "read"}, "Without it, no donor can replace the card of a monthly gift."),
        ({"payment_method": "none"}, "Without it, no monthly donor reads which card is charged."),
        ({"customer_portal": "read"}, "it lacks the permission “Customer Portal Write”"),
    ],
)
def test_a_permission_that_is_lacking_is_named(
    sandbox: RunningSandbox, capsys: Saying, permissions: dict[str, str], sentence: str
) -> None:
    """`donate doctor` names each permission that the Stripe key lacks, and what that prevents."""
    sandbox.control("POST", "/_sandbox/account", permissions=permissions)
    output = output_online(capsys)
    assert sum(sentence in line for line in faults(output)) == 1


def test_a_permission_that_only_setup_needs_may_be_lacking(
    sandbox: RunningSandbox, capsys: Saying
) -> None:
    """`donate doctor` reports no fault if the key lacks permissions that only the setup needs."""
    permissions = {"webhook": "none", "payment_method_configuration": "none", "accounts": "none"}
    sandbox.control("POST", "/_sandbox/account", permissions=permissions)
    output = output_online(capsys)
    assert "ok Not checked. Webhook endpoint: the key may not do this" in output
    assert "Webhook endpoint" not in "".join(faults(output))


@pytest.mark.usefixtures("sandbox")
def test_what_setup_would_change_is_named(capsys: Saying, monkeypatch: pytest.MonkeyPatch) -> None:
    """`donate doctor` names the settings at Stripe that `donate stripe setup` would change."""
    output = "".join(faults(output_online(capsys)))
    assert "switch off customer_update, invoice_history, subscription_cancel" in output
    assert "`donate stripe setup` does it." in output
    with monkeypatch.context() as patched:
        patched.setenv("PUBLIC_URL", "https://give.example.org")
        assert main(["stripe", "setup", "--yes"]) == 0
    output = output_online(capsys)
    assert "ok Customer portal bpc_1SandboxSandboxSandboxSa: donors replace a card there" in output
    assert "Stripe cannot reach http://127.0.0.1" in "".join(faults(output))


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [("401", "Stripe does not accept the key"), ("html_200", "Stripe gave no usable answer")],
)
def test_trouble_with_stripe_stops_no_other_check(
    sandbox: RunningSandbox, capsys: Saying, kind: str, sentence: str
) -> None:
    """If Stripe refuses the key or answers nonsense, `donate doctor` still checks the rest."""
    sandbox.control("POST", "/_sandbox/trouble", path="/v1/account", method="GET", kind=kind)
    output = output_online(capsys)
    assert sum(sentence in line for line in faults(output)) == 1
    assert "PUBLIC_URL: nothing answers" in output


def test_undelivered_events_are_counted(
    sandbox: RunningSandbox,
    account: stripe.StripeClient,
    capsys: Saying,
    environment: dict[str, str],
) -> None:
    """`donate doctor` counts undelivered events, and says when the last webhook arrived."""
    now = datetime.now(UTC)
    assert "No webhook has arrived yet." in output_online(capsys)
    sandbox.control("POST", "/_sandbox/webhooks", url=f"http://127.0.0.1:{free_port()}/")
    sandbox.control("POST", "/_sandbox/clock", now=int((now - timedelta(hours=2)).timestamp()))
    sandbox.pay(account.v1.checkout.sessions.create(session_params()).id)
    until(lambda: sandbox.control("GET", "/_sandbox/state")["deliveries"]["pending"] == 0)
    database = Database(environment["DATABASE_URL"])
    with database.writing() as session:
        record_webhook_time(session, datetime(2026, 3, 1, 12, 5, tzinfo=UTC))
    database.close()
    output = output_online(capsys)
    assert "ok The last webhook arrived on 1 March 2026 at 12:05 UTC." in output
    assert "Stripe could not deliver 1 of the last three days' events" in "".join(faults(output))


def test_events_of_the_last_minutes_may_still_be_on_their_way(
    sandbox: RunningSandbox, account: stripe.StripeClient, capsys: Saying
) -> None:
    """`donate doctor` reports no fault if Stripe has not delivered an event of the last minutes."""
    sandbox.control("POST", "/_sandbox/webhooks", paused=True, url="http://127.0.0.1:9/")
    sandbox.pay(account.v1.checkout.sessions.create(session_params()).id)
    assert "could not deliver" not in output_online(capsys)


@pytest.mark.usefixtures("sandbox")
def test_the_mail_server_is_asked_and_gets_no_letter(
    capsys: Saying, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`donate doctor` connects to the mail server without sending, and explains a failure."""
    monkeypatch.setenv("MAIL_FROM", "give@example.org")
    with run_mail_server() as mail_server:
        monkeypatch.setenv("SMTP_URL", f"smtp://127.0.0.1:{mail_server.port}")
        assert f"ok The mail server 127.0.0.1:{mail_server.port} answers." in output_online(capsys)
        assert mail_server.messages == []
        monkeypatch.setenv("SMTP_URL", f"smtp://give:p4ssw0rd@127.0.0.1:{mail_server.port}")
        refused = output_online(capsys)
        assert "does not work now" in "".join(faults(refused))
        assert "p4ssw0rd" not in refused
    output = "".join(faults(output_online(capsys)))
    assert "(ConnectionRefusedError): nothing listens there; check the host and the port" in output


def test_the_service_is_reached_through_its_address(
    sandbox: RunningSandbox, capsys: Saying, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    """`donate doctor` checks that the service and its webhook endpoint answer at PUBLIC_URL."""
    settings = make_settings(database_url, stripe_api_base=sandbox.url)
    with served(create_app(settings)) as url:
        monkeypatch.setenv("PUBLIC_URL", url)
        output = output_online(capsys)
    assert f"ok The service answers at {url}." in output
    assert f"ok Webhooks reach the service at {url}/webhooks/stripe." in output


@contextmanager
def proxy_that(answers: int, **headers: str) -> Iterator[str]:
    """Run a web server that answers every request alike, as a misconfigured proxy may."""

    async def answer(_: Request) -> Response:
        return Response(status_code=answers, headers=headers)

    with served(Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])) as url:
        yield url


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(
    ("answers", "headers", "sentences"),
    [
        (
            301,
            {"location": "https://www.example.org/readyz"},
            ["redirects to https://www.example.org/readyz", "Stripe follows no redirects"],
        ),
        (403, {}, ["/readyz answers 403: not ready", "answers 403 to an unsigned request"]),
        (200, {}, ["/readyz answers 200: not ready", "answers 200 to an unsigned request"]),
        (503, {}, ["/readyz answers 503: not ready", "answers 503 to an unsigned request"]),
    ],
)
def test_a_misconfigured_proxy_is_reported(
    capsys: Saying,
    monkeypatch: pytest.MonkeyPatch,
    answers: int,
    headers: dict[str, str],
    sentences: list[str],
) -> None:
    """`donate doctor` reports a proxy that redirects, or answers in place of the service."""
    with proxy_that(answers, **headers) as url:
        monkeypatch.setenv("PUBLIC_URL", url)
        output = "\n".join(faults(output_online(capsys)))
    for sentence in sentences:
        assert sentence in output


@pytest.mark.usefixtures("sandbox")
def test_the_exit_code_says_whether_anything_is_wrong(capsys: Saying) -> None:
    """`donate doctor --online` exits with 1 if it found faults, and its last line counts them."""
    output = output_online(capsys)
    assert output.splitlines()[-1] == f"{len(faults(output))} problems found."
    assert main(["doctor", "--online"]) == 1
