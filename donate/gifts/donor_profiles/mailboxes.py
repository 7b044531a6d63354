"""Tells which e-mail addresses lead to one mailbox, for limits on each mailbox. Pure."""

from typing import Final

# For each provider: its domains, which all lead to the same mailboxes, and the characters that it
# ignores before the @. Sources: Google's help, "Dots don't matter in Gmail addresses"; Apple's help
# on @icloud.com, @me.com and @mac.com; Proton's help on addresses, and `removeEmailAlias` in
# ProtonMail/WebClients.
_PROVIDERS: Final = (
    (("gmail.com", "googlemail.com"), "."),
    (("icloud.com", "me.com", "mac.com"), ""),
    (("proton.me", "protonmail.com", "protonmail.ch", "pm.me"), ".-_"),
)
_RULES: Final = {
    domain: (domains[0], str.maketrans("", "", ignored))
    for domains, ignored in _PROVIDERS
    for domain in domains
}


def folded_mailbox(email: str) -> str:
    """Return the mailbox of an address: lower case, without "+tag" and what the provider ignores.

    Use it only for limits. At some providers, two people could share a result, so
    `donor_profiles.rules.email_key` decides whose gifts a donor sees.
    """
    name, _, domain = email.strip().lower().rpartition("@")
    name = name.partition("+")[0] or name
    domain, ignored = _RULES.get(domain, (domain, {}))
    return f"{name.translate(ignored) or name}@{domain}"
