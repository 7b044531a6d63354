"""Fields without a value, which are null in Stripe's objects instead of missing."""


def null_fields(names: str) -> dict[str, None]:
    return dict.fromkeys(names.split())
