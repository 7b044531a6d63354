"""The daily sheet names every difference, and shows to the cent what it cannot explain."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings, strategies as st

from donate.books.journal.balance_rules import RULES
from donate.books.journal.bookings import BankPartKind, Booking
from donate.books.journal.entry import balances_of
from donate.books.journal.journal import journal_of
from donate.books.journal.roles import AccountRole as Role
from donate.books.sheet.daily_sheet import DaySheet, sheet_of
from donate.books.sheet.differences import DifferenceKind as Kind, LinkedAmount, LinkedThing
from donate.books.sheet.items import (
    PLACES,
    ChosenGift,
    GiftStanding,
    SettledSums,
    SheetItems,
    Stage,
)
from tests.books.booking_samples import FIRST, at_bank, of_stripe
from tests.books.sheet_worlds import EVENTS, World, world_of, worlds

MANY = settings(max_examples=120, deadline=None)
ORDER = list(Kind)
FIRST_GAP = ORDER[: ORDER.index(Kind.UNKNOWN_GIFT) + 1]


def sheet(world: World, **changed: Any) -> DaySheet:
    """Return the sheet of the world's last day; `changed` replaces lists of items."""
    return sheet_of("CAD", world.day, replace(world.items, **changed), world.stated)


def named(events: list[tuple[str, int]]) -> dict[Kind, tuple[int, list[str]]]:
    """Return the amount of each difference after some events, and what it links to."""
    world = world_of(events)
    result = sheet(world)
    assert result.unexplained_minor == 0
    return {
        one.kind: (one.amount_minor, [part.id for part in one.parts]) for one in result.differences
    }


@MANY
@given(worlds())
def test_the_sheet_explains_everything(world: World) -> None:
    """Whatever happened, nothing is unexplained, and the differences add up between columns."""
    result = sheet(world)
    assert result.unexplained_minor == 0
    first = sum(one.amount_minor for one in result.differences if one.kind in FIRST_GAP)
    second = sum(one.amount_minor for one in result.differences if one.kind not in FIRST_GAP)
    assert first == world.confirmed - world.chosen
    assert second == world.confirmed - sum(world.stated.of(place) for place in PLACES)


@MANY
@given(worlds(), st.data())
def test_a_swallowed_amount_shows(world: World, data: st.DataObject) -> None:
    """If any one gift, movement, transaction or line is missing, its amount is unexplained."""
    lists = {name: getattr(world, name) for name in ("gifts", "money", "stripe", "bank")}
    places = [(name, place) for name, items in lists.items() for place in range(len(items))]
    assume(places)
    name, place = data.draw(st.sampled_from(places))
    swallowed = lists[name][place]
    rest = [one for one in lists[name] if one is not swallowed]
    result = sheet(world, **{name: rest})
    amount = swallowed.net_minor if name == "stripe" else swallowed.amount_minor
    expected = abs(amount)
    if name == "stripe" and swallowed.type.startswith("payout"):
        expected *= 2  # it is missing at Stripe and in transit
    if name == "bank" and swallowed.kind == "stripe":
        expected *= 2  # it is missing at the bank, and still in transit
    assert result.unexplained_minor == expected > 0


@MANY
@given(worlds(), st.sampled_from([-1, 1]))
def test_a_changed_fee_shows(world: World, cents: int) -> None:
    """If one fee is another than the one that Stripe took, the difference is unexplained."""
    fees = [one for one in world.stripe if one.fee_minor]
    assume(fees)
    wrong = replace(fees[0], fee_minor=fees[0].fee_minor + cents)
    others = [one for one in world.stripe if one is not fees[0]]
    result = sheet(world, stripe=[wrong, *others])
    assert result.unexplained(Stage.AT_STRIPE) == cents
    assert result.unexplained_minor == 1


@MANY
@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_the_items_changes_nothing(world: World, random: Any) -> None:
    """The same items in another order give the same sheet."""
    shuffled = {name: list(getattr(world, name)) for name in ("gifts", "money", "stripe", "bank")}
    for items in shuffled.values():
        random.shuffle(items)
    assert sheet(world, **shuffled) == sheet(world)


def is_of(one: Any, names: set[str]) -> bool:
    """Whether an item belongs to one of these gifts, or is one of these other things."""
    own = getattr(one, "reference", "") or getattr(one, "source_id", "")
    return (own.partition("_")[2] if own.startswith(("pi_", "re_", "dp_")) else own) in names


