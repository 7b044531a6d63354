"""Which addresses lead to one mailbox."""

import pytest

from donate.gifts.donor_profiles.mailboxes import folded_mailbox


@pytest.mark.parametrize(
    ("email", "mailbox"),
    [
        ("Ann@Example.COM", "ann@example.com"),
        (" ann@example.com ", "ann@example.com"),
        ("ann+gifts@example.com", "ann@example.com"),
        ("ann+a+b@example.com", "ann@example.com"),
        ("a.nn@example.com", "a.nn@example.com"),
        ("a-n_n@example.com", "a-n_n@example.com"),
        ("A.N.N+x@gmail.com", "ann@gmail.com"),
        ("a-nn@gmail.com", "a-nn@gmail.com"),
        ("ann@googlemail.com", "ann@gmail.com"),
        ("a.nn+x@me.com", "a.nn@icloud.com"),
        ("ann@mac.com", "ann@icloud.com"),
        ("A.n-n_+x@pm.me", "ann@proton.me"),
        ("ann@protonmail.com", "ann@proton.me"),
        ("+@example.com", "+@example.com"),
        ("...@gmail.com", "...@gmail.com"),
        ('"a@b"@example.com', '"a@b"@example.com'),
    ],
)
def test_a_mailbox_has_several_addresses(email: str, mailbox: str) -> None:
    """Case, tags and what the provider ignores do not make another mailbox."""
    assert folded_mailbox(email) == mailbox
