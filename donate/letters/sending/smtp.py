"""Sends e-mails through a mail server, with TLS unless the server runs on this machine."""

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

# The timeouts of one SMTP command, and of sending one whole e-mail.
STEP_TIMEOUT_S: Final = 10.0
LETTER_TIMEOUT_S: Final = 30.0
_READY: Final = 220
_SIGNED_IN: Final = 235
_ENHANCED_CODE: Final = re.compile(rb"[245]\.[0-9]{1,3}\.[0-9]{1,3}\b")


class Smtp:
    """A carrier that sends e-mails through a mail server. It keeps a connection until `hang_up`.

    `our_name` is the domain with which the service introduces itself (EHLO).
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
        """Send one e-mail. Raises MailUnavailable, or MailRefused if it will never be accepted."""
        with self._handling_errors():
            connection = self._ready_connection()
            with self._within(connection):
                _hand_over(connection, message)

    def test_connection(self) -> None:
        """Connect, start TLS and sign in, to test the mail server. No e-mail is sent.

        Raises MailUnavailable.
        """
        with self._handling_errors():
            self._ready_connection()
        self.hang_up()

    def hang_up(self) -> None:
        """Close the connection, if there is one."""
        if self._connection:
            with suppress(smtplib.SMTPException, OSError), self._within(self._connection):
                self._connection.quit()
        self._drop()

    def _ready_connection(self) -> smtplib.SMTP:
        if self._connection is None:
            self._connection = self._new_connection()
            with self._within(self._connection):
                self._connect(self._connection)
        return self._connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection:
            connection.close()

    @contextmanager
    def _handling_errors(self) -> Iterator[None]:
        """Raise MailUnavailable for SMTP errors. Close the connection, except for MailRefused."""
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
        # Pass no host, so that smtplib connects later, in `_connect`, under the timeout of
        # `_within`.
        name, timeout_s = self._our_name, self._step_timeout_s
        if self._server.implicit_tls:
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(local_hostname=name, timeout=timeout_s, context=context)
        return smtplib.SMTP(local_hostname=name, timeout=timeout_s)

    def _connect(self, connection: smtplib.SMTP) -> None:
        server = self._server
        # smtplib checks the server's certificate against this host name.
        connection._host = server.host  # type: ignore[attr-defined]
        code, _ = connection.connect(server.host, server.port)
        if code != _READY:
            raise smtplib.SMTPConnectError(code, b"")
        connection.ehlo_or_helo_if_needed()
        if not server.implicit_tls and self._encrypts(connection):
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
        """Abort the connection if the block takes too long in total.

        A timeout for each read is not enough, because a server may send one byte at a time.
        """

        def give_up() -> None:
            with suppress(OSError):
                if connection.sock:
                    # Shut down the raw socket, because closing TLS could block as well.
                    socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)

        timer = threading.Timer(self._letter_timeout_s, give_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def _sign_in(connection: smtplib.SMTP, server: MailServer) -> None:
    """Sign in. Non-ASCII credentials are sent in UTF-8 (RFC 4616), which `smtplib` cannot do."""
    if server.user.isascii() and server.password.isascii():
        connection.login(server.user, server.password)
        return
    connection.ehlo_or_helo_if_needed()
    if not connection.has_extn("auth"):
        raise smtplib.SMTPNotSupportedError
    user, password = server.user.encode(), server.password.encode()
    if "PLAIN" in connection.esmtp_features.get("auth", "").upper().split():
        credentials = b"\0" + user + b"\0" + password
        code, reply = connection.docmd("AUTH", f"PLAIN {b64encode(credentials).decode()}")
    else:
        connection.docmd("AUTH", f"LOGIN {b64encode(user).decode()}")
        code, reply = connection.docmd(b64encode(password).decode())
    if code != _SIGNED_IN:
        raise smtplib.SMTPAuthenticationError(code, reply)


def _hand_over(connection: smtplib.SMTP, message: EmailMessage) -> None:
    try:
        connection.send_message(message)
    except smtplib.SMTPRecipientsRefused as refused:
        code, reply = next(iter(refused.recipients.values()))
        raise _refusal(refused, code, reply) from None
    except smtplib.SMTPDataError as refused:
        raise _refusal(refused, refused.smtp_code, refused.smtp_error) from None
    except smtplib.SMTPNotSupportedError:
        raise MailRefused("it does not support such addresses") from None
    except (smtplib.SMTPServerDisconnected, OSError) as error:
        if isinstance(error, smtplib.SMTPResponseException):
            raise
        raise MailUnavailable(type(error).__name__, may_have_acted=True) from None


def _refusal(error: Exception, code: int, reply: bytes | str) -> MailUnavailable:
    """Return MailRefused for a permanent refusal, otherwise MailUnavailable.

    The message has only the server's codes, because the server's text may contain an address.
    """
    match = _ENHANCED_CODE.match(reply if isinstance(reply, bytes) else reply.encode())
    codes = f"{code} {match[0].decode()}" if match else str(code)
    if 500 <= code < 600:
        return MailRefused(codes)
    return MailUnavailable(f"{type(error).__name__} {codes}")
