"""E-mails say what staff wrote for their kind, region and language, with placeholders filled in."""

import threading
from dataclasses import replace
from typing import Any, Final

import pytest

from donate.errors import BadInputs, Conflict
from donate.letters.context import LetterContext
from donate.letters.kinds import LetterKind
from donate.letters.texts.example import example_context, standard_text
from donate.letters.texts.queries import TextPlace, own_text_for
from donate.letters.texts.recorder import record_text
from donate.letters.texts.rules import (
    PARTS,
    TextParts,
    check_text,
    fill_text,
    placeholders_of,
)
from donate.letters.words.by_kind import draft
from donate.regions.regions import Region, load_regions
from donate.regions.terms import PublicName
from donate.storage.database import Database
from tests.letters.every_kind import a_letter
from tests.letters.mailer import LocalMailServer, Mailer, markup, plain
from tests.stripe_gateway.gifts_and_events import NOW, give

LWCAN: Final = load_regions()["LWCAN"]
PLACE: Final = TextPlace("LWCAN", "en-CA", LetterKind.INSTRUCTIONS)
OURS: Final = TextParts(
    subject="{reference}: your {amount}",
    headline="One step to go, {name}",
    opening="Thank you for <b>giving</b> & caring.\nHere is how.",
    closing="Blessings!",
)
KINDS: Final = [(kind, language) for kind in LetterKind for language in LWCAN.languages]


def named(region: Region = LWCAN, name: str = "Roof Fund") -> Region:
    named = PublicName(en=name, fr=name)
    organisation = region.organisation.model_copy(update={"name": named})
    return region.model_copy(update={"organisation": organisation})


def write(
    database: Database, parts: TextParts | None, seen: int = 0, place: TextPlace = PLACE
) -> bool:
    with database.writing() as session:
        return record_text(session, place, parts, seen=seen, actor="staff:1", now=NOW)


def typed(**changes: str) -> dict[str, str]:
    return {part: getattr(OURS, part) for part in PARTS} | changes


def problems_with(kind: LetterKind = LetterKind.INSTRUCTIONS, **changes: str) -> dict[str, str]:
    with pytest.raises(BadInputs) as refused:
        check_text(typed(**changes), placeholders_of(kind, LWCAN))
    return {each.field: each.message % each.values for each in refused.value.problems}


def test_donors_read_what_staff_wrote(mailer: Mailer, mail_server: LocalMailServer) -> None:
    """An e-mail has the text that is in force when it is sent; HTML in it is only characters."""
    gift = give(mailer.database, mode="interac")
    write(mailer.database, replace(OURS, subject="old"))
    mailer.find_all()
    write(mailer.database, OURS, seen=1)
    mailer.send_all()
    (message,) = mail_server.messages
    assert message["Subject"] == f"{gift.reference}: your $50.00"
    for words in ("One step to go, Ann Lee", "Here is how.", "Blessings!", gift.reference):
        assert words in plain(message)
        assert words in markup(message)
    assert "Thank you for <b>giving</b> & caring." in plain(message)
    assert "Thank you for &lt;b&gt;giving&lt;/b&gt; &amp; caring." in markup(message)
    assert "partnership@loveworldcan.ca" in plain(message)
    assert "Here’s how to send your gift" not in plain(message)


def test_a_text_is_for_one_language_and_kind(mailer: Mailer, mail_server: LocalMailServer) -> None:
    """A text that staff wrote changes no e-mail in another language or of another kind."""
    write(mailer.database, OURS, place=replace(PLACE, language="fr-CA"))
    write(mailer.database, OURS, place=replace(PLACE, kind=LetterKind.REMINDER))
    write(mailer.database, OURS, place=replace(PLACE, code="OTHER"))
    give(mailer.database, mode="interac")
    mailer.run()
    assert "how to send your gift of $50.00" in mail_server.messages[0]["Subject"]


def test_the_standard_text_comes_back(mailer: Mailer, mail_server: LocalMailServer) -> None:
    """Staff can go back to the standard text, and what they wrote stays on record."""
    assert write(mailer.database, OURS)
    assert write(mailer.database, None, seen=1)
    assert not write(mailer.database, None, seen=2)
    give(mailer.database, mode="interac")
    mailer.run()
    assert "how to send your gift of $50.00" in mail_server.messages[0]["Subject"]


def test_the_second_of_two_is_told(database: Database) -> None:
    """Whoever saves a text without having seen the newest one is told, and nothing is stored."""
    assert write(database, OURS)
    with pytest.raises(Conflict):
        write(database, replace(OURS, subject="mine"))
    with database.reading() as session:
        assert own_text_for(session, PLACE) == OURS


