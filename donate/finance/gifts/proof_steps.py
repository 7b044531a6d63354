"""Makes the steps of a gift's proof, each from the database rows that prove it. Pure functions."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from donate.errors import N_
from donate.finance.gifts.evidence_rows import evidence_rows
from donate.finance.gifts.queries import MOST_EVENTS, ProofRows
from donate.finance.movements.words import MOVEMENT_KINDS
from donate.finance.words import KINDS, MODE_NAMES, actor_name
from donate.gifts.facts import FactKind
from donate.gifts.models import GiftFact
from donate.gifts.movements.models import GiftMovement
from donate.gifts.movements.rules import MovementKind
from donate.letters.kinds import LetterKind
from donate.letters.models import LetterState
from donate.money import Money
from donate.regions.terms import Frequency
from donate.stripe_gateway.dashboard import Dashboard
from donate.stripe_gateway.events.fields import is_instant
from donate.stripe_gateway.models import EventSource, EventState, StripeEvent
from donate.web.templating import Localizer

_VERIFIED: Final = {
    EventSource.WEBHOOK: N_("Sent by Stripe. Its signature was verified."),
    EventSource.CATCHUP: N_("Fetched from Stripe by catch-up, with our key."),
    EventSource.ASKED: N_("Stripe’s answer when we asked, with our key."),
}
_NOT_SETTLED: Final = {
    EventState.WAITING: N_("Not applied to the gift yet."),
    EventState.SET_ASIDE: N_("Not applied to the gift: it needs review."),
    EventState.DISMISSED: N_("Not applied to the gift: staff dismissed it."),
    EventState.IGNORED: N_("Nothing to record on the gift."),
}


@dataclass(frozen=True, slots=True)
class ProofStep:
    """One step of a gift's proof.

    All texts are already translated, except `title` and the names in `folded`. If a step is not
    known, its `sentences` say so, and the other fields are empty.
    """

    title: str
    sentences: tuple[str, ...] = ()
    amount: Money | None = None
    at: datetime | None = None
    day: date | None = None
    """The date, if no time is known or the time does not matter. The page then shows no time."""
    by: str = ""
    page: str = ""
    """The URL of our own page about the subject of this step."""
    in_stripe: str = ""
    """The URL of the object in Stripe's Dashboard."""
    folded: tuple[tuple[str, str], ...] = ()
    """Names and values of ids and evidence. The page hides them until they are unfolded."""
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class ProofContext:
    """The data for the steps of a proof: rows, names of staff, language, Dashboard."""

    rows: ProofRows
    names: Mapping[str, str]
    localizer: Localizer
    dashboard: Dashboard | None

    def facts(self, *kinds: FactKind) -> list[GiftFact]:
        """Return the gift's facts of these kinds."""
        return [fact for fact in self.rows.facts if fact.kind in kinds]

    def name(self, actor: str) -> str:
        """Return the name to show for an actor such as `staff:7`."""
        return actor_name(actor, self.names, self.localizer.language)

    def in_stripe(self, object_id: str) -> str:
        """Return the URL of an object in Stripe's Dashboard; "" if there is none."""
        return self.dashboard.address_of(object_id) if self.dashboard else ""

    def from_fact(self, fact: GiftFact, title: str, *sentences: str, page: str = "") -> ProofStep:
        """Return a step that is proved by one fact."""
        return ProofStep(
            title,
            tuple(filter(None, sentences)),
            at=fact.happened_at,
            by=self.name(fact.actor),
            page=page,
            in_stripe=self.in_stripe(fact.source_id),
            folded=self.fold_fact(fact),
        )

    def fold_fact(self, fact: GiftFact) -> tuple[tuple[str, str], ...]:
        """Return a fact's source, time of recording and evidence, as names and values."""
        recorded = self.localizer.moment(fact.recorded_at, self.rows.gift.time_zone)
        return (
            (N_("source"), fact.source_id),
            (N_("recorded"), recorded),
            *evidence_rows(fact, self.names, self.localizer.language),
        )