@MANY
@given(worlds(), st.data())
def test_what_is_settled_may_be_passed_as_sums(world: World, data: st.DataObject) -> None:
    """If some gifts and all of their money are passed as sums, no amount of the sheet changes."""
    cards = [
        gift.reference for gift in world.gifts if gift.reference.startswith(("card", "refund"))
    ]
    names = data.draw(st.sets(st.sampled_from(cards or ["none"])))
    items: dict[bool, dict[str, list[Any]]] = {True: {}, False: {}}
    for name in ("gifts", "money", "stripe", "bank"):
        for is_settled in (True, False):
            whole = getattr(world, name)
            items[is_settled][name] = [one for one in whole if is_of(one, names) is is_settled]
    settled = sheet(world, **items[True])
    left = {one.kind: one.amount_minor for one in settled.differences}
    result = sheet(world, **items[False], settled=SettledSums(settled.added_up, left))
    assert result.added_up == sheet(world).added_up
    assert {(one.kind, one.name): one.amount_minor for one in result.differences} == {
        (one.kind, one.name): one.amount_minor for one in sheet(world).differences
    }


@MANY
@given(worlds())
def test_the_sheet_agrees_with_the_books(world: World) -> None:
    """The columns are the balances of the journal's accounts."""
    bookings: list[Booking] = [*world.stripe, *world.bank]
    bookings += [one.booking for one in world.money]
    balances: dict[Role, int] = {}
    entries = journal_of(bookings, last_day=world.day)
    for account, amount in balances_of(entries).items():
        balances[account.role] = balances.get(account.role, 0) + amount
    result = sheet(world)
    assert result.added_up.at_stripe == balances.get(Role.STRIPE_CLEARING, 0)
    assert result.added_up.in_transit == balances.get(Role.PAYOUTS_IN_TRANSIT, 0)
    assert result.added_up.at_bank == balances.get(Role.BANK, 0)
    income = (Role.DONATIONS, Role.REFUNDS, Role.DISPUTES)
    assert result.added_up.confirmed == -sum(balances.get(role, 0) for role in income)


@pytest.mark.parametrize(
    ("events", "kind", "amount", "links"),
    [
        ([("awaited", 500)], Kind.AWAITED, -500, ["awaited_1"]),
        ([("lapsed", 500)], Kind.LAPSED, -500, ["lapsed_1"]),
        ([("paid_more", 500)], Kind.AMOUNT_DIFFERS, 1, ["paid_more_1"]),
        ([("refund", 500)], Kind.REFUNDED, -500, ["refund_1"]),
        ([("dispute", 500)], Kind.HELD_IN_DISPUTE, -500, ["dispute_1"]),
        ([("card", 6_000)], Kind.STRIPE_FEE, 176, ["txn_0"]),
        ([("card", 6_000)], Kind.TAX_ON_FEE, 25, ["txn_0"]),
        (
            [("card_recorded_late", 500)],
            Kind.WAITING_FOR_STRIPE,
            500,
            ["card_recorded_late_1"],
        ),
        ([("other_stripe_charge", 500)], Kind.STRIPE_WITHOUT_GIFT, -500, ["txn_0"]),
        ([("transfer", 500)], Kind.WAITING_FOR_TRANSFER, 500, ["transfer_1"]),
        ([("cheque", 500)], Kind.NOT_DEPOSITED, 500, ["cheque_1"]),
        ([("reserve", 500)], Kind.HELD_BY_STRIPE, 500, ["txn_0"]),
        ([("bank_fee", 500)], Kind.BANK_FEE, 500, ["line_0"]),
        ([("unmatched", 500)], Kind.UNMATCHED, -500, ["line_0"]),
        ([("explained_later", 500)], Kind.UNMATCHED, -500, ["line_0"]),
        ([("interest", 500)], Kind.NO_GIFT, -500, ["line_0"]),
        ([("new_type", 500)], Kind.UNKNOWN_TYPE, 500, ["txn_0"]),
    ],
)
def test_a_difference_has_its_name_and_its_link(
    events: list[tuple[str, int]], kind: Kind, amount: int, links: list[str]
) -> None:
    """Each kind of difference has its amount, and links to the gift, transaction or bank line."""
    assert named(events)[kind] == (amount, links)


@pytest.mark.parametrize(
    "events",
    [
        [("transfer", 500), ("transfer_at_bank", 2)],
        [("payout", 500), ("payout_arrives", 2)],
        [("payout", 500)],
        [("payout", 500), ("payout_fails", 2)],
        [("debit", 500), ("payout_arrives", 2)],
    ],
)
def test_what_arrived_or_is_in_transit_is_no_difference(events: list[tuple[str, int]]) -> None:
    """A transfer at the bank, and a payout on its way or back, leave no difference."""
    assert named(events) == {}


def test_money_explained_later_is_no_difference_then() -> None:
    """Once money was explained, the sheet of a later day has no difference, an earlier one has."""
    events = [("explained_later", 500), *[("dispute_won", 2)] * 3]
    assert named(events[:3])[Kind.UNMATCHED][0] == -500
    assert named(events) == {}


def test_an_unknown_type_keeps_its_name() -> None:
    """A difference of a type that the rules do not know has Stripe's name for it."""
    (difference,) = sheet(world_of([("new_type", 500)])).differences
    assert difference.name == "moon_fee (lunar)"
    assert difference.kind.sentence % {"name": difference.name} != difference.kind.sentence


