"""Which passwords staff may choose: OWASP ASVS 5.0, section 6.2."""

import gzip

import pytest

from donate.errors import BadInput
from donate.finance.staff.password_rules import (
    COMMON_PASSWORDS,
    MAX_PASSWORD,
    MIN_PASSWORD,
    check_password,
)
from donate.regions.regions import Regions
from donate.storage.database import Database
from tests.finance.finance_site import PASSWORD, REGIONS, FinanceSite, open_site, sign_in
from tests.finance.people_site import post

EMAIL = "clerk@loveworld.example"
NAMES = ("Josephine Tremblay", "Loveworld Canada", "Monde d’amour Canada")


def problem_of(password: str) -> str:
    """Return the sentence with which a password is refused; empty if it is taken."""
    try:
        check_password(password, EMAIL, *NAMES)
    except BadInput as refused:
        return refused.message
    return ""


def listed() -> list[str]:
    lines = gzip.decompress(COMMON_PASSWORDS.read_bytes()).decode().splitlines()
    return [line for line in lines if not line.startswith("# ")]


def test_the_most_common_long_passwords_are_refused() -> None:
    """6.2.4: at least the 3,000 most common passwords that are long enough are refused."""
    long = [password for password in listed() if len(password) >= MIN_PASSWORD]
    assert len(long) >= 3_000
    assert [password for password in long if not problem_of(password)] == []
    assert COMMON_PASSWORDS.stat().st_size <= 100_000


@pytest.mark.parametrize(
    "password",
    [
        *("qwerty123456", "1qaz2wsx3edc", "QWERTY123456", "Sunshine-2026!", "12345-dragon-6789"),
        *("dragondragon", "monkeymonkeymonkey", "pa55w0rd!!!!!", "iloveyou 2026", "abcabcabcabc"),
    ],
)
def test_a_common_password_with_additions_is_refused(password: str) -> None:
    """Digits and signs around a common password, capitals and repeating it do not help."""
    assert "easy to guess" in problem_of(password)


@pytest.mark.parametrize(
    "password",
    [
        *(
            "Loveworld-Canada",
            "loveworldcanada2026",
            "JosephineTremblay",
            "tremblay 2026 josephine",
        ),
        *("clerk.loveworld", "Monde d'amour canada", "mondedamour-1234", "loveworld gifts"),
    ],
)
def test_names_of_the_charity_and_the_person_are_refused(password: str) -> None:
    """6.2.11: the charity's name, the person's name and address are no passwords."""
    assert "charity’s name" in problem_of(password)


@pytest.mark.parametrize(
    "password",
    [
        *(PASSWORD, "correct horse battery staple", "twelve lower", "aucun chiffre ici"),
        *(
            "loveworld sends seven brown boats",
            "密码是一个很长的句子没有空格",
            "🐢🐇🐌🦔 run slowly",
        ),
        "q8" * 3 + "Zt" * 25 + " é" * 100,
    ],
)
def test_any_characters_make_a_good_password(password: str) -> None:
    """6.2.5, 6.2.9: there are no rules about kinds of characters, and long passwords are taken."""
    assert problem_of(password) == ""


def test_lengths() -> None:
    """6.2.1, 6.2.9: 12 characters are enough, 64 and more are allowed, and 500 is the most."""
    assert (MIN_PASSWORD, MAX_PASSWORD) == (12, 500)
    text = ("seven brown boats sail " * 50).replace("boats s", "boats, s", 3)
    assert "at least 12" in problem_of(text[:11])
    assert [problem_of(text[:length]) for length in (12, 64, 65, 500)] == [""] * 4
    assert "at most 500" in problem_of(text[:501])


@pytest.mark.parametrize("new", ["Sunshine-2026!", "Ann-Lee-Ann-Lee", "Boats of Hope 2026"])
def test_the_page_refuses_a_new_password(database: Database, new: str) -> None:
    """The page for a new password refuses what is common or a name, and changes nothing."""
    region = REGIONS["LWCAN"]
    named = region.organisation.model_copy(update={"legal_name": "Boats of Hope"})
    regions = Regions({"LWCAN": region.model_copy(update={"organisation": named})})
    site = open_site(database, regions=regions)
    site.add_staff()
    browser = site.browser()
    sign_in(browser)
    page = "/finance/me"
    answer = post(browser, f"{page}/password", page, own_password=PASSWORD, new_password=new)
    assert answer.status_code == 422
    assert "easy to guess" in answer.text or "charity’s name" in answer.text
    assert sign_in(site.browser()).status_code == 303


def test_a_password_does_not_end(site: FinanceSite) -> None:
    """6.2.10: a password is as good after three years; nobody has to change it by the calendar."""
    site.add_staff()
    site.wait(days=3 * 365)
    assert sign_in(site.browser()).status_code == 303