def choice_steps(context: ProofContext, title: str) -> Iterator[ProofStep]:
    """Yield a step about the donor's choice: what was chosen, when, and by whom."""
    gift, _ = context.rows.gift, context.localizer
    monthly = gift.frequency == Frequency.MONTHLY
    chosen = [
        _(MODE_NAMES[gift.mode]),
        _("Every month") if monthly else _("Once"),
        _.name_of_language(gift.language),
        _("code %(code)s", code=gift.code),
        _("fund %(fund)s", fund=gift.fund) if gift.fund else _("no fund"),
    ]
    first = context.rows.first
    of_pledge = N_("A month of the monthly gift that began as %(reference)s.")
    sentence = _(of_pledge, reference=first.reference) if first else ""
    page = f"/finance/gifts/{first.id}" if first else ""
    for fact in context.facts(FactKind.GIFT_OPENED):
        yield context.from_fact(fact, title, " · ".join(chosen), sentence, page=page)


def session_steps(context: ProofContext, title: str) -> Iterator[ProofStep]:
    """Yield a step about each checkout session."""
    _ = context.localizer
    for fact in context.facts(FactKind.CHECKOUT_OPENED):
        attempt = fact.as_fact().attempt
        sentence = _("Attempt %(number)s.", number=str(attempt)) if attempt else ""
        yield context.from_fact(fact, title, sentence)


def subscription_steps(context: ProofContext, title: str) -> Iterator[ProofStep]:
    """Yield a step about the subscription of a monthly gift."""
    if context.rows.subscription:
        page = f"/finance/monthly/{context.rows.gift.pledge_id}"
        yield context.from_fact(context.rows.subscription, title, page=page)


def invoice_steps(context: ProofContext, title: str) -> Iterator[ProofStep]:
    """Yield a step about the invoice of a monthly payment."""
    for fact in context.rows.facts:
        invoice = fact.as_fact().invoice or fact.source_id
        if invoice.startswith("in_"):
            yield ProofStep(
                title,
                at=fact.happened_at,
                by=context.name(fact.actor),
                in_stripe=context.in_stripe(invoice),
                folded=((N_("invoice"), invoice), *context.fold_fact(fact)),
            )
            return


def event_steps(context: ProofContext, title: str) -> Iterator[ProofStep]:
    """Yield a step about each Stripe event on the gift's money, and how the event was verified."""
    _ = context.localizer
    for event in context.rows.events[:MOST_EVENTS]:
        yield _event(context, event, title)
    if len(context.rows.events) > MOST_EVENTS:
        yield ProofStep(title, (_("There are more events. Stripe’s Dashboard lists them all."),))


def _event(context: ProofContext, event: StripeEvent, title: str) -> ProofStep:
    _, zone = context.localizer, context.rows.gift.time_zone
    stored = _.moment(event.received_at, zone)
    not_settled = _NOT_SETTLED.get(event.state)
    return ProofStep(
        title,
        (
            event.type,
            _(_VERIFIED[event.source]),
            _("Stored: %(time)s", time=stored),
            *([_(not_settled)] if not_settled else []),
        ),
        at=_made_at(event),
        by="Stripe",
        in_stripe=context.in_stripe(event.event_id),
        folded=(
            (N_("event"), event.event_id),
            (N_("row in stripe_event"), str(event.id)),
            (N_("status"), event.state),
        ),
    )


def _made_at(event: StripeEvent) -> datetime | None:
    """Return the time when Stripe created an event; None if the stored event does not state it."""
    try:
        made = json.loads(event.payload).get("created")
    except (ValueError, AttributeError, RecursionError):
        return None
    return datetime.fromtimestamp(made, UTC) if is_instant(made) else None


def amount_steps(context: ProofContext, title: str) -> Iterator[ProofStep]:
    """Yield a step about each movement of money."""
    by_source = {(fact.kind, fact.source_id): fact for fact in context.rows.facts}
    for movement in context.rows.movements:
        yield _amount(context, movement, by_source[movement.cause, movement.source_id], title)


