"""Finds the personal data in an object of Stripe."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

# Stripe's names of fields about the payer. They can be at any depth of an object.
PERSONAL_KEYS: Final = frozenset(
    {
        *("billing_details", "customer_details", "customer_address", "shipping_details"),
        *("customer_email", "customer_name", "customer_phone", "customer_shipping"),
        *("receipt_email", "email", "name", "phone", "address", "shipping", "tax_ids"),
        *("last4", "exp_month", "exp_year", "fingerprint", "iin", "issuer", "institution_number"),
        *("transit_number", "bank_name", "customer_purchase_ip", "ip", "ip_address", "user_agent"),
        *("evidence", "verification", "individual_name", "collected_information", "preferences"),
    }
)


def personal_fields(content: Any) -> dict[str, Any]:
    """Return what is about the payer: each value under its path, such as `data.object.email`."""
    return dict(_found(content, ""))


def _found(content: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(content, Mapping):
        for key, value in content.items():
            here = f"{path}.{key}" if path else str(key)
            if key in PERSONAL_KEYS:
                yield from _leaves(value, here)
            else:
                yield from _found(value, here)
    elif isinstance(content, list):
        for place, value in enumerate(content):
            yield from _found(value, f"{path}[{place}]")


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _leaves(each, f"{path}.{key}")
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _leaves(each, f"{path}[{place}]")
    elif value not in (None, ""):
        yield path, value
