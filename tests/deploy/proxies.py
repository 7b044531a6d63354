"""Runs nginx and Caddy with the examples of deploy/, on ports of this machine."""

import datetime
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from scripts.install_servers import find_server
from tests.real_parts import free_port
from tests.waiting import PATIENCE_S

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
EXAMPLE_HOST = "give.example.org"
KINDS = ("nginx", "caddy")
# Where the service of the examples listens.
SOCKET = "/run/donate/donate.sock"
# Timeouts of ten seconds are this short in the tests.
SHORT_S = 1
NGINX_MAIN = """
{user}
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/start.log crit;
events {{ worker_connections 1024; }}
http {{
    default_type application/octet-stream;
    types {{ text/html html; }}
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
    include {folder}/site.conf;
}}
"""


@dataclass(frozen=True)
class Proxy:
    """A running proxy, with the ports that stand for 443 and 80, in front of Unix sockets."""

    kind: str
    folder: Path
    https_port: int
    http_port: int
    sockets: tuple[Path, ...]

    @property
    def url(self) -> str:
        return f"https://localhost:{self.https_port}"

    @property
    def trust(self) -> ssl.SSLContext:
        """Return TLS settings that trust only the proxy's certificate."""
        return ssl.create_default_context(cafile=str(self.folder / "certificate.pem"))

    def caller(self, address: str = "127.0.0.1") -> httpx.Client:
        """Return a client whose requests come from `address`, any of 127.0.0.0/8."""
        transport = httpx.HTTPTransport(verify=self.trust, local_address=address)
        return httpx.Client(base_url=self.url, transport=transport, timeout=30)

    def connect(
        self, address: str = "127.0.0.1", trust: ssl.SSLContext | None = None
    ) -> ssl.SSLSocket:
        """Return a TLS connection that speaks HTTP/1.1, for requests that no client would send."""
        plain = socket.create_connection(("127.0.0.1", self.https_port), 30, (address, 0))
        return (trust or self.trust).wrap_socket(plain, server_hostname="localhost")

    def logs(self) -> str:
        return "".join(file.read_text() for file in self.folder.glob("*.log"))


def make_certificate(folder: Path) -> None:
    """Write a certificate for localhost and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def change(text: str, pattern: str, new: str) -> str:
    """Replace what an example must contain."""
    changed, times = re.subn(pattern, new, text, flags=re.MULTILINE)
    assert times, pattern
    return changed


def nginx_command(proxy: Proxy) -> list[str]:
    folder = proxy.folder
    site = (DEPLOY / "nginx.conf").read_text()
    site = change(site, r"^ *listen \[::\].*\n", "")
    site = change(site, r"listen 443", f"listen 127.0.0.1:{proxy.https_port}")
    site = change(site, r"listen 80", f"listen 127.0.0.1:{proxy.http_port}")
    site = change(site, r"/etc/letsencrypt/.*fullchain.pem", f"{folder}/certificate.pem")
    site = change(site, r"/etc/letsencrypt/.*privkey.pem", f"{folder}/key.pem")
    site = change(site, r"return 308 https://[^$]*", f"return 308 {proxy.url}")
    site = change(site, EXAMPLE_HOST, "localhost")
    site = change(site, "/var/log/nginx", str(folder))
    site = change(site, "/etc/donate/errors", str(DEPLOY / "errors"))
    site = change(site, r"_timeout 10s", f"_timeout {SHORT_S}s")
    servers = "".join(rf"server unix:{path}\1;\n    " for path in proxy.sockets)
    site = change(site, rf"server unix:{SOCKET}([^;]*);", servers)
    (folder / "site.conf").write_text(site)
    # nginx starts as root on a server, and its workers must read the files of this test.
    user = "user root;" if Path("/proc/self").owner() == "root" else ""
    (folder / "nginx.conf").write_text(NGINX_MAIN.format(folder=folder, user=user))
    return [find_server("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf")]


def caddy_command(proxy: Proxy) -> list[str]:
    folder = proxy.folder
    text = (DEPLOY / "Caddyfile").read_text()
    ports = f"admin off\n\thttps_port {proxy.https_port}\n\thttp_port {proxy.http_port}"
    text = change(text, r"^\{$", f"{{\n\t{ports}")
    text = change(text, r"^\tlog \{$", f"\tlog {{\n\t\toutput file {folder}/caddy.log")
    tls = f"tls {folder}/certificate.pem {folder}/key.pem"
    text = change(
        text,
        rf"^\{{\$DONATE_HOST:{EXAMPLE_HOST}\}} \{{$",
        f"localhost {{\n\t{tls}\n\tbind 127.0.0.1",
    )
    text = change(text, "/etc/donate/errors", str(DEPLOY / "errors"))
    text = change(text, r"read_header 10s", f"read_header {SHORT_S}s")
    text = change(text, rf"^http://\{{\$DONATE_HOST:{EXAMPLE_HOST}\}}", "http://localhost")
    text = change(text, rf"unix/{SOCKET}", " ".join(f"unix/{path}" for path in proxy.sockets))
    if len(proxy.sockets) > 1:
        text = change(text, r"# (?=lb_policy |health_)", "")
    (folder / "Caddyfile").write_text(text)
    return [find_server("caddy"), "run", "--config", str(folder / "Caddyfile")]


COMMANDS: dict[str, Callable[[Proxy], list[str]]] = {
    "nginx": nginx_command,
    "caddy": caddy_command,
}


@contextmanager
def run_proxy(kind: str, folder: Path, *sockets: Path) -> Iterator[Proxy]:
    """Run a proxy with its example in front of services that listen on these Unix sockets."""
    folder.mkdir(exist_ok=True)
    make_certificate(folder)
    proxy = Proxy(kind, folder, free_port(), free_port(), sockets)
    home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with (
        (folder / "output").open("wb") as output,
        subprocess.Popen(COMMANDS[kind](proxy), env=home, stdout=output, stderr=output) as process,
    ):
        try:
            wait_for(proxy, process)
            yield proxy
        finally:
            process.terminate()


def wait_for(proxy: Proxy, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            proxy.connect().close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    output = (proxy.folder / "output").read_text() + proxy.logs()
    raise AssertionError(f"{proxy.kind} did not start:\n{output}")