def _amount(context: ProofContext, movement: GiftMovement, fact: GiftFact, title: str) -> ProofStep:
    _ = context.localizer
    sentences = [_(MOVEMENT_KINDS[movement.kind])]
    request = fact.as_fact().request
    if movement.kind == MovementKind.REFUND and request:
        asked = [f for f in context.facts(FactKind.REFUND_REQUESTED) if f.source_id == request]
        sentences += [_("Requested by %(name)s.", name=context.name(f.actor)) for f in asked]
    return ProofStep(
        title,
        tuple(sentences),
        amount=Money(movement.amount_minor, movement.currency),
        day=movement.day,
        by=context.name(fact.actor),
        in_stripe=context.in_stripe(movement.source_id.partition(":")[0]),
        folded=((N_("row in gift_movement"), str(movement.id)), *context.fold_fact(fact)),
    )


def instruction_steps(context: ProofContext, title: str) -> Iterator[ProofStep]:
    """Yield a step about each e-mail with payment instructions that was sent."""
    _ = context.localizer
    for letter in context.rows.letters:
        if letter.kind == LetterKind.INSTRUCTIONS and letter.state == LetterState.SENT:
            yield ProofStep(
                title,
                (_("The mail server accepted the e-mail."),),
                at=letter.sent_at,
                by=context.name(letter.asked_by),
                page=f"/finance/gifts/{letter.gift_id}/letters/{letter.id}",
                folded=((N_("row in letter"), str(letter.id)),),
            )


def announced_steps(context: ProofContext, title: str) -> Iterator[ProofStep]:
    """Yield a step if the donor reported that they had sent the transfer."""
    _ = context.localizer
    for fact in context.facts(FactKind.TRANSFER_ANNOUNCED):
        yield context.from_fact(fact, title)
    for fact in context.facts(FactKind.ANNOUNCEMENT_TAKEN_BACK):
        yield context.from_fact(fact, _(KINDS[fact.kind]))


def transfer_steps(context: ProofContext, title: str) -> Iterator[ProofStep]:
    """Yield a step about each transfer that staff marked as received."""
    _ = context.localizer
    undone = {fact.source_id: fact for fact in context.facts(FactKind.TRANSFER_UNDONE)}
    for fact in context.facts(FactKind.TRANSFER_RECEIVED):
        by = undone.get(fact.source_id)
        yield ProofStep(
            title,
            (
                _("Bank reference %(reference)s.", reference=fact.as_fact().bank_reference),
                *([_("Undone by %(name)s.", name=context.name(by.actor))] if by else []),
            ),
            at=fact.recorded_at,
            by=context.name(fact.actor),
            folded=context.fold_fact(fact),
        )


def entry_steps(context: ProofContext, title: str) -> Iterator[ProofStep]:
    """Yield a step about the entry of a cheque or cash gift."""
    _, entry = context.localizer, context.rows.entry
    if entry is None:
        return
    number = entry.cheque_number and _("Cheque number %(number)s.", number=entry.cheque_number)
    bank = entry.bank_name and _("Bank: %(bank)s.", bank=entry.bank_name)
    yield ProofStep(
        title,
        tuple(filter(None, (number, bank))),
        at=entry.entered_at,
        by=context.name(entry.entered_by),
        page=f"/finance/offline/entries/{entry.id}",
        folded=((N_("row in offline_entry"), str(entry.id)),),
    )


def batch_steps(context: ProofContext, title: str) -> Iterator[ProofStep]:
    """Yield a step about the batch of a cheque or cash gift."""
    _, batch = context.localizer, context.rows.batch
    if batch:
        yield ProofStep(
            title,
            (batch.name, *([_("Count and sum agreed.")] if batch.is_closed else [])),
            at=batch.closed_at or batch.started_at,
            by=context.name(batch.closed_by or batch.started_by),
            page=f"/finance/offline/batches/{batch.id}",
            folded=((N_("row in offline_batch"), str(batch.id)),),
        )
