"""A shape of CSV files is data: what staff map by hand has the form of what is built in."""

import json
from typing import Any, Final

import pytest

from donate.bank.shapes.csv_shapes import (
    LOAN,
    PENDING,
    CsvShape,
    shape_from_json,
    shape_from_values,
    shape_to_json,
)
from donate.bank.shapes.reader import BUILT_IN
from donate.bank.shapes.recognition import fingerprint, preview
from donate.errors import BadInput
from tests.bank.shapes.reading import CARD, lines_of, read, refusals, sample, skips

CREDIT_UNION: Final = (
    "Statement of July\n\n"
    "Posted;Details;State;Out;In;Left;Currency\n"
    "05/07/2026;Dépôt;ok;;1 025,00;2 000,00;CAD\n"
    "13/07/2026;Frais;ok;-6,95;;1 993,05;\n"
    "14/07/2026;Wire;ok;;10,00;;USD\n"
    "14/07/2026;Card;on hold;-5,00;;;\n"
)
MAPPED: Final[dict[str, Any]] = {
    "name": "credit-union",
    "title": "Our credit union",
    "header": ["Posted", "Details", "State", "Out", "In", "Left", "Currency"],
    "date": "Posted",
    "text": ["Details"],
    "debit": "Out",
    "credit": "In",
    "debits_are_negative": True,
    "balance": "Left",
    "currency": "Currency",
    "delimiter": ";",
    "skip": [{"column": "State", "words": ["On hold"], "reason": "It is on hold."}],
}


def changed(**changes: object) -> dict[str, Any]:
    """Return the mapping with other values; None leaves a field out."""
    return {k: v for k, v in (MAPPED | changes).items() if v is not None}


def test_a_bank_is_mapped_by_hand() -> None:
    """A mapping made by hand reads a file that no built-in shape knows, once it is remembered."""
    with pytest.raises(BadInput, match="map them by hand once"):
        read(CREDIT_UNION)
    shape = shape_from_json(json.dumps(MAPPED))
    statement = read(CREDIT_UNION, shapes={**BUILT_IN, shape.name: shape})
    assert statement.shape == "credit-union"
    assert lines_of(statement) == [
        (4, "2026-07-05", 102500, "Dépôt"),
        (5, "2026-07-13", -695, "Frais"),
        (6, "2026-07-14", 1000, "Wire"),
    ]
    assert [line.amount.currency for line in statement.lines] == ["CAD", "CAD", "USD"]
    assert [line.balance_minor for line in statement.lines] == [200000, 199305, None]
    assert skips(statement) == {7: "It is on hold."}
    assert statement == read(CREDIT_UNION, shape=shape.name, shapes={shape.name: shape})


def test_a_mapping_by_numbers_reads_a_file_without_header() -> None:
    """Columns may be numbered from 1, and a chosen decimal mark settles what is ambiguous."""
    values = {"name": "x", "title": "X", "date": 2, "text": [3, 1], "amount": 4}
    for mark, minor in ((".", 123400), ("", None)):
        shape = shape_from_values({**values, "decimal_mark": mark})
        statement = read('A,2026-07-09,B,"1,234"', shape="x", shapes={"x": shape})
        if minor:
            assert lines_of(statement) == [(1, "2026-07-09", minor, "B A")]
        else:
            assert list(refusals(statement)) == [1]


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_shape_survives_json(name: str) -> None:
    """Each built-in shape written as JSON and read again is the same shape."""
    assert shape_from_json(shape_to_json(BUILT_IN[name])) == BUILT_IN[name]


def test_a_mapping_survives_json() -> None:
    """A mapping with every field that staff can fill in survives JSON."""
    shape = shape_from_values(MAPPED)
    assert shape_from_json(shape_to_json(shape)) == shape
    assert json.loads(shape_to_json(shape)) == MAPPED


