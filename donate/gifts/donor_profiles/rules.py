"""Rules for donor profiles: which addresses are equal, which values are valid. Pure functions."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Final

from donate.errors import N_, BadInput, BadInputs, check_field
from donate.gifts.choosing.card_numbers import CARD_NUMBER_FOUND, holds_card_number
from donate.gifts.choosing.characters import holds_unusable
from donate.gifts.donor_profiles.models import MAX_NOTE_TEXT, DonorKind
from donate.gifts.search_index.folding import stored_words
from donate.regions.regions import countries

LANGUAGES_OF_DONORS: Final = ("en-CA", "fr-CA")
PROVINCES: Final = (
    *("AB", "BC", "MB", "NB", "NL", "NS", "NT"),
    *("NU", "ON", "PE", "QC", "SK", "YT"),
)
MAX_WHY: Final = 500
_MAX_WORDS: Final = 20
# Canadian postal codes never contain D, F, I, O, Q or U, and never begin with W or Z.
_POSTAL_CODE: Final = re.compile(
    "[ABCEGHJ-NPRSTVXY][0-9][ABCEGHJ-NPRSTV-Z][0-9][ABCEGHJ-NPRSTV-Z][0-9]"
)


def email_key(email: str) -> str:
    """Return an e-mail address in the form used to compare it: in lower case.

    Mail providers ignore case. Dots and "+tags" are kept, because they mean the same mailbox at
    some providers and two people at others. If one person gets two profiles, staff can merge them;
    but if two people shared a profile, they would read each other's receipts. `casefold` is not
    used, because it turns ß into ss, and domains with these are different.
    """
    return email.strip().lower()


def name_words(name: str) -> list[str]:
    """Return the words of a name as searches store and compare them: lower case, no accents."""
    return sorted(stored_words(name[:1_000]))[:_MAX_WORDS]


@dataclass(frozen=True, slots=True, repr=False)
class DonorDetails:
    """The values of a profile that staff may change."""

    name: str
    kind: DonorKind
    first_name: str
    initial: str
    language: str
    street: str
    city: str
    province: str
    postal_code: str
    country: str


DETAIL_FIELDS: Final = tuple(field.name for field in fields(DonorDetails))
_LENGTHS: Final = {
    "name": 200,
    "first_name": 100,
    "initial": 10,
    "street": 200,
    "city": 100,
    "province": 100,
    "postal_code": 20,
}


def check_details(typed: Mapping[str, str], *, language: str) -> DonorDetails:
    """Check what staff typed about a donor. Raises BadInputs with a sentence for each wrong field.

    `language` is the donor's current language, which can be kept even if no page is in that
    language.
    """
    problems: list[BadInput] = []
    values: dict[str, str] = {}
    for field in _LENGTHS:
        line = check_field(problems, partial(_check_line, field, typed.get(field, "")))
        values[field] = line or ""
    kind = typed.get("kind", "")
    if kind not in set(DonorKind):
        problems.append(BadInput("kind", N_("Please choose a kind from the list.")))
    for field, allowed in (
        ("language", {*LANGUAGES_OF_DONORS, language}),
        ("country", countries()),
    ):
        values[field] = typed.get(field, "")
        if values[field] not in allowed:
            message = {
                "language": N_("Please choose a language from the list."),
                "country": N_("Please choose a country from the list."),
            }
            problems.append(BadInput(field, message[field]))
    wrong = {problem.field for problem in problems}
    has_name = any(map(str.isprintable, values["name"]))
    if "name" not in wrong and not has_name and kind != DonorKind.ANONYMOUS:
        problems.append(BadInput("name", N_("Please enter a name.")))
    problems += _check_person(kind, values)
    if values["country"] == "CA":
        problems += _check_canadian(values, wrong)
    if problems:
        raise BadInputs(problems)
    return DonorDetails(kind=DonorKind(kind), **values)


def _check_person(kind: str, values: Mapping[str, str]) -> list[BadInput]:
    if kind == DonorKind.PERSON or not (values["first_name"] or values["initial"]):
        return []
    field = "first_name" if values["first_name"] else "initial"
    return [BadInput(field, N_("Only a person has a first name and an initial."))]


def _check_canadian(values: dict[str, str], wrong: set[str]) -> list[BadInput]:
    """Check the province and the postal code, and put their stored forms into `values`."""
    problems = []
    if values["province"] and "province" not in wrong:
        values["province"] = values["province"].upper()
        if values["province"] not in PROVINCES:
            codes = ", ".join(PROVINCES)
            message = N_("In Canada, please enter one of %(codes)s.")
            problems.append(BadInput("province", message, {"codes": codes}))
    if values["postal_code"] and "postal_code" not in wrong:
        code = re.sub(r"[\s-]", "", values["postal_code"]).upper()
        values["postal_code"] = f"{code[:3]} {code[3:]}"
        if not _POSTAL_CODE.fullmatch(code):
            message = N_(
                "A Canadian postal code looks like K1A 0B1. It never has the letters D, F, I, O, Q "
                "and U, and never begins with W or Z."
            )
            problems.append(BadInput("postal_code", message))
    return problems


def _check_line(field: str, text: str) -> str:
    line = re.sub(r"\s+", " ", text[:2_000]).strip()
    return _check_characters(field, unicodedata.normalize("NFC", line), _LENGTHS[field])


def check_note(text: str) -> str:
    """Return a typed note in its stored form. Raises BadInput if it is empty or too long."""
    return _check_paragraphs("note", text, MAX_NOTE_TEXT, N_("Please write a note."))


def check_why(text: str) -> str:
    """Return the typed reason for a merge in its stored form. Raises BadInput if it is empty."""
    return _check_paragraphs("why", text, MAX_WHY, N_("Please give a reason."))


def _check_paragraphs(field: str, text: str, most: int, if_empty: str) -> str:
    text = text[: 4 * most].replace("\r\n", "\n").replace("\r", "\n").strip()
    if not any(map(str.isprintable, text)):
        raise BadInput(field, if_empty)
    return _check_characters(field, unicodedata.normalize("NFC", text), most)


def _check_characters(field: str, text: str, most: int) -> str:
    if len(text) > most:
        message = N_("Please shorten this to %(most)s characters.")
        raise BadInput(field, message, {"most": str(most)})
    if holds_unusable(text):
        raise BadInput(field, N_("This text has a character we can’t use. Please remove it."))
    if holds_card_number(text):
        raise BadInput(field, CARD_NUMBER_FOUND)
    return text
