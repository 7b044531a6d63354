"""How e-mails are sent by SMTP: encryption, passwords, timeouts, and URLs of mail servers."""

import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.smtp import AuthResult

from donate.errors import MailRefused, MailUnavailable
from donate.letters.sending.smtp import Smtp
from donate.mail_server import MailServer, read_mail_server
from tests.letters.mailer import LocalMailServer, run_mail_server, run_server, smtp_to

USER, PASSWORD = "give", "p@ss/w#rd"


def a_message(to: str = "ann@example.org") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "give@example.org", to, "Hello"
    message.set_content("A letter.")
    return message


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a self-signed certificate for localhost and its key."""
    folder = tmp_path_factory.mktemp("tls")
    both = folder / "both.pem"
    request = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run([*request.split(), *names, *files], check=True, capture_output=True)
    both.write_text((folder / "cert.pem").read_text() + (folder / "key.pem").read_text())
    return both


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file of the certificate, which is trusted during the test."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    return certificate


def tls_of(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def check_login(
    _server: object, _talk: object, _envelope: object, _how: str, data: object
) -> AuthResult:
    login = (getattr(data, "login", b""), getattr(data, "password", b""))
    return AuthResult(success=login == (USER.encode(), PASSWORD.encode()))


@pytest.fixture
def guarded(trusted: Path) -> Iterator[LocalMailServer]:
    """Run a mail server that requires STARTTLS and a password."""
    how = {"tls_context": tls_of(trusted), "require_starttls": True, "auth_required": True}
    with run_mail_server(**how, authenticator=check_login) as mail_server:
        yield mail_server


def test_encrypted_and_signed_in(guarded: LocalMailServer) -> None:
    """E-mails are sent over STARTTLS, with the user and password of the mail server's URL."""
    address = f"smtp://{USER}:p%40ss%2Fw%23rd@localhost:{guarded.port}"
    carrier = Smtp(read_mail_server(address), our_name="example.org")
    for _ in range(2):
        carrier.carry(a_message())
    carrier.hang_up()
    assert len(guarded.messages) == 2


def test_a_letter_waits_if_the_password_is_wrong(guarded: LocalMailServer) -> None:
    """If the mail server refuses our password, the e-mail waits until we correct the setting."""
    server = MailServer("localhost", guarded.port, user=USER, password="wrong")
    carrier = Smtp(server, our_name="example.org", step_timeout_s=2)
    with pytest.raises(MailUnavailable, match="SMTP") as refused:
        carrier.carry(a_message())
    assert not isinstance(refused.value, MailRefused)


def test_a_letter_waits_if_the_server_takes_no_password(mail_server: LocalMailServer) -> None:
    """If we have a password for a mail server that takes none, the e-mail waits."""
    server = replace(mail_server.address, user="give", password="secret")
    with pytest.raises(MailUnavailable, match="SMTPNotSupportedError") as refused:
        Smtp(server, our_name="example.org").carry(a_message())
    assert not isinstance(refused.value, MailRefused)


def test_tls_from_the_first_byte(trusted: Path) -> None:
    """If the mail server's URL begins with `smtps://`, TLS begins with the connection."""
    with run_mail_server(ssl_context=tls_of(trusted)) as mail_server:
        server = MailServer("localhost", mail_server.port, implicit_tls=True)
        carrier = Smtp(server, our_name="example.org")
        carrier.carry(a_message())
        carrier.hang_up()
    assert len(mail_server.messages) == 1


@pytest.mark.parametrize("implicit_tls", [True, False])
def test_an_untrusted_server_gets_nothing(certificate: Path, implicit_tls: bool) -> None:
    """A mail server with an untrusted certificate gets neither a password nor an e-mail."""
    tls = tls_of(certificate)
    how = {"ssl_context": tls} if implicit_tls else {"tls_context": tls}
    with run_mail_server(**how) as mail_server:
        server = MailServer("localhost", mail_server.port, implicit_tls=implicit_tls)
        with pytest.raises(MailUnavailable, match="SSLCertVerificationError"):
            Smtp(server, our_name="example.org").carry(a_message())
    assert mail_server.messages == []


def test_nothing_goes_unencrypted_to_another_machine() -> None:
    """A remote server without STARTTLS gets neither a password nor an e-mail."""
    lines: list[bytes] = []

    def plain_only(caller: socket.socket) -> None:
        caller.sendall(b"220 mail\r\n")
        while line := caller.recv(1_000):
            lines.append(line)
            caller.sendall(b"250 mail\r\n")

    with run_server(plain_only) as here:
        elsewhere = replace(here, may_be_plain=False, user="give", password="secret")
        with pytest.raises(MailUnavailable, match="no encryption"):
            Smtp(elsewhere, our_name="example.org").carry(a_message())
    assert not any(word in b"".join(lines) for word in (b"AUTH", b"MAIL", b"secret"))


def test_one_connection_serves_several_letters(mail_server: LocalMailServer) -> None:
    """Several e-mails are sent over one connection, even after one of them was refused."""
    carrier = smtp_to(mail_server)
    mail_server.rcpt_answers = ["550 5.1.1 nobody"]
    with pytest.raises(MailRefused, match=r"^550 5\.1\.1$"):
        carrier.carry(a_message())
    connection = carrier._connection
    for _ in range(3):
        carrier.carry(a_message())
    assert connection is carrier._connection is not None
    carrier.hang_up()
    carrier.hang_up()
    carrier.carry(a_message())
    carrier.hang_up()
    assert len(mail_server.messages) == 4


