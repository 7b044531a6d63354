"""A gift's status does not depend on the order of its facts, and its amounts add up."""

from collections.abc import Callable
from datetime import timedelta

from hypothesis import given, settings, strategies as st

from donate.gifts.disputes import disputes_of
from donate.gifts.facts import Fact, FactKind
from donate.gifts.status import Flag, StatusName, status_of
from tests.laws.every_fact import BEGAN, EVERY_FACT, name_of

K = FactKind

FACTS = st.lists(st.sampled_from(EVERY_FACT), unique_by=name_of, max_size=15)
MANY = settings(max_examples=250, deadline=None)


@MANY
@given(FACTS, st.data())
def test_order_and_repetition_do_not_matter(facts: list[Fact], data: st.DataObject) -> None:
    """The same facts, shuffled and repeated, give the same status."""
    again = data.draw(st.lists(st.sampled_from(facts), max_size=20)) if facts else []
    shuffled = data.draw(st.permutations(facts + again))
    assert status_of(shuffled) == status_of(facts)


@MANY
@given(FACTS)
def test_amounts_add_up_and_are_never_negative(facts: list[Fact]) -> None:
    """The net amount is received less returned; if more went back, it is zero and flagged."""
    status = status_of(facts)
    assert 0 <= status.held_minor <= status.returned_minor <= status.received_minor
    assert status.net_minor == status.received_minor - status.returned_minor
    went_back = counted(facts, K.REFUND_SUCCEEDED, unless=K.REFUND_FAILED)
    went_back += sum(dispute.amount_minor for dispute in disputes_of(facts) if dispute.has_money)
    is_excess = went_back > status.received_minor
    assert (Flag.RETURNED_MORE_THAN_RECEIVED in status.flags) == is_excess
    assert status.returned_minor == min(went_back, status.received_minor)
    assert (status.received_at is None) == (status.received_minor == 0)


def counted(facts: list[Fact], kind: FactKind, unless: FactKind | None = None) -> int:
    back = {fact.source_id for fact in facts if fact.kind == unless}
    return sum(
        fact.amount_minor or 0 for fact in facts if fact.kind == kind and fact.source_id not in back
    )


@MANY
@given(FACTS)
def test_received_is_the_sum_of_payments_and_transfers(facts: list[Fact]) -> None:
    """The received amount is the sum of all payments and of transfers that were not undone."""
    payments = counted(facts, K.PAYMENT_SUCCEEDED)
    transfers = counted(facts, K.TRANSFER_RECEIVED, unless=K.TRANSFER_UNDONE)
    assert status_of(facts).received_minor == payments + transfers


NO_MONEY = {StatusName.AWAITED, StatusName.PROCESSING, StatusName.FAILED, StatusName.LAPSED}
BAD_NEWS = {K.PAYMENT_FAILED, K.PAYMENT_DECLINED, K.CHECKOUT_EXPIRED, K.CHECKOUT_REFUSED}


@MANY
@given(FACTS)
def test_only_gifts_without_money_are_open_or_failed(facts: list[Fact]) -> None:
    """A gift is awaited, processing, failed or lapsed if and only if it received no money."""
    status = status_of(facts)
    assert (status.name in NO_MONEY) == (status.received_minor == 0)


def without(*kinds: FactKind) -> Callable[[list[Fact]], list[Fact]]:
    return lambda facts: [fact for fact in facts if fact.kind not in kinds]


@MANY
@given(FACTS)
def test_failures_do_not_change_a_paid_gift(facts: list[Fact]) -> None:
    """Facts about failures, declines and expiries do not change a gift that received money."""
    status = status_of(facts)
    if status.received_minor:
        assert status_of(without(*BAD_NEWS)(facts)) == status


DISPUTES = (K.DISPUTE_LOST, K.DISPUTE_OPENED, K.DISPUTE_WON)


@MANY
@given(FACTS)
def test_won_disputes_change_nothing(facts: list[Fact]) -> None:
    """If all disputes were won in the end, the gift's status is as if there had been none."""
    open_disputes = without(K.DISPUTE_WON)(facts)
    disputes = [fact for fact in open_disputes if fact.kind in DISPUTES]
    late = BEGAN + timedelta(days=1)
    won = [
        Fact(K.DISPUTE_WON, source, late, "stripe", 5_000, "CAD")
        for source in {fact.source_id for fact in disputes}
    ]
    without_disputes = without(K.DISPUTE_LOST, K.DISPUTE_OPENED, K.DISPUTE_WON)(facts)
    assert status_of(open_disputes + won) == status_of(without_disputes)


@MANY
@given(FACTS, st.sampled_from([K.INQUIRY_OPENED, K.INQUIRY_ANSWERED]))
def test_an_inquiry_moves_no_money(facts: list[Fact], kind: FactKind) -> None:
    """An inquiry that is open or answered does not change a gift's status."""
    inquiry = Fact(kind, "a", BEGAN, "stripe")
    assert status_of([*facts, inquiry]) == status_of(
        [f for f in facts if name_of(f) != (kind, "a")]
    )


AMOUNTS = st.integers(min_value=1, max_value=10**6)


@MANY
@given(AMOUNTS, st.integers(min_value=1, max_value=5), st.data())
def test_returned_extra_payments_change_nothing(
    chosen: int, extra: int, data: st.DataObject
) -> None:
    """If all payments but one were returned in full, the gift is confirmed without a flag."""
    facts = [Fact(K.GIFT_OPENED, "gift", BEGAN, "donor", chosen, "CAD")]
    facts += [
        Fact(K.PAYMENT_SUCCEEDED, f"pi_{number}", BEGAN, "stripe", chosen, "CAD")
        for number in range(extra + 1)
    ]
    for number in range(extra):
        kind = data.draw(st.sampled_from([K.REFUND_SUCCEEDED, K.DISPUTE_LOST]))
        facts.append(Fact(kind, f"back_{number}", BEGAN, "stripe", chosen, "CAD"))
    status = status_of(data.draw(st.permutations(facts)))
    assert (status.name, status.net_minor, status.flags) == ("confirmed", chosen, frozenset())


@MANY
@given(AMOUNTS, st.data())
def test_a_partial_refund_of_the_only_payment(chosen: int, data: st.DataObject) -> None:
    """If the only payment was refunded in part, the gift is partly refunded, without a flag."""
    part = data.draw(st.integers(min_value=1, max_value=chosen))
    facts = [
        Fact(K.GIFT_OPENED, "gift", BEGAN, "donor", chosen, "CAD"),
        Fact(K.PAYMENT_SUCCEEDED, "pi", BEGAN, "stripe", chosen, "CAD"),
        Fact(K.REFUND_SUCCEEDED, "re", BEGAN, "stripe", part, "CAD"),
    ]
    status = status_of(data.draw(st.permutations(facts)))
    assert status.name == ("refunded" if part == chosen else "partly_refunded")
    assert not status.flags
