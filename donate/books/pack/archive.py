"""Puts files into a ZIP archive whose bytes depend only on the files' names and contents.

The files are not compressed, because the compressed bytes depend on the version of zlib.
"""

import hashlib
import io
import re
import zipfile
from collections.abc import Iterable
from typing import Final, NamedTuple

CHECKSUMS: Final = "SHA256SUMS.txt"
"""The file with the SHA-256 of all other files, in the format of `sha256sum --check`."""

# The earliest time that a ZIP archive can store. All files get it.
_MOMENT: Final = (1980, 1, 1, 0, 0, 0)
_UNIX: Final = 3
_READABLE: Final = 0o100644 << 16
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")


class PackedFile(NamedTuple):
    """A file of a pack: its name, with `/` between folders, and its content."""

    name: str
    content: bytes


def write_pack(files: Iterable[PackedFile]) -> bytes:
    """Return a ZIP archive with these files and their checksums, sorted by file name.

    Raises ValueError if a name is unsafe, or if two names differ only in upper and lower case.
    """
    by_name = {file.name: file for file in _checked(files)}
    sums = "".join(
        f"{hashlib.sha256(by_name[name].content).hexdigest()}  {name}\n" for name in sorted(by_name)
    )
    by_name[CHECKSUMS] = PackedFile(CHECKSUMS, sums.encode())
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as writer:
        for name in sorted(by_name):
            info = zipfile.ZipInfo(name, _MOMENT)
            info.create_system = _UNIX
            info.external_attr = _READABLE
            writer.writestr(info, by_name[name].content)
    return archive.getvalue()


def _checked(files: Iterable[PackedFile]) -> list[PackedFile]:
    taken = {CHECKSUMS.lower()}
    checked = []
    for file in files:
        if not _NAME.fullmatch(file.name):
            raise ValueError(f"{file.name!r} is no safe name of a file")
        if file.name.lower() in taken:
            raise ValueError(f"{file.name} is there twice")
        taken.add(file.name.lower())
        checked.append(file)
    return checked
