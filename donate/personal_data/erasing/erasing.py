"""Erases a donor: one transaction takes out, table by table, what the rules say.

Amounts, days, references and Stripe's ids stay. The chain records which facts and acts were
redacted. Doing it again changes nothing.
"""

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Table, bindparam, delete, select, update
from sqlmodel import Session, SQLModel, col

from donate.gifts.donor_profiles.models import DonorProfile
from donate.gifts.models import Gift
from donate.gifts.search_index.contents import gift_words
from donate.gifts.search_index.models import KeyKind, SearchKey
from donate.gifts.search_index.recorder import record_gift_words
from donate.letters.models import Letter, LetterState
from donate.personal_data.collecting import batches, held_rows
from donate.personal_data.donor_scope import DonorScope, scope_for_staff
from donate.personal_data.erasing.event_search import FoundEvents
from donate.personal_data.erasing.rules import (
    DELETED,
    ERASED,
    FREE_TEXTS,
    KEPT_EVIDENCE,
    REPLACED,
)
from donate.personal_data.erasing.summary import traces_of
from donate.personal_data.erasing.uncounted_mails import empty_uncounted_mails
from donate.storage.bulk_writes import table_of
from donate.storage.chain.amending import amend_rows
from donate.storage.chain.models import AmendmentReason

Rows = list[dict[str, Any]]
MOST_IN_A_VIEWS_NAME: Final = 60


class ChangedMeanwhile(Exception):
    """The donor has another name or address than the one that was looked for in events."""


def erase_donor(
    session: Session, main: DonorProfile, events: FoundEvents, *, actor: str, now: datetime
) -> int:
    """Erase a main profile and those merged into it; return how many rows were changed or deleted.

    `events` were found before this transaction. The caller has checked `obstacles`, records an act,
    and commits. Raises NotChainedYet if a fact or an act is so new that the chain does not cover
    it, or ChangedMeanwhile; then nothing is changed.
    """
    scope = scope_for_staff(session, main)
    held = held_rows(session, scope)
    if traces_of(held).texts != events.traces.texts:
        raise ChangedMeanwhile
    return _Erasing(session, scope, held, events, actor=actor, now=now).run(main)


