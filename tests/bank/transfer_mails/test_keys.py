"""What DNS says about Interac's public keys: a key, that there is none, or nothing."""

import socket
import threading
from collections.abc import Iterator

import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest

from donate.bank.transfer_mails import keys
from donate.bank.transfer_mails.keys import NO_SUCH_KEY, fetch_key
from tests.bank.transfer_mails.mail_writer import public_record

ANSWERS: dict[str, list[str] | dns.rcode.Rcode] = {
    "good": [public_record()],
    "second": ["v=spf1 -all", public_record()],
    "gone": dns.rcode.NXDOMAIN,
    "empty": [],
    "withdrawn": ["v=DKIM1; k=rsa; p="],
    "noise": ["\u00e9"],
    "failing": dns.rcode.SERVFAIL,
    "refusing": dns.rcode.REFUSED,
}


def answer_one(server: socket.socket) -> None:
    asked, client = server.recvfrom(4_096)
    query = dns.message.from_wire(asked)
    name = query.question[0].name
    said = ANSWERS.get(name.labels[0].decode())
    if said is None:
        return
    response = dns.message.make_response(query)
    if isinstance(said, dns.rcode.Rcode):
        response.set_rcode(said)
    elif said:
        texts = [
            " ".join(f'"{text[i : i + 200]}"' for i in range(0, len(text), 200)) for text in said
        ]
        response.answer.append(dns.rrset.from_text_list(name, 60, "IN", "TXT", texts))
    server.sendto(response.to_wire(), client)


@pytest.fixture(autouse=True)
def name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Answer questions to DNS on this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(0.1)
        is_over = threading.Event()

        def serve() -> None:
            while not is_over.is_set():
                try:
                    answer_one(server)
                except TimeoutError:
                    continue

        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], server.getsockname()[1]
        monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
        monkeypatch.setattr(keys, "_DNS_TIMEOUT_S", 1)
        thread = threading.Thread(target=serve)
        thread.start()
        yield
        is_over.set()
        thread.join()


@pytest.mark.parametrize("selector", ["good", "second"])
def test_a_key_is_fetched(selector: str) -> None:
    """The record that is a public key is returned, also beside another text."""
    assert fetch_key(selector) == public_record()


@pytest.mark.parametrize("selector", ["gone", "empty", "withdrawn", "noise", "a..b", "x" * 64])
def test_a_key_that_does_not_exist_is_an_answer(selector: str) -> None:
    """If DNS says that there is no usable key of a name, nobody waits for it."""
    ANSWERS.setdefault(selector, dns.rcode.NXDOMAIN)
    assert fetch_key(selector) == NO_SUCH_KEY


@pytest.mark.parametrize("selector", ["failing", "refusing", "silent"])
def test_a_server_that_fails_gives_no_answer(selector: str) -> None:
    """If DNS fails, refuses or is silent, nobody knows whether the key exists."""
    assert fetch_key(selector) is None
