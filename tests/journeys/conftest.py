"""A fixture that runs the service and a pretend Stripe, which talk over real ports."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.journeys.donor_steps import World, pretend_stripe
from tests.real_parts import free_port
from tests.stripe_gateway.service import WEBHOOK_PATH, serving


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with (
        pretend_stripe(address + WEBHOOK_PATH) as sandbox,
        serving(
            database_url,
            port,
            public_url=address,
            stripe_api_base=sandbox.url,
            checkout_hosts=urlsplit(sandbox.url).netloc,
        ) as service,
    ):
        yield World(service.url, service.http, service.database, sandbox)