class _Erasing:
    def __init__(
        self,
        session: Session,
        scope: DonorScope,
        held: Mapping[str, Rows],
        events: FoundEvents,
        *,
        actor: str,
        now: datetime,
    ) -> None:
        self._session = session
        self._scope = scope
        self._held = held
        self._traces = events.traces
        self._named_events = events.ids
        self._about = f"donor {min(scope.profile_ids)}"
        self._actor = actor
        self._now = now
        self._changed = 0

    def run(self, main: DonorProfile) -> int:
        """Erase everything. Begin with the chained rows: this fails if they are not chained yet."""
        self._redact("gift_fact", self._new_evidence())
        self._redact("staff_act", self._new_acts())
        self._clean_events()
        self._scrub_texts()
        for name, values in REPLACED.items():
            self._replace(name, values)
        references = {row["interac_reference"] for row in self._held["transfer_mail"]}
        self._changed += empty_uncounted_mails(
            self._session, self._traces, references, now=self._now
        )
        self._end_links_and_letters()
        for name in DELETED:
            self._delete(name)
        self._index_again()
        if self._changed and main.erased_at is None:
            ids = col(DonorProfile.id).in_(self._scope.profile_ids)
            self._session.execute(update(DonorProfile).where(ids).values(erased_at=self._now))
        self._session.expire_all()
        return self._changed

    def _redact(self, name: str, rows: Mapping[int, dict[str, Any]]) -> None:
        table = _table(name)

        def change() -> None:
            columns = next(iter(rows.values()))
            statement = update(table).where(table.c.id == bindparam("row_id"))
            statement = statement.values({column: bindparam(f"new_{column}") for column in columns})
            self._session.connection().execute(
                statement,
                [
                    {"row_id": row_id, **{f"new_{column}": row[column] for column in row}}
                    for row_id, row in rows.items()
                ],
            )

        amend_rows(
            self._session,
            name,
            list(rows),
            change,
            why=AmendmentReason.ERASED,
            about=self._about,
            actor=self._actor,
            now=self._now,
        )
        self._changed += len(rows)

    def _new_evidence(self) -> dict[int, dict[str, Any]]:
        new = {}
        for row in self._held["gift_fact"]:
            evidence = self._traces.taken_out(
                {key: each for key, each in row["evidence"].items() if _stays(key, each)}
            )
            if evidence != row["evidence"]:
                new[row["id"]] = {"evidence": evidence}
        return new

    def _new_acts(self) -> dict[int, dict[str, Any]]:
        """Return, by id, the new columns of acts that are about the donor or name the donor."""
        act = _table("staff_act")
        named = select(act).where(self._traces.found_in(act.c.about, act.c.detail))
        about_donor = {row["id"]: row for row in self._held["staff_act"]}
        rows = {row.id: dict(row._mapping) for row in self._session.execute(named)}
        staff = set(self._session.execute(select(_table("staff").c.email)).scalars())
        new = {}
        for row_id, row in (rows | about_donor).items():
            if row["about"].lower() in staff:  # about an account, even if the donor has it
                continue
            detail = self._traces.taken_out(row["detail"])
            if row_id in about_donor:
                detail = {key: ERASED if key in FREE_TEXTS else detail[key] for key in detail}
            values = {"about": self._traces.taken_out(row["about"])[:255], "detail": detail}
            if values != {"about": row["about"], "detail": row["detail"]}:
                new[row_id] = values
        return new

    def _clean_events(self) -> None:
        """Clean the events of the donor's gifts, and others that have the donor's address."""
        event = _table("stripe_event")
        own = {row["id"] for row in self._held["stripe_event"]}
        for row_id in sorted(own | self._named_events):
            of_row = event.c.id == row_id
            row = self._session.execute(select(event).where(of_row).with_for_update()).first()
            if row is None:  # pruned since it was found
                continue
            old, history = bytes(row.payload), row.history
            if row_id in own:
                history = [{**each, "why": each.get("why") and ERASED} for each in history]
                payload = self._traces.out_of_payload(old)
            else:
                payload = self._traces.out_of_other_payload(old)
                history = history if payload == old else self._traces.taken_out(history)
            if (payload, history) != (old, row.history):
                self._session.execute(
                    update(event).where(of_row).values(payload=payload, history=history)
                )
                self._changed += 1

    def _scrub_texts(self) -> None:
        traces = self._traces
        transaction, view = _table("balance_transaction").c, _table("saved_view").c
        own = {row["id"] for row in self._held["balance_transaction"]}
        for some in batches(sorted(own)):
            self._scrub(transaction.description, transaction.id.in_(some), traces.taken_out)
        others = traces.address_found_in(transaction.description)
        self._scrub(transaction.description, others, traces.without_addresses)
        self._scrub(view.query, traces.found_in(view.query), traces.taken_out)
        self._rename_views()
        line = _table("bank_line")
        guesses = select(line.c.id, line.c.suggestions)
        found = self._session.execute(guesses.where(traces.found_in(line.c.suggestions))).all()
        for row_id in [row.id for row in found if traces.are_in(row.suggestions)]:
            again = update(line).where(line.c.id == row_id)
            self._session.execute(again.values(suggestions="[]", band=None, line_class=None))

    def _rename_views(self) -> None:
        """Take the donor out of the names of views. A number keeps names of a person unique."""
        view = _table("saved_view")
        named = select(view.c.id, view.c.name).where(self._traces.found_in(view.c.name))
        for row_id, name in self._session.execute(named).all():
            clean = self._traces.taken_out(name)
            if clean != name:
                number = f" {row_id}"
                new = clean[: MOST_IN_A_VIEWS_NAME - len(number)] + number
                change = update(view).where(view.c.id == row_id)
                self._session.execute(change.values(name=new))
                self._changed += 1

    def _scrub(
        self, column: Column[Any], found: ColumnElement[bool], clean: Callable[[str], str]
    ) -> None:
        """Clean the texts of a column in the rows that were found."""
        table = column.table
        for row_id, text in self._session.execute(select(table.c.id, column).where(found)).all():
            cleaned = clean(text)
            if cleaned != text:
                change = update(table).where(table.c.id == row_id)
                self._session.execute(change.values({column.name: cleaned}))
                self._changed += 1

    def _replace(self, name: str, values: Mapping[str, Any]) -> None:
        table = _table(name)
        for row in self._held[name]:
            if any(row[column] != value for column, value in values.items()):
                of_row = [each == row[each.name] for each in table.primary_key]
                self._session.execute(update(table).where(*of_row).values(values))
                self._changed += 1

    def _end_links_and_letters(self) -> None:
        """Give each gift a new link if anything was erased, and dismiss all waiting e-mails."""
        gift, letter = table_of(Gift), table_of(Letter)
        if self._changed:
            for gift_id in self._scope.gift_ids:
                link = {"link_name": secrets.token_urlsafe(16)}
                self._session.execute(update(gift).where(gift.c.id == gift_id).values(link))
        waiting = letter.c.state.in_((LetterState.WAITING, LetterState.SET_ASIDE))
        of_gifts = update(letter).where(letter.c.gift_id.in_(self._scope.gift_ids), waiting)
        self._session.execute(of_gifts.values(state=LetterState.DISMISSED))

    def _delete(self, name: str) -> None:
        table = _table(name)
        for row in self._held.get(name, ()):
            of_row = [each == row[each.name] for each in table.primary_key]
            self._session.execute(delete(table).where(*of_row))
            self._changed += 1
        if name == "donor_name_word":
            words = delete(table).where(table.c.profile_id.in_(self._scope.profile_ids))
            self._session.execute(words)
        if name == "search_document":
            self._session.execute(delete(table).where(table.c.gift_id.in_(self._scope.gift_ids)))

    def _index_again(self) -> None:
        """Add each gift to the search index again, only with the words of its reference.

        The digits of a card or account are gone from the facts, so remove them from the keys.
        """
        key = table_of(SearchKey)
        of_gifts = key.c.gift_id.in_(self._scope.gift_ids)
        self._session.execute(delete(key).where(of_gifts, key.c.kind == KeyKind.CARD))
        gift = table_of(Gift).c
        gifts = select(gift.id, gift.reference).where(gift.id.in_(self._scope.gift_ids))
        words = {
            gift_id: gift_words(name="", email="", reference=reference)
            for gift_id, reference in self._session.execute(gifts).all()
        }
        record_gift_words(self._session, words)


def _table(name: str) -> Table:
    return SQLModel.metadata.tables[name]


def _stays(key: str, value: object) -> bool:
    """Whether a value of a fact's evidence is kept. A reason is kept if it is a code."""
    is_code = isinstance(value, str) and value.replace("_", "").isalnum() and value.islower()
    return key in KEPT_EVIDENCE or not isinstance(value, str) or (key == "reason" and is_code)
