"""A pack has the same bytes for the same files, and lists their checksums."""

import hashlib
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from donate.books.pack.archive import CHECKSUMS, PackedFile, write_pack

FILES = [
    PackedFile("journal/xero.csv", b"*Narration\r\n"),
    PackedFile("register.csv", "é\n".encode() * 1_000),
    PackedFile("empty.txt", b""),
]


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    """The order of the files, the time zone and the process do not matter."""
    program = (
        "import sys, pathlib; from donate.books.pack.archive import PackedFile, write_pack;"
        f"files = {[tuple(file) for file in FILES[::-1]]!r};"
        "pack = write_pack(PackedFile(*file) for file in files);"
        "pathlib.Path(sys.argv[1]).write_bytes(pack)"
    )
    root = Path(__file__).parent.parent.parent
    environment = {"TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7"}
    subprocess.run(
        [sys.executable, "-c", program, tmp_path / "pack.zip"],
        cwd=root,
        env=environment,
        check=True,
    )
    assert (tmp_path / "pack.zip").read_bytes() == write_pack(FILES)
    assert write_pack(FILES[:2]) != write_pack(FILES)


def test_the_files_are_read_back() -> None:
    """A ZIP reader finds every file whole, in the order of the names, and readable by all."""
    with zipfile.ZipFile(io.BytesIO(write_pack(FILES))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            CHECKSUMS,
            "empty.txt",
            "journal/xero.csv",
            "register.csv",
        ]
        for file in FILES:
            assert archive.read(file.name) == file.content
        assert {info.external_attr >> 16 for info in archive.infolist()} == {0o100644}


def test_the_checksums_are_right() -> None:
    """The list of checksums has the SHA-256 of every other file."""
    with zipfile.ZipFile(io.BytesIO(write_pack(FILES))) as archive:
        lines = archive.read(CHECKSUMS).decode().splitlines()
    listed = {name: digest for digest, name in (line.split("  ") for line in lines)}
    assert listed == {file.name: hashlib.sha256(file.content).hexdigest() for file in FILES}


@pytest.mark.parametrize(
    "name",
    ["", "/etc/passwd", "../up.csv", "a/../b.csv", "a\\b.csv", "a\n.csv", ".hidden", "é.csv"],
)
def test_an_unsafe_name_is_refused(name: str) -> None:
    """A name that leads out of the folder, or that not every system can store, is refused."""
    with pytest.raises(ValueError, match="no safe name"):
        write_pack([PackedFile(name, b"")])


@pytest.mark.parametrize("names", [("a.csv", "a.csv"), ("a.csv", "A.csv"), ("sha256sums.TXT",)])
def test_a_name_is_there_once(names: tuple[str, ...]) -> None:
    """Two files whose names differ in case only, or the name of the checksums, are refused."""
    with pytest.raises(ValueError, match="is there twice"):
        write_pack([PackedFile(name, b"") for name in names])
