"""What an object has no value for is null, as it is at Stripe: the field is there all the same."""


def null_fields(names: str) -> dict[str, None]:
    return dict.fromkeys(names.split())