def test_the_reasons_of_built_in_rules_are_translated() -> None:
    """Each reason in shapes.toml is one of the sentences that have a translation."""
    reasons = {rule.reason for shape in BUILT_IN.values() for rule in shape.skip}
    assert reasons == {PENDING, LOAN}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": None}, "mapping"),
        ({"colour": "red"}, "mapping"),
        ({"name": "Our Bank"}, "name"),
        ({"name": 5}, "name"),
        ({"text": []}, "text"),
        ({"text": "Details"}, "text"),
        ({"date": "Day"}, "date"),
        ({"date": 0}, "date"),
        ({"date": True}, "date"),
        ({"date": 201}, "date"),
        ({"date": 1.0}, "date"),
        ({"credit": None}, "debit"),
        ({"amount": "In"}, "amount"),
        ({"debit": None, "credit": None}, "amount"),
        ({"amounts": {"CAD": "In"}}, "amount"),
        ({"debit": None, "credit": None, "amounts": {"XXQ": "In"}}, "amounts"),
        ({"direction": "State"}, "direction"),
        ({"debit": None, "credit": None, "amount": "In", "direction": "State"}, "direction"),
        ({"debit_words": ["D"], "credit_words": ["C"]}, "direction"),
        ({"date_form": "american"}, "date_form"),
        ({"delimiter": "x"}, "delimiter"),
        ({"decimal_mark": "'"}, "decimal_mark"),
        ({"debits_are_negative": 1}, "debits_are_negative"),
        ({"skip": [{"column": "State"}]}, "skip"),
        ({"skip": [{"column": "None", "words": [], "reason": ""}]}, "skip"),
        ({"header": ["Posted"] * 2}, "date"),
        ({"header": ["x"] * 201}, "header"),
        ({"title": "x" * 201}, "title"),
    ],
)
def test_a_wrong_mapping_is_refused(changes: dict[str, object], field: str) -> None:
    """A mapping is read strictly: each wrong field is named, with a sentence."""
    with pytest.raises(BadInput) as caught:
        shape_from_json(json.dumps(changed(**changes)))
    assert caught.value.field == field


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "[" * 100_000, '"x"'])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    """Anything but a JSON object is refused with a sentence."""
    with pytest.raises(BadInput, match="This is not a mapping of columns"):
        shape_from_json(text)


def test_contradicting_words_are_refused() -> None:
    """A word cannot mean both a debit and a credit."""
    with pytest.raises(BadInput, match="its words for debits"):
        CsvShape(
            name="x",
            title="X",
            date=1,
            text=(2,),
            amount=3,
            direction=4,
            debit_words=("Out",),
            credit_words=("OUT ",),
        )


def test_a_preview_shows_rows_for_mapping() -> None:
    """The preview shows encoding, delimiter, header and 20 rows, with card numbers masked."""
    shown = preview((CREDIT_UNION + f"15/07/2026;Card {CARD};ok;;1,00;;\n" * 30).encode("cp1252"))
    assert (shown.encoding, shown.delimiter, shown.header) == ("cp1252", ";", 2)
    assert len(shown.rows) == 20
    assert shown.rows[2] == ("Posted", "Details", "State", "Out", "In", "Left", "Currency")
    assert shown.rows[7][1] == "Card ************4242"
    assert CARD not in repr(shown)


def test_a_preview_shows_damaged_and_blank_rows() -> None:
    """A row whose quotes do not match is shown as it stands; a blank row is empty."""
    shown = preview(b'2026-07-09,X,1.00\n\n2026-07-09,"Y,1.00\n')
    assert shown.rows == (("2026-07-09", "X", "1.00"), (), ('2026-07-09,"Y,1.00',))
    assert shown.header is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (CREDIT_UNION, "Statement of August\n" + CREDIT_UNION.split("\n\n")[1].upper()),
        ("2026-07-09,X,,5.00,1.00\n", "2026-08-10,Y Z,3.00,,\n2026-08-11,A,,1.00,2.00\n"),
    ],
    ids=["header", "kinds of columns"],
)
def test_a_fingerprint_is_the_same_for_files_of_one_bank(one: str, other: str) -> None:
    """Two months of one bank have one fingerprint, by header or by the kinds of columns."""
    assert fingerprint(one.encode()) == fingerprint(other.encode())


def test_fingerprints_differ_between_banks() -> None:
    """The samples of different banks have different fingerprints."""
    names = ["rbc-en.csv", "rbc-fr.csv", "td.csv", "scotiabank.csv", "bmo.csv", "desjardins.csv"]
    assert len({fingerprint(sample(name)) for name in names}) == len(names)
