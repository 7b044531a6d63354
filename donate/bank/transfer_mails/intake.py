"""Takes in e-mails from Interac: staff add them, or a mailbox forwards them to a folder."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from sqlmodel import Session

from donate.bank.shapes.statement import Sentence
from donate.bank.transfer_mails.examining import MailExaminer
from donate.bank.transfer_mails.keys import FetchKey, MailKeys
from donate.bank.transfer_mails.mail_parts import MAX_MAIL_BYTES
from donate.bank.transfer_mails.models import TransferMailFile, TransferMailKey
from donate.bank.transfer_mails.queries import due_files, stored_keys, uncounted_files
from donate.bank.transfer_mails.recorder import (
    MailImport,
    MailOutcome,
    import_mails,
    settle_waiting,
)
from donate.bank.transfer_mails.uncounted_mails import why_it_does_not_count
from donate.clock import Clock
from donate.regions.modes import Mode
from donate.regions.regions import Regions
from donate.storage.bulk_writes import insert_new
from donate.storage.database import Database

log = logging.getLogger(__name__)

_AT_ONCE: Final = 50
# A file that changed less than this many seconds ago may still be incomplete.
_SETTLED_S: Final = 3.0
_FROM_FOLDER: Final = "folder"


class TransferMailIntake:
    """Examines and records e-mails. Fetches public keys only while no transaction is open.

    `fetch` fetches a public key; without it, only stored keys are used. `folder` is the folder in
    TRANSFER_MAIL_FOLDER, if it is set.
    """

    def __init__(
        self,
        database: Database,
        regions: Regions,
        clock: Clock,
        *,
        operator_keys: Mapping[str, str] | None = None,
        fetch: FetchKey | None = None,
        folder: Path | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._addresses = _transfer_addresses(regions)
        self._time_zone = next(iter(regions.values())).time_zone
        self._operator_keys = dict(operator_keys or {})
        self._fetch = fetch
        self._folder = folder

    def add(
        self,
        files: Sequence[tuple[str, bytes]],
        *,
        actor: str,
        on_added: Callable[[Session, MailImport], None] | None = None,
    ) -> MailImport:
        """Record files, each given as a name and its content.

        Raises BadInput if there are too many. `on_added` is called in the same transaction, to add
        a trail entry.
        """
        keys = self._keys()
        examined = self._examiner(keys).examine_files(files)
        now = self._clock.now()
        with self._database.writing() as session:
            self._store(session, keys)
            added = import_mails(session, examined, actor=actor, now=now)
            if on_added:
                on_added(session, added)
        return added

    def check_due(self) -> int:
        """Check the e-mails again whose public key was missing.

        Return how many have now been decided.
        """
        with self._database.reading() as session:
            due = due_files(session, self._clock.now(), _AT_ONCE)
        if not due:
            return 0
        keys = self._keys()
        settled = 0
        for number, content in due:
            examined = self._examiner(keys).examine_again(content)
            with self._database.writing() as session:
                self._store(session, keys)
                result = settle_waiting(session, number, examined, now=self._clock.now())
            settled += result is not None and result.outcome is not MailOutcome.WAITING
        return settled

    def uncounted(self, limit: int) -> list[tuple[TransferMailFile, Sentence]]:
        """Return e-mails that were kept and do not count, the latest first, each with the reason.

        It sends no query to DNS.
        """
        with self._database.reading() as session:
            files = uncounted_files(session, limit)
            keys = MailKeys(stored_keys(session) | self._operator_keys)
        examiner = self._examiner(keys)
        return [
            (file, why_it_does_not_count(file, examiner.examine_again(file.content)))
            for file in files
        ]

    def take_folder_due(self) -> int:
        """Record the files in the folder, and move each one to `done` or `refused`.

        Return how many.
        """
        if self._folder is None:
            return 0
        taken = 0
        for path in self._waiting_files()[:_AT_ONCE]:
            try:
                # One byte more than is allowed, so that a larger file is refused.
                with path.open("rb") as file:
                    content = file.read(MAX_MAIL_BYTES + 1)
                added = self.add([(path.name, content)], actor=_FROM_FOLDER)
                self._put_away(path, added)
            except OSError as error:
                log.warning("a file of TRANSFER_MAIL_FOLDER: %s", type(error).__name__)
            else:
                taken += 1
        return taken

    def _waiting_files(self) -> list[Path]:
        """Return the files in the folder and in its subfolder `new`, as in a maildir, in order."""
        assert self._folder
        now = self._clock.now().timestamp()
        found = []
        for folder in (self._folder, self._folder / "new"):
            try:
                paths = sorted(folder.iterdir())
                found += [
                    path
                    for path in paths
                    if not path.name.startswith(".")
                    and path.is_file()
                    and not path.is_symlink()
                    and path.stat().st_mtime <= now - _SETTLED_S
                ]
            except OSError:
                continue
        return found

    def _put_away(self, path: Path, added: MailImport) -> None:
        assert self._folder
        refused = [r for r in added.results if r.outcome is MailOutcome.REFUSED]
        target = self._folder / ("refused" if refused else "done")
        target.mkdir(exist_ok=True)
        name, number = path.name, 1
        while (target / name).exists():
            number += 1
            name = f"{number}-{path.name}"
        path.rename(target / name)
        for result in refused:
            # Log the sentence without its values, because these are donors' data.
            log.warning("TRANSFER_MAIL_FOLDER refused a file: %s", result.sentence.message)

    def _keys(self) -> MailKeys:
        with self._database.reading() as session:
            known = stored_keys(session) | self._operator_keys
        return MailKeys(known, self._fetch)

    def _examiner(self, keys: MailKeys) -> MailExaminer:
        return MailExaminer(keys, addresses=self._addresses, time_zone=self._time_zone)

    def _store(self, session: Session, keys: MailKeys) -> None:
        now = self._clock.now()
        rows = [
            {"selector": selector, "record": record, "fetched_at": now}
            for selector, record in keys.fetched.items()
        ]
        insert_new(session, TransferMailKey, rows)


def _transfer_addresses(regions: Regions) -> set[str]:
    """Return the addresses to which donors of all regions send transfers."""
    terms = [region.modes.get(Mode.INTERAC) for region in regions.values()]
    return {each.send_to for each in terms if each and each.send_to}
