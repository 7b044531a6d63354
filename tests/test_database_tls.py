"""PostgreSQL on another machine is reached only through TLS that names the server."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from donate.cli import main
from donate.errors import DatabaseBusy
from donate.storage.database import Database
from donate.trust.database_tls import check_database_tls
from tests.deploy.proxies import make_certificate
from tests.real_parts import Postgres

SSL_REQUEST = b"\0\0\0\x08\x04\xd2\x16\x2f"


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGHOST", "PGHOSTADDR", "PGSSLMODE", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///donate.sqlite3",
        "postgresql:///donate",
        "postgresql://donate@/donate?host=/run/postgresql",
        "postgresql://donate:secret@127.0.0.1/donate",
        "postgresql://donate:secret@[::1]:5433/donate",
        "postgresql://donate:secret@localhost/donate",
        "postgresql://donate:secret@db.example.org/donate?sslmode=verify-full",
        "postgresql:///donate?host=one.example.org,two.example.org&sslmode=verify-full",
        "nonsense",
    ],
)
def test_a_safe_way_is_good(url: str) -> None:
    """Files, sockets and this machine need no TLS; other machines with a checked name are good."""
    check_database_tls(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://donate:secret@db.example.org/donate",
        "postgresql+psycopg://donate:secret@db.example.org/donate",
        "postgresql://donate:secret@10.0.0.5/donate",
        "postgresql://donate:secret@localhost.example.org/donate",
        "postgresql://db.example.org/donate?sslmode=require",
        "postgresql://db.example.org/donate?sslmode=verify-ca",
        "postgresql:///donate?host=127.0.0.1,db.example.org",
        "postgresql:///donate?host=db.example.org:5432",
        "postgresql://localhost/donate?hostaddr=10.0.0.5",
    ],
)
def test_any_other_way_is_refused(url: str) -> None:
    """Anything less to another machine is refused, however the URL names it, without its secret."""
    with pytest.raises(ValueError, match=r"must end with \?sslmode=verify-full") as refused:
        check_database_tls(url)
    assert "secret" not in str(refused.value)


def test_libpqs_variables_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host and a mode that the environment names are those that would be used."""
    monkeypatch.setenv("PGHOST", "db.example.org")
    with pytest.raises(ValueError, match="leads to another machine"):
        check_database_tls("postgresql:///donate")
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    check_database_tls("postgresql:///donate")
    with pytest.raises(ValueError, match="leads to another machine"):
        check_database_tls("postgresql:///donate?sslmode=prefer")


@pytest.mark.usefixtures("environment")
def test_the_service_does_not_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every command refuses such a setting; `DATABASE_TLS=optional` allows it, with a warning."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://donate:hunter2@192.0.2.1/donate")
    assert main(["serve"]) == 1
    error = capsys.readouterr().err
    assert "DATABASE_URL leads to another machine" in error
    assert "hunter2" not in error
    monkeypatch.setenv("DATABASE_TLS", "optional")
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:9/donate")
    main(["doctor"])
    assert "DATABASE_TLS is optional" in capsys.readouterr().out


def pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def tls_in_front_of(server: Path, certificates: Path) -> Iterator[int]:
    """Yield a port that speaks PostgreSQL's TLS, because the packaged server was built without."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "certificate.pem", certificates / "key.pem")

    def serve(plain: socket.socket) -> None:
        with suppress(OSError), plain, socket.socket(socket.AF_UNIX) as inside:
            inside.connect(str(server))
            assert plain.recv(8, socket.MSG_WAITALL) == SSL_REQUEST
            plain.sendall(b"S")
            with context.wrap_socket(plain, server_side=True) as caller:
                thread = threading.Thread(target=pump, args=(inside, caller), daemon=True)
                thread.start()
                pump(caller, inside)
                thread.join()

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(
                        target=serve, args=(listener.accept()[0],), daemon=True
                    ).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def test_the_name_of_the_server_is_checked(postgres: Postgres, tmp_path: Path) -> None:
    """With the URL that is demanded, only a server with a certificate for its name is spoken to."""
    url = make_url(postgres.fresh_url())
    for folder in ("own", "strange"):
        (tmp_path / folder).mkdir()
        make_certificate(tmp_path / folder)
    (path,) = Path(str(url.query["host"])).glob(".s.PGSQL.*[0-9]")

    def ping(host: str, port: int, trusted: str) -> None:
        database = Database(
            f"postgresql://{url.username}@{host}:{port}/{url.database}"
            f"?sslmode=verify-full&sslrootcert={tmp_path / trusted / 'certificate.pem'}"
        )
        try:
            database.ping()
        finally:
            database.close()

    with tls_in_front_of(path, tmp_path / "own") as port:
        ping("localhost", port, "own")
        with pytest.raises(DatabaseBusy, match="certificate verify failed"):
            ping("localhost", port, "strange")
        with pytest.raises(DatabaseBusy, match="does not match host name"):
            ping("127.0.0.1", port, "own")
