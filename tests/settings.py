"""Loads settings for tests, and returns the error message about invalid settings."""

from typing import Any

import pytest

from donate.errors import Misconfigured
from donate.settings import Settings, load_settings
from tests.links import LINK_KEY

KEY = "sk_test_51Kd83kfLs02mQpZ7uYtR1"

SECOND_FACTOR_KEY = "9f2c47d1e8b35a60" * 2

SECRET = "whsec_4fJd83kfLs02mQpZ7uYtR1"


def load(**more: Any) -> Settings:
    given: dict[str, Any] = {
        "stripe_secret_key": KEY,
        "stripe_webhook_secret": SECRET,
        "link_key": LINK_KEY,
    }
    return load_settings(None, **(given | more))


def refusal(**more: Any) -> str:
    with pytest.raises(Misconfigured) as refused:
        load(**more)
    assert refused.value.__cause__ is None
    return str(refused.value)