def test_of_many_at_the_same_moment_one_saves(database: Database) -> None:
    """Of four people who save the same text at once, one succeeds, and the others are told."""
    start, results = threading.Barrier(4), list[bool]()

    def save(number: int) -> None:
        start.wait()
        try:
            results.append(write(database, replace(OURS, subject=f"mine {number}")))
        except Conflict:
            results.append(False)

    threads = [threading.Thread(target=save, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False, False, False, True]


@pytest.mark.parametrize(("kind", "language"), KINDS)
def test_the_standard_text_can_be_saved_and_says_the_same(kind: LetterKind, language: str) -> None:
    """A standard text passes the checks and, saved as staff's own, makes the same e-mail."""
    text = standard_text(kind, LWCAN, language)
    parts = {part: getattr(text, part) for part in PARTS}
    assert check_text(parts, placeholders_of(kind, LWCAN)) == text
    example = example_context(kind, LWCAN, language, today=NOW.date())
    assert draft(kind, replace(example, own_text=text)) == draft(kind, example)


@pytest.mark.parametrize("kind", list(LetterKind))
def test_each_placeholder_on_the_list_has_a_value(database: Database, kind: LetterKind) -> None:
    """Every placeholder that staff may use is filled in, and no e-mail has another value."""
    _, context = a_letter(database, kind, "en-CA")
    region = named()
    names = placeholders_of(kind, region)
    parts = replace(OURS, opening=" ".join(f"{{{name}}}" for name in names))
    content = draft(kind, replace(context, region=region, own_text=replace(parts, subject="x")))
    assert content.opening
    assert "{" not in content.opening[0]
    assert bool(content.amount) == ("amount" in names)
    assert bool(content.day) == ("date" in names)


def about(database: Database, name: str, **parts: str) -> Any:
    _, context = a_letter(database, LetterKind.INSTRUCTIONS, "en-CA")
    donor = type(context.donor)(**context.donor.model_dump() | {"name": name})
    changed: LetterContext = replace(context, donor=donor, own_text=replace(OURS, **parts))
    return draft(LetterKind.INSTRUCTIONS, changed)


def test_a_name_that_could_be_spam_is_not_filled_in(database: Database) -> None:
    """{name} is the name only if it is safe to greet; a stranger's message never gets in."""
    assert about(database, "Zoë {amount}").headline == "One step to go, friend"
    assert about(database, "See evil.com now").headline == "One step to go, friend"
    assert about(database, "Zoë Ŝmit").headline == "One step to go, Zoë Ŝmit"


def test_a_gap_is_never_sent(database: Database) -> None:
    """If a placeholder has no value, the standard text is sent instead of a text with a gap."""
    content = about(database, "Ann Lee", closing="Your {organisation}")
    assert content.headline == "How to send your gift"
    assert fill_text(replace(OURS, closing="{nothing}"), {"name": "a"}) is None


@pytest.mark.parametrize(
    ("part", "text", "sentence"),
    [
        ("subject", "", "Please enter a subject."),
        ("subject", " \n\t ", "Please enter a subject."),
        ("headline", "", "Please enter a headline."),
        ("subject", "a" * 151, "Please shorten this to 150 characters."),
        ("headline", "a" * 100_000, "Please shorten this to 150 characters."),
        ("closing", "a\n" * 1_001, "Please shorten this to 2000 characters."),
        ("opening", "4242 4242 4242 4242", "That looks like a card number. Please remove it."),
        ("subject", "a\x00b", "This text has a character we can’t use. Please remove it."),
        ("subject", "a\ud800b", "This text has a character we can’t use. Please remove it."),
        ("closing", "a\u202eb", "This text has a character we can’t use. Please remove it."),
        ("opening", "{sum}", "You can’t use {sum} here. You can use {name}, {amount}, "),
        ("opening", "{date}", "You can’t use {date} here. You can use {name}, {amount}, "),
        ("opening", "{organisation}", "You can’t use {organisation} here."),
        ("opening", "{ name }", "You can’t use { name } here."),
        ("opening", "{}", "You can’t use {} here."),
        ("opening", "{name.__class__}", "You can’t use {name.__class__} here."),
        (
            "opening",
            "{{name}}",
            "There’s a “{” or “}” on its own. A placeholder looks like {name}.",
        ),
        ("opening", "a } b", "There’s a “{” or “}” on its own."),
    ],
    ids=range(18),
)
def test_a_wrong_text_is_refused_with_a_sentence(part: str, text: str, sentence: str) -> None:
    """A wrong part is refused with a sentence that names what is wrong, and the others are not."""
    problems = problems_with(LetterKind.INSTRUCTIONS, **{part: text})
    assert set(problems) == {part}
    assert problems[part].startswith(sentence)


def test_a_text_is_stored_tidily() -> None:
    """Line breaks in a subject become spaces, empty lines go, and a French space stays."""
    parts = check_text(
        typed(
            subject="One\r\nBcc: a@b.org\u2028\x85 two",
            opening="  Bonjour\u00a0!\r\n\r\n\tMerci  beaucoup.\u2029Fin\n",
        ),
        placeholders_of(LetterKind.INSTRUCTIONS, LWCAN),
    )
    assert parts.subject == "One Bcc: a@b.org two"
    assert parts.opening == "Bonjour\u00a0!\nMerci beaucoup.\nFin"
