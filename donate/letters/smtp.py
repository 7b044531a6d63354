"""Hands letters to a mail server. Encrypted, but for one on this machine; nobody waits for ever."""

import re
import smtplib
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from typing import Final

from donate.errors import MailRefused, MailUnavailable
from donate.mail_server import MailServer

# For one step of the talk, and for all that one letter takes.
STEP_TIMEOUT_S: Final = 10.0
LETTER_TIMEOUT_S: Final = 30.0
_READY: Final = 220
_SIGNED_IN: Final = 235
_ENHANCED_CODE: Final = re.compile(rb"[245]\.[0-9]{1,3}\.[0-9]{1,3}\b")


class Smtp:
    """Carries letters to a mail server, over one connection until `hang_up`.

    `our_name` is the domain that we greet it with.
    """

    def __init__(
        self,
        server: MailServer,
        *,
        our_name: str,
        step_timeout_s: float = STEP_TIMEOUT_S,
        letter_timeout_s: float = LETTER_TIMEOUT_S,
    ) -> None:
        self._server = server
        self._our_name = our_name
        self._step_timeout_s = step_timeout_s
        self._letter_timeout_s = letter_timeout_s
        self._connection: smtplib.SMTP | None = None

    def carry(self, message: EmailMessage) -> None:
        """Hand one letter over. Raises MailUnavailable, or MailRefused for good."""
        with self._dropping_what_failed():
            connection = self._ready_connection()
            with self._within(connection):
                _hand_over(connection, message)

    def test_connection(self) -> None:
        """Connect, encrypt and sign in; no letter is sent. Raises MailUnavailable."""
        with self._dropping_what_failed():
            self._ready_connection()
        self.hang_up()

    def hang_up(self) -> None:
        """Say goodbye, if anybody is there."""
        if self._connection:
            with suppress(smtplib.SMTPException, OSError), self._within(self._connection):
                self._connection.quit()
        self._drop()

    def _ready_connection(self) -> smtplib.SMTP:
        if self._connection is None:
            self._connection = self._new_connection()
            with self._within(self._connection):
                self._introduce(self._connection)
        return self._connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection:
            connection.close()

    @contextmanager
    def _dropping_what_failed(self) -> Iterator[None]:
        """Say in our words what went wrong; what is not about one letter ends the connection."""
        try:
            yield
        except MailRefused:
            raise
        except MailUnavailable:
            self._drop()
            raise
        except smtplib.SMTPResponseException as refused:
            self._drop()
            raise MailUnavailable(f"{type(refused).__name__} {refused.smtp_code}") from None
        except (smtplib.SMTPException, OSError, UnicodeError) as error:
            self._drop()
            raise MailUnavailable(type(error).__name__) from None

    def _new_connection(self) -> smtplib.SMTP:
        # Without a host it does not connect yet: the watch over its time comes first.
        name, timeout_s = self._our_name, self._step_timeout_s
        if self._server.tls_at_once:
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(local_hostname=name, timeout=timeout_s, context=context)
        return smtplib.SMTP(local_hostname=name, timeout=timeout_s)

    def _introduce(self, connection: smtplib.SMTP) -> None:
        server = self._server
        # `starttls` and TLS look for the name to check in the certificate here.
        connection._host = server.host  # type: ignore[attr-defined]
        code, _ = connection.connect(server.host, server.port)
        if code != _READY:
            raise smtplib.SMTPConnectError(code, b"")
        connection.ehlo_or_helo_if_needed()
        if not server.tls_at_once and self._encrypts(connection):
            connection.starttls(context=ssl.create_default_context())
        if server.user:
            _sign_in(connection, server)

    def _encrypts(self, connection: smtplib.SMTP) -> bool:
        if connection.has_extn("starttls"):
            return True
        if self._server.may_be_plain:
            return False
        raise MailUnavailable("it offers no encryption (STARTTLS)")

    @contextmanager
    def _within(self, connection: smtplib.SMTP) -> Iterator[None]:
        """Break the connection off when all of it takes too long: one may drip byte by byte."""

        def give_up() -> None:
            with suppress(OSError):
                if connection.sock:
                    # Below any TLS, whose own goodbye could wait in its turn.
                    socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)

        watch = threading.Timer(self._letter_timeout_s, give_up)
        watch.daemon = True
        watch.start()
        try:
            yield
        finally:
            watch.cancel()


def _sign_in(connection: smtplib.SMTP, server: MailServer) -> None:
    """Sign in. What is not ASCII goes as UTF-8 (RFC 4616); `smtplib` would not encode it."""
    if server.user.isascii() and server.password.isascii():
        connection.login(server.user, server.password)
        return
    connection.ehlo_or_helo_if_needed()
    if not connection.has_extn("auth"):
        raise smtplib.SMTPNotSupportedError
    user, password = server.user.encode(), server.password.encode()
    if "PLAIN" in connection.esmtp_features.get("auth", "").upper().split():
        given = b"\0" + user + b"\0" + password
        code, said = connection.docmd("AUTH", f"PLAIN {b64encode(given).decode()}")
    else:
        connection.docmd("AUTH", f"LOGIN {b64encode(user).decode()}")
        code, said = connection.docmd(b64encode(password).decode())
    if code != _SIGNED_IN:
        raise smtplib.SMTPAuthenticationError(code, said)


def _hand_over(connection: smtplib.SMTP, message: EmailMessage) -> None:
    try:
        connection.send_message(message)
    except smtplib.SMTPRecipientsRefused as refused:
        code, said = next(iter(refused.recipients.values()))
        raise _about_the_letter(refused, code, said) from None
    except smtplib.SMTPDataError as refused:
        raise _about_the_letter(refused, refused.smtp_code, refused.smtp_error) from None
    except smtplib.SMTPNotSupportedError:
        raise MailRefused("it cannot write to such an address") from None
    except (smtplib.SMTPServerDisconnected, OSError) as error:
        if isinstance(error, smtplib.SMTPResponseException):
            raise
        raise MailUnavailable(type(error).__name__, may_have_acted=True) from None


def _about_the_letter(error: Exception, code: int, said: bytes | str) -> MailUnavailable:
    """Tell a refusal for good from one for now. What the server says may have an address in it."""
    found = _ENHANCED_CODE.match(said if isinstance(said, bytes) else said.encode())
    words = f"{code} {found[0].decode()}" if found else str(code)
    if 500 <= code < 600:
        return MailRefused(words)
    return MailUnavailable(f"{type(error).__name__} {words}")
