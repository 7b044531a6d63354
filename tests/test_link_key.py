"""The setting LINK_KEY, without which the service does not start."""

import pytest

from tests.links import LINK_KEY
from tests.settings import load, refusal


@pytest.mark.parametrize(
    "given",
    ["", " , ", "short", "0" * 64, "changeme" * 8, LINK_KEY[:31], f"{LINK_KEY},short"],
)
def test_a_key_that_can_be_guessed_is_refused(given: str) -> None:
    """A key that is empty, short or a placeholder is refused; no message repeats it."""
    message = refusal(link_key=given)
    assert message.startswith("LINK_KEY ")
    assert not given.strip(" ,") or given not in message


def test_there_may_be_two_keys() -> None:
    """While a key is replaced, there are two: the new one first."""
    other = LINK_KEY[::-1]
    keys = load(link_key=f"{other}, {LINK_KEY}").link_key
    assert [key.get_secret_value() for key in keys] == [other, LINK_KEY]