def test_amounts_that_differ_are_named_at_the_gift() -> None:
    """If Stripe or the bank shows another amount than the gift, the difference is at the gift."""
    card, transfer = (
        world_of([("card", 6_000)]),
        world_of([("transfer", 50), ("transfer_at_bank", 2)]),
    )
    at_stripe = sheet(card, stripe=[replace(card.stripe[0], amount_minor=5_990)])
    at_bank = sheet(transfer, bank=[replace(transfer.bank[0], amount_minor=40)])
    for result, kind, name in (
        (at_stripe, Kind.STRIPE_DIFFERS, "card_1"),
        (at_bank, Kind.TRANSFER_DIFFERS, "transfer_1"),
    ):
        (difference,) = [one for one in result.differences if one.kind is kind]
        assert difference.parts == (LinkedAmount(LinkedThing.GIFT, name, 10),)
        assert result.unexplained_minor == 10


def test_a_line_of_an_undone_transfer_is_named() -> None:
    """A bank line that is tied to a transfer which is no longer recorded is named."""
    world = world_of([("transfer", 500), ("transfer_at_bank", 2)])
    (difference,) = [
        one for one in sheet(world, money=[]).differences if one.kind is not Kind.AMOUNT_DIFFERS
    ]
    assert (difference.kind, difference.amount_minor) == (Kind.TRANSFER_WITHOUT_GIFT, -500)
    assert [part.id for part in difference.parts] == ["line_0"]


def test_money_of_an_unknown_gift_is_named() -> None:
    """Money of a gift that is not on the list of gifts is named, and what was chosen is not."""
    world = world_of([("transfer", 500)])
    result = sheet(world, gifts=[])
    assert result.differences[0].kind is Kind.UNKNOWN_GIFT
    assert result.unexplained(Stage.CHOSEN) == 500


def test_two_errors_do_not_hide_each_other() -> None:
    """Errors of opposite signs in two columns are both unexplained."""
    world = world_of([("unmatched", 500), ("new_type", 300)])
    stated = replace(world.stated, at_stripe=-200, at_bank=400)
    result = sheet_of("CAD", world.day, world.items, stated)
    assert [result.unexplained(stage) for stage in Stage] == [0, 0, 100, 0, -100]
    assert result.unexplained_minor == 200


def test_every_account_is_a_place_or_a_difference() -> None:
    """The balance of each account is in a column of the sheet, or is a difference with a name."""
    world = world_of([])
    bookings = [of_stripe(name, -700, category="") for rule in RULES for name in rule.types]
    parts = [at_bank(kind, 900) for kind in BankPartKind]
    result = sheet_of("CAD", world.day, SheetItems(stripe=bookings, bank=parts), world.stated)
    second = sum(one.amount_minor for one in result.differences)
    assert second == -sum(result.added_up.of(place) for place in PLACES)
    assert {Kind.BETWEEN_ACCOUNTS, Kind.NO_GIFT, Kind.UNKNOWN_TYPE} < {
        one.kind for one in result.differences
    }


@pytest.mark.parametrize("standing", GiftStanding)
def test_a_gift_without_money_is_named_by_its_standing(standing: GiftStanding) -> None:
    """Of a gift for which no money came, the difference is what it waits for or why it ended."""
    gift = ChosenGift("LWCAN-1", FIRST, "CAD", 500, standing)
    stated = replace(world_of([]).stated, chosen=500)
    (difference,) = sheet_of("CAD", FIRST, SheetItems(gifts=[gift]), stated).differences
    is_odd = standing is GiftStanding.CONFIRMED
    assert difference.kind.value == ("amount_differs" if is_odd else standing.value)
    assert difference.amount_minor == -500


def test_a_lost_dispute_is_no_longer_held() -> None:
    """Money in dispute is held until the dispute ends, and lost or back after it."""
    world = world_of([("dispute", 500)])
    lost = [replace(one, is_held=False) for one in world.money]
    kinds = [one.kind for one in sheet(world, money=lost).differences]
    assert Kind.LOST_IN_DISPUTE in kinds
    assert Kind.HELD_IN_DISPUTE not in kinds
    won = named([("dispute", 500), ("dispute_won", 2)])
    assert not {Kind.LOST_IN_DISPUTE, Kind.HELD_IN_DISPUTE} & set(won)


def test_other_currencies_and_later_days_are_left_out() -> None:
    """A sheet has the items of its currency until its day, and no others."""
    world = world_of([(event, 500) for event in EVENTS])
    nothing = sheet_of("USD", world.day, world.items, world_of([]).stated)
    assert nothing.differences == ()
    assert nothing.unexplained_minor == 0
    first = world_of([("card", 500)])
    early = sheet_of("CAD", first.day, world.items, first.stated)
    assert early == sheet(first)
