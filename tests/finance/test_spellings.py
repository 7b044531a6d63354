"""One password and one address may be spelled in several ways, and stay one."""

import pytest

from donate.errors import Conflict
from donate.finance.staff.accounts import set_password, staff_by_email
from tests.finance.room import CHEAP, Room, sign_in

COMPOSED, DECOMPOSED = "sept hérons calmes", "sept he\u0301rons calmes"


@pytest.mark.parametrize("kept", [COMPOSED, DECOMPOSED, "sept\u00a0hérons calmes"])
@pytest.mark.parametrize("typed", [COMPOSED, DECOMPOSED])
def test_a_password_is_one_however_a_keyboard_spells_it(room: Room, kept: str, typed: str) -> None:
    """An accented letter may come as one character or as two, and a space may be a hard one."""
    room.add_staff("ann@example.org")
    with room.database.writing() as session:
        set_password(session, "ann@example.org", kept, now=room.clock.now(), passwords=CHEAP)
    assert sign_in(room.browser(), password=typed).status_code == 303
    assert sign_in(room.browser(), password=typed.replace("s c", "sc")).status_code == 401


@pytest.mark.parametrize("kept", [COMPOSED, DECOMPOSED])
def test_a_hash_of_an_earlier_version_lets_in_and_is_made_anew(room: Room, kept: str) -> None:
    """A hash of a password as it was typed stays good, and becomes one of the usual spelling."""
    room.add_staff("ann@example.org")
    for _ in range(2):
        with room.database.writing() as session:
            staff_by_email(session, "ann@example.org").password_hash = CHEAP.hash(kept)
        assert sign_in(room.browser(), password=DECOMPOSED).status_code == 303
        assert CHEAP.verify(COMPOSED, room.staff("ann@example.org").password_hash)
        assert sign_in(room.browser(), password=COMPOSED).status_code == 303


@pytest.mark.parametrize("kept", ["ann@église.example", "ann@xn--glise-9ra.example"])
@pytest.mark.parametrize("typed", ["Ann@ÉGLISE.example", "ann@xn--glise-9ra.example"])
def test_an_address_is_one_in_either_spelling(room: Room, kept: str, typed: str) -> None:
    """Staff of an accented domain sign in with either of its names, and are added only once."""
    room.add_staff(kept)
    assert sign_in(room.browser(), email=typed).status_code == 303
    with pytest.raises(Conflict):
        room.add_staff(typed)