def test_an_accented_address_is_refused_without_smtputf8() -> None:
    """An accented e-mail address is refused for good if the mail server lacks SMTPUTF8."""
    with run_mail_server(enable_SMTPUTF8=False) as mail_server:
        carrier = smtp_to(mail_server)
        with pytest.raises(MailRefused, match="does not support such addresses"):
            carrier.carry(a_message("zoë@example.org"))
        carrier.hang_up()


def test_an_accented_address_is_accepted_with_smtputf8() -> None:
    """An e-mail to an accented address is sent if the mail server supports SMTPUTF8."""
    with run_mail_server(enable_SMTPUTF8=True) as mail_server:
        carrier = smtp_to(mail_server)
        carrier.carry(a_message("zoë@example.org"))
        carrier.hang_up()
    assert mail_server.recipients == ["zoë@example.org"]


def says_nothing(caller: socket.socket) -> None:
    caller.recv(1)


def drips(caller: socket.socket) -> None:
    for _ in range(100):
        caller.sendall(b"2")
        time.sleep(0.1)


def drips_after_the_letter(caller: socket.socket) -> None:
    caller.sendall(b"220 mail\r\n")
    while line := caller.recv(1_000):
        if line.lower().startswith(b"data"):
            caller.sendall(b"354 go on\r\n")
        elif line.endswith(b"\r\n.\r\n"):
            drips(caller)
        else:
            caller.sendall(b"250 mail\r\n")


def hangs_up(caller: socket.socket) -> None:
    caller.sendall(b"220 mail\r\n")


def is_no_mail_server(caller: socket.socket) -> None:
    caller.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    caller.recv(1_000)


def is_closing(caller: socket.socket) -> None:
    caller.sendall(b"421 4.3.2 closing\r\n")
    caller.recv(1_000)


@pytest.mark.alone
@pytest.mark.parametrize(
    "talk",
    [says_nothing, drips, drips_after_the_letter, hangs_up, is_no_mail_server, is_closing],
    ids=lambda talk: talk.__name__,
)
def test_a_server_that_misbehaves_times_out(talk: object) -> None:
    """If a mail server hangs or answers nonsense, the attempt times out and the e-mail waits."""
    with run_server(talk) as server:  # type: ignore[arg-type]
        carrier = Smtp(server, our_name="example.org", step_timeout_s=1, letter_timeout_s=1.5)
        start = time.monotonic()
        with pytest.raises(MailUnavailable) as waiting:
            carrier.carry(a_message())
        assert time.monotonic() - start < 5
    assert not isinstance(waiting.value, MailRefused)
    assert "example.org" not in str(waiting.value)


@pytest.mark.parametrize(
    ("address", "server"),
    [
        ("smtp://mail.example.org", MailServer("mail.example.org", 587)),
        ("smtps://mail.example.org", MailServer("mail.example.org", 465, implicit_tls=True)),
        ("smtp://127.0.0.1:1025/", MailServer("127.0.0.1", 1025, may_be_plain=True)),
        ("smtp://u%40x:p%3A%2F@h", MailServer("h", 587, user="u@x", password="p:/")),
    ],
    ids=["default port", "default port of smtps", "this machine", "escaped characters"],
)
def test_urls_of_mail_servers(address: str, server: MailServer) -> None:
    """The URL of a mail server may lack the port, and has special characters as %XX."""
    assert read_mail_server(address) == server


@pytest.mark.parametrize(
    "address",
    [
        "mail.example.org", "http://mail.example.org", "smtp://", "smtp://h:port", "smtp://h:99999",
        "smtp://user:hid#den@mail", "smtp://user:hid/den@mail", "smtp://user@mail", "smtp://[::1",
        "smtp://:hidden@mail",
    ],
)  # fmt: skip
def test_a_wrong_url_is_not_quoted(address: str) -> None:
    """The error about a wrong URL of a mail server quotes no part of that URL."""
    with pytest.raises(ValueError, match=r"^(is not|must)") as wrong:
        read_mail_server(address)
    assert "hid" not in str(wrong.value)
    assert wrong.value.__cause__ is None


def test_a_password_is_not_shown() -> None:
    """The `repr` of a mail server does not contain its password."""
    assert "p%40ss" not in repr(read_mail_server("smtp://give:p%40ss@mail"))
    assert "p@ss" not in repr(read_mail_server("smtp://give:p%40ss@mail"))


@pytest.mark.parametrize("left_out", [(), ("PLAIN",), ("LOGIN",)], ids=["both", "LOGIN", "PLAIN"])
def test_a_password_may_have_accents(trusted: Path, left_out: tuple[str, ...]) -> None:
    """User and password are sent in UTF-8, by the mechanism PLAIN or LOGIN."""
    seen = []

    def check_login(
        _server: object, _talk: object, _envelope: object, _how: str, data: object
    ) -> object:
        seen.append((getattr(data, "login", b""), getattr(data, "password", b"")))
        return AuthResult(success=seen[-1] == ("zoé".encode(), "héron calme".encode()))

    how = {"tls_context": tls_of(trusted), "require_starttls": True, "auth_required": True}
    with run_mail_server(
        **how, authenticator=check_login, auth_exclude_mechanism=left_out
    ) as mail_server:
        address = f"smtp://zo%C3%A9:h%C3%A9ron%20calme@localhost:{mail_server.port}"
        carrier = Smtp(read_mail_server(address), our_name="example.org")
        carrier.carry(a_message())
        carrier.hang_up()
        assert len(mail_server.messages) == 1


def test_a_mail_server_may_have_an_accented_name() -> None:
    """The host of a mail server is stored in its ASCII form."""
    assert (
        read_mail_server("smtp://courrier.église.example").host == "courrier.xn--glise-9ra.example"
    )
