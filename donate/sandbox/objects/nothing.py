"""What an object has no value for is null, as it is at Stripe: the field is there all the same."""


def nothing_in(names: str) -> dict[str, None]:
    return dict.fromkeys(names.split())
