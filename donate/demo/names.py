"""Names of example donors, in several scripts. None is meant to be a person who exists."""

from typing import Final

_FRENCH: Final = (
    "Amélie Zoë Luc Hélène Jean Noémie Gaël Chloé Étienne Océane Loïc Maëlle Benoît Inès Rémi "
    "Léa Thérèse Françoise"
).split()
_ENGLISH: Final = (
    "Grace Chidi Marie Daniel Ngozi Sarah Tunde Peter Aisha Ruth Oliver Priya Björn Siobhán Łucja "
    "Zainab Ahmed Søren Kwame Ana Mateo Mei Nguyên Ólafur Ivana Renée Dmitri Fatima Jürgen Amara"
).split()
_LAST: Final = (
    "Tremblay Okafor Smith Gagnon Lee Adeyemi Roy Brown Bouchard Eze Martin Wilson Côté Lévesque "
    "Nguyen Patel O’Neill Müller García Łukasz Ødegård Singh Kowalski Ibrahim MacDonald "
    "Fortin Bélanger Pelletier Lavoie Campbell Thompson Silva Haddad Novák Öztürk Ferrari Hughes"
).split()
# Complete names in other scripts. They are not combined from first and last names.
_WHOLE: Final = ("王小明", "김민준", "محمد علي", "Анна Иванова", "山田花子", "Ελένη Παππά")


def example_donor(number: int) -> tuple[str, str]:
    """Return the name and the language of the example donor with this number."""
    if number % 97 == 0:
        return _WHOLE[number // 97 % len(_WHOLE)], "en-CA"
    if number % 211 == 0:
        return f"Example Company {number} Ltd.", "en-CA"
    is_french = number % 4 == 0
    first = _FRENCH if is_french else _ENGLISH
    name = f"{first[number // 4 % len(first)]} {_LAST[number * 7 // 3 % len(_LAST)]}"
    return name, "fr-CA" if is_french else "en-CA"


def example_email(person: int) -> str:
    """Return the e-mail address of the person with this number."""
    return f"donor{person}@example.org"
