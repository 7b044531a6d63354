"""The steps of the Containerfile make a service that runs, though no engine builds it here."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.containerfile import DEPLOY, Stage, read_stages, variables_of, words_of
from tests.deploy.running import give, running_service
from tests.links import LINK_KEY
from tests.real_parts import SECRET_KEY, WEBHOOK_SECRET, Sqlite

ROOT = DEPLOY.parent
BUILD_FOLDER = "/opt/donate"
# Stands for the image's Python. It must not fetch uv again, which scripts/uv has installed.
PYTHON = """#!/bin/sh
case "$*" in
    "-m pip install --no-cache-dir --require-hashes --requirement scripts/uv.txt") exit ;;
    *) exec {python} "$@" ;;
esac
"""


def copies(stage: Stage) -> list[tuple[list[str], str]]:
    """Return the sources and the target of each COPY, without its options."""
    words = [[w for w in shlex.split(copy) if w[:2] != "--"] for copy in stage.of("COPY")]
    return [(copy[:-1], copy[-1]) for copy in words]


def test_the_image_is_built_in_two_stages_and_runs_as_nobody() -> None:
    """The last stage has no RUN and no shell, and its user is not root."""
    defaults, (build, final) = read_stages()
    assert build.base == final.base == defaults["PYTHON"]
    assert re.fullmatch(r"docker\.io/library/python:\d\.\d+-slim-\w+", defaults["PYTHON"])
    assert final.of("RUN") == []
    (user,) = final.of("USER")
    assert [int(number) > 999 for number in user.split(":")] == [True, True]
    assert all(words_of(command) for command in build.of("RUN"))
    assert final.one("ENTRYPOINT") + final.one("CMD") == [
        f"{BUILD_FOLDER}/.venv/bin/donate",
        "serve",
    ]
    assert final.of("STOPSIGNAL") == ["SIGTERM"]


def test_the_build_sees_what_it_copies_and_nothing_else() -> None:
    """.dockerignore lets through exactly the sources of COPY, which all exist."""
    _, (build, _) = read_stages()
    sources = {source for named, _ in copies(build) for source in named}
    ignored, *let_through = (ROOT / ".dockerignore").read_text().split()
    assert ignored == "*"
    assert {name.removeprefix("!") for name in let_through} == sources
    assert all((ROOT / source).exists() for source in sources)


def build_in(folder: Path) -> Path:
    """Carry out the first stage in a folder; return what stands for /opt/donate."""
    _, (build, _) = read_stages()
    work, programs = folder / "opt" / "donate", folder / "bin"
    for new in (work, programs):
        new.mkdir(parents=True)
    python = programs / "python"
    python.write_text(PYTHON.format(python=sys.executable))
    python.chmod(0o755)
    (programs / "uv").symlink_to(shutil.which("uv") or ROOT / ".tools/uv/bin/uv")
    base = getattr(sys, "_base_executable", sys.executable)
    # Compiling takes longer than all other steps.
    ours = {"UV_PYTHON": base, "UV_COMPILE_BYTECODE": "0", "UV_LINK_MODE": "hardlink"}
    environment = {
        **{name: text for name, text in os.environ.items() if name[:3] != "UV_" or "INDEX" in name},
        **variables_of(build),
        **ours,
        "PATH": f"{programs}:{os.environ['PATH']}",
    }
    for name, arguments in build.steps:
        if name == "COPY":
            *sources, target = shlex.split(arguments)
            for source in sources:
                copy(ROOT / source, work / target / source if target == "./" else work / target)
        elif name == "RUN":
            subprocess.run(words_of(arguments), cwd=work, env=environment, check=True)
    return work


def copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what stands for /opt/donate in the image."""
    work = build_in(tmp_path_factory.mktemp("image"))
    shutil.rmtree(work / "donate")  # the last stage has only .venv
    return work


def test_what_is_built_serves(built: Path, sqlite: Sqlite, tmp_path: Path) -> None:
    """The steps install the service without tests, and it takes a gift, checked for its health."""
    work = built
    _, (_, final) = read_stages()
    state = tmp_path / "state"
    shutil.copytree(work / "state", state)
    socket = state / "donate.sock"
    environment = variables_of(final) | {
        "SOCKET": str(socket),
        "DATABASE_URL": sqlite.fresh_url(),
        "STRIPE_SECRET_KEY": SECRET_KEY,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "LINK_KEY": LINK_KEY,
        "DRAIN_SECONDS": "0",
        "CATCHUP_EVERY_MINUTES": "0",
    }

    def here(words: list[str]) -> list[str]:
        """Return a command of the image with the folder and the socket of this test."""
        command = "\0".join(words).replace(BUILD_FOLDER, str(work))
        return command.replace(variables_of(final)["SOCKET"], str(socket)).split("\0")

    health = here(words_of(final.of("HEALTHCHECK")[0].partition(" CMD ")[2]))
    command = here(final.one("ENTRYPOINT") + final.one("CMD"))

    def is_healthy() -> bool:
        return subprocess.run(health, env={}, capture_output=True, check=False).returncode == 0

    before = sorted(work.rglob("*"))
    assert not is_healthy()
    with running_service(command, state, environment, socket):
        assert is_healthy()
        assert give(socket) == 201
    assert sorted(work.rglob("*")) == before, "it wrote beside its own folder"
    assert not (work / ".venv/bin/pytest").exists()


@pytest.fixture(params=["image", "server"])
def installed(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return the folder with .venv, as the image has it and as docs/deploy.md installs it."""
    if request.param == "image":
        built: Path = request.getfixturevalue("built")
        return built
    folder = tmp_path / "opt"
    subprocess.run(
        ["scripts/install", "server", folder],
        cwd=ROOT,
        env=os.environ | {"UV_COMPILE_BYTECODE": "0", "PYTHON": sys.executable},
        check=True,
    )
    return folder


def test_only_what_is_needed_is_installed(installed: Path, sqlite: Sqlite, tmp_path: Path) -> None:
    """Without demo and pretend Stripe, the commands work, and those two say where they are."""
    (package,) = installed.glob(".venv/lib/python3*/site-packages/donate")
    assert (package / "commands").is_dir()
    assert not [name for name in ("sandbox", "demo") if (package / name).exists()]
    secrets = {"STRIPE_SECRET_KEY": SECRET_KEY, "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET}
    environment = secrets | {"LINK_KEY": LINK_KEY, "DATABASE_URL": sqlite.fresh_url()}

    def said_by(*arguments: str) -> str:
        run = subprocess.run(
            [str(installed / ".venv/bin/donate"), *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return run.stdout + run.stderr

    assert "serve" in said_by("--help")
    assert "nobody can sign in at /finance" in said_by("doctor")
    assert "`donate work` needs PostgreSQL" in said_by("work")
    for command in ("demo", "sandbox"):
        assert said_by(command).startswith(
            "donate: the demo and the pretend Stripe are not installed here"
        )
